"""Domain: attempts, the ledger, and what is computed from it."""
