"""Prometheus exporter for Loxone Miniservers."""

from importlib.metadata import version


__version__ = version("loxone-exporter")
