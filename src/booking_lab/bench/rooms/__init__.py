"""Rooms of online appointments under load: how soon messages come, and what a connection takes."""
