"""What a developer runs beside the program."""
