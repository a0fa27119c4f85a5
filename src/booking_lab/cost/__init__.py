"""Counts what one request costs: figures that are the same on every machine."""
