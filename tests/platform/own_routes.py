"""The whole application with further routes, which a test has made for itself."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI
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
        add_routes(api.app, routes)
        async with undocumented(api):
            yield api


def add_routes(app: FastAPI, routes: Routes) -> None:
    """As the application's own are added."""
    install(app, routes)
    keep_apart(app)
    refuse_unguarded(app)


@asynccontextmanager
async def undocumented(api: Api) -> AsyncIterator[None]:
    """Give it a client for routes that are not in the document.

    The usual client holds each answer against that.
    """
    transport = ASGITransport(api.app)
    async with AsyncClient(transport=transport, base_url="http://test", timeout=PATIENCE) as client:
        api.client = client
        yield
