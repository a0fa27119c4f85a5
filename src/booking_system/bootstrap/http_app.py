"""The HTTP application."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from booking_system import __version__
from booking_system.bootstrap.container import Container, build, close
from booking_system.bootstrap.settings import Settings
from booking_system.platform.http import problems
from booking_system.platform.http.edge import Edge
from booking_system.platform.http.routing import install, refuse_unguarded
from booking_system.platform.uuid7 import uuid7


def create() -> FastAPI:
    """Make the application from the environment; the servers' entry point."""
    return create_app(build(Settings()))


def create_app(container: Container) -> FastAPI:
    """Make the application from a container. Raises `UnguardedRouteError` on a naked route."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await close(container)

    public_url = container.settings().public_url
    app = FastAPI(
        title="Booking System",
        version=__version__,
        lifespan=lifespan,
        openapi_url=None,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.add_middleware(Edge, public_url=public_url, new_id=lambda: uuid7().hex)
    problems.install(app, public_url=public_url)
    install(app, [])
    refuse_unguarded(app)
    return app
