"""The desk in PostgreSQL and over HTTP."""
