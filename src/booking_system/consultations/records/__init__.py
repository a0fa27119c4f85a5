"""The tables of consultations."""
