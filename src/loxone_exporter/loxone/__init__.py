"""What a Miniserver says, as bytes and values: no input or output, no trio."""
