"""How they ask, and where the answers are stored."""
