"""The exporter's configuration: what it can say, where it comes from, and what is wrong with it."""
