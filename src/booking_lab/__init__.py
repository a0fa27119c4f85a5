"""The laboratory: measures the product, races on it, fills it with demo data."""
