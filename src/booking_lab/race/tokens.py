"""The access token of the race's own account, renewed before it ends."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any

from httpx import AsyncClient

from booking_lab.race.calls import call

PATH = "/v1/auth/token"
USED_SHARE = 0.7
"""A token is renewed when so much of its time is over."""


class Tokens:
    """Signs in once and stays signed in."""

    def __init__(self) -> None:
        """Nobody is signed in yet."""
        self._access = ""
        self._refresh = ""
        self._renew_at = 0.0
        self._lock = asyncio.Lock()

    async def sign_in(self, client: AsyncClient, email: str, password: str) -> None:
        """Raise as `call` does."""
        form = {"grant_type": "password", "username": email, "password": password}
        self._keep((await call(client, "POST", PATH, data=form)).json())

    async def current(self, client: AsyncClient) -> str:
        """Return a token that is good for a while. Raises as `call` does."""
        if time.monotonic() >= self._renew_at:
            async with self._lock:
                if time.monotonic() >= self._renew_at:
                    form = {"grant_type": "refresh_token", "refresh_token": self._refresh}
                    self._keep((await call(client, "POST", PATH, data=form)).json())
        return self._access

    def _keep(self, told: Mapping[str, Any]) -> None:
        self._access, self._refresh = told["access_token"], told["refresh_token"]
        self._renew_at = time.monotonic() + USED_SHARE * told["expires_in"]
