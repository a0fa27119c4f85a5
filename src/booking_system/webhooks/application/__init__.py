"""Use cases of webhooks, and the ports that they need."""
