"""One Miniserver on the network: connecting, logging in, following its states, starting over."""
