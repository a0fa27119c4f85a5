"""What may be stored, as what, for whom, and for how long."""
