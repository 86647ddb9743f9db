"""What is known of the Miniservers as Prometheus families."""
