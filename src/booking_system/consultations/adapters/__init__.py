"""PostgreSQL, HTTP and sockets of consultations."""
