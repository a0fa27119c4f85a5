"""The technology of directory: HTTP and PostgreSQL."""
