"""The desk's use cases and what they need."""
