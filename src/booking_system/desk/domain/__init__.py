"""What the desk decides, without any framework."""
