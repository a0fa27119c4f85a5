"""What an endpoint is, which addresses may be called, and when something is tried again."""
