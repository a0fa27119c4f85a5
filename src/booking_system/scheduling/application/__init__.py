"""The use cases of scheduling, and the ports that they need."""
