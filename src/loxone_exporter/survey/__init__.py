"""What a configuration and the houses behind it amount to, without running the exporter."""
