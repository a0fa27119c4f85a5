"""The fleet of the laboratory: its parts, and the proof that it loses nothing."""
