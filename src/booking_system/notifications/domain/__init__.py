"""Messages, and the rules of when which may be sent."""
