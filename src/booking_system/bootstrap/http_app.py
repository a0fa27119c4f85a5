"""The HTTP application."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache, partial
from typing import Any

from fastapi import FastAPI

from booking_system import __version__
from booking_system.bootstrap.about_api import DESCRIPTION, TAGS, TITLE
from booking_system.bootstrap.about_fields import ABOUT_FIELDS
from booking_system.bootstrap.container import Container, build, close
from booking_system.bootstrap.field_codes import type_field_codes
from booking_system.bootstrap.room import shortage
from booking_system.bootstrap.settings import Settings
from booking_system.bootstrap.watching import ALWAYS_ANSWERED
from booking_system.identity.domain.policies import public
from booking_system.platform.http import problems
from booking_system.platform.http.application import Application
from booking_system.platform.http.assembly import install, keep_apart, refuse_unguarded
from booking_system.platform.http.edge import Edge
from booking_system.platform.http.event_kinds import type_events
from booking_system.platform.http.found_routes import FoundRoutes, Shortcuts
from booking_system.platform.http.openapi import document_of
from booking_system.platform.http.page_origins import CrossOrigin, PageOrigins
from booking_system.platform.http.problem_pages import ProblemPages
from booking_system.platform.http.reference import ReferenceRoutes
from booking_system.platform.http.rejection import Rejection
from booking_system.platform.observability.tracing import Traced
from booking_system.platform.uuid7 import uuid7
from booking_system.webhooks.adapters.catalogue import webhooks


def create() -> FastAPI:
    """Make the application from the environment; the servers' entry point."""
    return create_app(build(Settings()))


def create_app(container: Container) -> FastAPI:
    """Make the application from a container. Raises `UnguardedRouteError` on a naked route."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with (
            tracing.running(),
            container.identity.follow_changes().running(),
            container.shared.sharing(),
            container.watching.outbox_watch().running(),
            container.watching.queue_watch().running(),
            container.watching.place_watch().running(),
            container.webhooks.watch().running(),
            container.integrations.tail().running(),
            container.integrations.live_slots().running(),
            container.consultations.live().running(),
        ):
            yield
        container.metrics().requests.flush()
        await close(container)

    @cache
    def document() -> dict[str, Any]:
        return document_of(
            app.routes,
            title=TITLE,
            version=__version__,
            description=DESCRIPTION,
            tags=TAGS,
            public_url=settings.given_public_url,
            webhooks=webhooks(),
            refine=refined,
            words=ABOUT_FIELDS,
        )

    def refined(schemas: dict[str, Any]) -> None:
        type_events(schemas)
        type_field_codes(schemas)

    tracing, settings = container.watching.tracing(), container.settings()
    public_url = settings.public_url
    rejection = Rejection(
        public_url=public_url, instance=os.urandom(4).hex(), new_id=lambda: uuid7().hex
    )
    app = Application(
        title=TITLE,
        version=__version__,
        lifespan=lifespan,
        openapi_url=None,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.state.authenticate = container.identity.authenticate()
    app.state.idempotency, app.state.budgets = container.idempotency(), container.shared.budgets()
    app.state.entrance, app.state.rejection = container.entrance(), rejection
    app.state.lives, app.state.draining = container.lives(), container.watching.draining()
    app.state.shortage = partial(shortage, settings.data_dir)
    app.state.page_origins = origins = PageOrigins(
        (public_url, *settings.allowed_origins), of_this_machine=settings.admits_this_machine
    )
    app.add_middleware(Shortcuts, router=app.router, public_url=public_url)
    app.add_middleware(
        Edge,
        entrance=container.entrance(),
        rejection=rejection,
        metrics=container.metrics().requests,
        quiet=ALWAYS_ANSWERED,
        pages=CrossOrigin(app, origins=origins) if settings.admits_this_machine else None,
    )
    if tracing.wanted:
        app.add_middleware(Traced, tracing=tracing, quiet=ALWAYS_ANSWERED)
    if settings.allowed_origins:
        app.add_middleware(CrossOrigin, origins=origins)
    problems.install(app, public_url=public_url)
    for part in container.routes():
        install(app, part.routes())
    reference = ReferenceRoutes(title=TITLE, document=document, policy=public)
    install(app, reference.routes())
    install(app, ProblemPages(document=document, policy=public).routes())
    app.openapi = document  # type: ignore[method-assign]
    keep_apart(app)
    refuse_unguarded(app)
    app.router.middleware_stack = FoundRoutes(app.router)
    return app
