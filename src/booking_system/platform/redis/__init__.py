"""What processes share in a Redis, where there is one. Nothing of it is ever relied upon."""
