"""The tables of this context, and what contexts above may use in their own statements."""
