"""The technology of identity: HTTP and PostgreSQL."""
