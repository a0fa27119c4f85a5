"""What is done with files, and the ports that it needs."""
