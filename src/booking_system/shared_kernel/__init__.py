"""Pure building blocks that every context shares."""
