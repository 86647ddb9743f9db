"""A simulated Miniserver, for tests, for other clients, and for those who have no Miniserver."""
