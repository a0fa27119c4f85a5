"""What is done in and around rooms, and the ports that it needs."""
