"""How long a provider asks to be left alone."""

LONGEST_REST = 3600.0


def seconds_asked_for(field: str | None) -> float | None:
    """Return the seconds of `Retry-After`, at most an hour; None where it says nothing usable."""
    said = (field or "").strip()
    if not (said.isascii() and said.isdigit()):
        return None
    return min(float(said[:9]), LONGEST_REST)
