"""The dashboards for Grafana in deploy/grafana, as code: `python -m dashboards [--check]`.

Each module below holds one of them: `house`, `climate`, `energy`, `room`, `exporter`, `fleet`. What
they are made of is in `panels` (a panel of each kind), `frame` (variables, links, annotations, the
grid) and `promql` (what queries have in common); `files` makes JSON of them.
"""
