"""Headers by name, of a request that is asked for several: they are gone through once."""

from starlette.types import Scope

BY_NAME = "booking_system.headers"
"""Where a request's scope keeps them."""


def header_of(scope: Scope, name: bytes) -> str | None:
    """Return the header with this name in small letters, the first of several, or None."""
    by_name: dict[bytes, bytes] | None = scope.get(BY_NAME)
    if by_name is None:
        by_name = scope[BY_NAME] = dict(reversed(scope["headers"]))
    value = by_name.get(name)
    return None if value is None else value.decode("latin-1")
