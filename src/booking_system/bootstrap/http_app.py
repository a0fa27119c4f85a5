"""The HTTP application."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from typing import Any

from fastapi import FastAPI

from booking_system import __version__
from booking_system.bootstrap.container import Container, build, close
from booking_system.bootstrap.settings import Settings
from booking_system.identity.domain.policies import public
from booking_system.platform.http import problems
from booking_system.platform.http.edge import Edge
from booking_system.platform.http.reference import ReferenceRoutes, document_of
from booking_system.platform.http.routing import install, refuse_unguarded
from booking_system.platform.uuid7 import uuid7

TITLE = "Booking System"
DESCRIPTION = """\
Appointment booking for clinics: search open time slots, book one, and nobody else can take it.

Sign in with `POST /v1/auth/token`, or register as a patient with `POST /v1/auth/register`, and
send the `access_token` as `Authorization: Bearer …`. Instants are RFC 3339 in UTC; whatever belongs
to a clinic carries its `time_zone`. Everything that is not a success is an
`application/problem+json` (RFC 9457) whose `code` is stable.
"""


def create() -> FastAPI:
    """Make the application from the environment; the servers' entry point."""
    return create_app(build(Settings()))


def create_app(container: Container) -> FastAPI:
    """Make the application from a container. Raises `UnguardedRouteError` on a naked route."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with container.identity.follow_changes().running():
            yield
        await close(container)

    @cache
    def document() -> dict[str, Any]:
        return document_of(app.routes, title=TITLE, version=__version__, description=DESCRIPTION)

    public_url = container.settings().public_url
    app = FastAPI(
        title=TITLE,
        version=__version__,
        lifespan=lifespan,
        openapi_url=None,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.state.authenticate = container.identity.authenticate()
    app.add_middleware(Edge, public_url=public_url, new_id=lambda: uuid7().hex)
    problems.install(app, public_url=public_url)
    for part in container.routes():
        install(app, part.routes())
    reference = ReferenceRoutes(title=TITLE, document=document, policy=public)
    install(app, reference.routes())
    app.openapi = document  # type: ignore[method-assign]
    refuse_unguarded(app)
    return app
