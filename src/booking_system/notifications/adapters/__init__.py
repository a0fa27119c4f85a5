"""Messages in PostgreSQL, over HTTP and through the providers."""
