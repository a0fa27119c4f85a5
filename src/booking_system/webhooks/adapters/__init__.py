"""How webhooks are stored, sent and asked for."""
