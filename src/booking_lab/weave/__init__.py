"""The weave: one seed decides every coincidence, on a real PostgreSQL."""
