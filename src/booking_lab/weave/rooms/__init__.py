"""Rooms of online appointments: people in them meet who cancels and moves."""
