"""`init`: from a few answers to a configuration file that is known to work."""
