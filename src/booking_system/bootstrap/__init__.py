"""Puts the program together: knows every context, and nobody knows it."""
