"""Who is calling, as the route's policy found out before anything else was read."""

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import Request

Policy = Callable[[Any], None]
"""Looks at the caller (None: nobody signed in) and returns, or raises a refusal."""

Authenticate = Callable[[str | None], Awaitable[Any]]
"""Turns the `Authorization` header into a caller; None without one.

Raises `Unauthenticated` for one that does not hold.
"""


async def caller(request: Request) -> Any:
    """Dependency: the caller that the route has admitted."""
    return request.scope["caller"]
