"""The dashboards for Grafana in deploy/grafana, as code: `python -m dashboards [--check]`.

Each module of these holds one of them: `house`, `climate`, `energy`, `room`, `exporter`, `fleet`;
what several have is in `shared`. They are made of `panels` and `tables`, which look as `looks` has
it, and ask what `promql` helps to write; `frame` has what is around them: variables, links,
annotations, the grid. `files` makes JSON of it.
"""
