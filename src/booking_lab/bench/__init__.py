"""Measures this program on this machine: `booking-system bench`."""
