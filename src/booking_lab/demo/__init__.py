"""Demo data, small and at size."""
