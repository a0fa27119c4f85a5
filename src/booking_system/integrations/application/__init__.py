"""What other programs can ask for."""
