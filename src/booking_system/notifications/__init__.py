"""Messages to people: what they are told, when, through what, and what became of it."""
