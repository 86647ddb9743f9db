"""A Miniserver's bytes on their way to the client, and what may be done to them in each layer."""
