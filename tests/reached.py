"""Which errors the document promises, and which of them answers had."""

Reached = tuple[str, int, str]
REACHED: set[Reached] = set()
"""Operation id, status and code of each error that an answer of this process had."""
PROMISED: set[Reached] = set()
"""The same of each documented one, where the document was made."""
