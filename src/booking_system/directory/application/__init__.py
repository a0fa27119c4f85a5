"""The use cases of directory, and the ports that they need."""
