"""The technology of booking: HTTP and PostgreSQL."""
