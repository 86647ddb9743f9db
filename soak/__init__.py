"""The exporter, tried for long: `nox -s soak -- [--minutes M] [--seed S]`.

The exporter runs as users run it, as a process of its own with a configuration file. In this
process there are several simulated Miniservers that it connects to, of several generations, and
everything else that makes its life hard, all at once and all by chance, from a seed:

- Each Miniserver goes through all that the simulator can do wrong (`loxone-exporter simulate
  --list-faults`), is cut off, stood in for by another device, has its structure changed and its
  user's password. What each of these ordeals is, and how soon the exporter has to be back after it,
  stands in one table (`ordeals.py`, `faults.py`, `incidents.py`).
- Scrapers ask in every form that there is; others stall, send nothing, or what they should not.
- An administrator rewrites the configuration, well and badly, adds and removes Miniservers.

From time to time all of this rests: the houses are frozen, and what the exporter shows is compared
with them. In the end it is stopped, and a table says what was promised, what was measured, and how
the two compare. Where something is not so, the exit code is 1, and the seed is printed that
repeats what happened.

The times are those of real life: nothing in the exporter is changed for this.

Modules:
    plan: how long, and by which seed.
    houses, sites: the simulated Miniservers.
    ordeals, faults, incidents: what happens to them.
    torment: who makes it happen, and measures how soon the exporter is back.
    configuration, administrator: the exporter's configuration, and who rewrites it.
    clients, packets, scraping: who asks the exporter, well and badly.
    exposition, truth, resources, log: what is looked at.
    observations, verdicts, report: what was seen, what is wrong with that, and the table.
    stage: all of it together.
"""
