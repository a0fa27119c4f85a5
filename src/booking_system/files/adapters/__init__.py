"""PostgreSQL, object storage, the scanner, pictures and HTTP for files."""
