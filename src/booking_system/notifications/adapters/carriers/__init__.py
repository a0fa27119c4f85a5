"""Bring messages to providers."""
