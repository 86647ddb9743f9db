"""Throws mutated bytes at the exporter: `nox -s fuzz`, or `python -m fuzz` from the checkout."""
