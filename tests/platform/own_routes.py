"""The whole application with further routes, which a test has made for itself."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from httpx import ASGITransport, AsyncClient

from booking_system.platform.http.assembly import install, keep_apart, refuse_unguarded
from booking_system.platform.http.routing import Routes
from tests.api import Api, running_api
from tests.patience import PATIENCE


@asynccontextmanager
async def own_api(
    database_url: str, place: Path, routes: Routes, **about: Any
) -> AsyncIterator[Api]:
    async with running_api(database_url, place, **about) as api:
        install(api.app, routes)
        keep_apart(api.app)
        refuse_unguarded(api.app)
        # They are not in the document, against which the usual client holds each answer.
        transport = ASGITransport(api.app)
        async with AsyncClient(
            transport=transport, base_url="http://test", timeout=PATIENCE
        ) as client:
            api.client = client
            yield api
