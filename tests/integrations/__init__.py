"""Other programs that follow what happens."""
