"""What our application leaves out of FastAPI's, and does like it."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request
from starlette.types import ASGIApp, Receive, Scope, Send

from booking_system.platform.http.application import Application

LEFT_OUT = ["ServerErrorMiddleware", "ExceptionTelemetryMiddleware", "AppBodyLimitMiddleware"]


class First:
    """A layer that passes everything on."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


class Second(First):
    """Another, of a class of the first one's kind."""


def layers(app: FastAPI) -> Iterator[Any]:
    """From the outermost to the router's."""
    layer: Any = app.build_middleware_stack()
    while layer is not app.router:
        yield layer
        layer = layer.app


def with_layers(app: FastAPI) -> FastAPI:
    app.add_middleware(First)
    app.add_middleware(Second)
    return app


def test_no_other_layers_are_left_out_than_those_that_were_looked_at() -> None:
    usual = [type(one).__name__ for one in layers(with_layers(FastAPI()))]
    ours = [type(one).__name__ for one in layers(with_layers(Application()))]
    assert usual == [*LEFT_OUT, *ours]
    assert ours[:2] == ["Second", "First"]


@pytest.mark.parametrize("kind", [FastAPI, Application])
async def test_requests_find_their_application_from_the_first_on(kind: type[FastAPI]) -> None:
    app = with_layers(kind())
    seen = []

    @app.get("/")
    async def answer(request: Request) -> None:
        seen.append(request.app)

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as client:
        for _ in range(2):
            assert (await client.get("http://booking.example/")).status_code == 200
    assert seen == [app, app]


@pytest.mark.parametrize("kind", [FastAPI, Application])
async def test_its_life_begins_and_ends(kind: type[FastAPI]) -> None:
    lived, told = [], []

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        lived.append("begun")
        yield
        lived.append("ended")

    coming = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])

    async def receive() -> Any:
        return next(coming)

    async def send(message: Any) -> None:
        told.append(message["type"])

    app = with_layers(kind(lifespan=lifespan))
    # A server may ask for it when the layers are laid already.
    app.middleware_stack = app.build_middleware_stack()
    await app({"type": "lifespan", "state": {}}, receive, send)
    assert lived == ["begun", "ended"]
    assert told == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
