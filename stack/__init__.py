"""Exporter, Prometheus and Alertmanager together, and a Miniserver that goes and comes back."""
