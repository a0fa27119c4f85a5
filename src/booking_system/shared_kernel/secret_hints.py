"""What is shown of a secret, so that people tell one from another."""

CLEAR = 4
"""So many characters of a long secret are shown."""
LONG = 16


def hint_of(secret: str) -> str:
    """Return its last characters; nothing of a short one."""
    return secret[-CLEAR:] if len(secret) >= LONG else ""
