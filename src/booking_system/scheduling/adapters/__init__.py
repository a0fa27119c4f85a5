"""The technology of scheduling: HTTP and PostgreSQL."""
