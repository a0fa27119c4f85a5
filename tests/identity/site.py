"""The program as far as identity goes, wired by its container and called over HTTP."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import uuid4

import httpx
from dependency_injector import providers
from fastapi import FastAPI
from limits.aio.storage import MemoryStorage
from prometheus_client import CollectorRegistry

from booking_system.identity.adapters.passwords import Argon2Passwords
from booking_system.identity.application.ports import Accounts
from booking_system.identity.container import IdentityContainer
from booking_system.platform.http import problems
from booking_system.platform.http.assembly import install, refuse_unguarded
from booking_system.platform.http.budgets import budgets_for
from booking_system.platform.http.edge import Edge
from booking_system.platform.http.entrance import Entrance
from booking_system.platform.http.network import Networks
from booking_system.platform.http.openapi import document_of
from booking_system.platform.http.rejection import Rejection
from booking_system.platform.observability.metrics import RequestMetrics
from booking_system.platform.postgres.transaction import Database
from booking_system.platform.uuid7 import RandomIdentities
from booking_system.shared_kernel.identifiers import UserId
from tests.client import Client
from tests.contract import Contract, Watched
from tests.identity.builders import (
    CHEAP,
    EMAIL,
    ISSUER,
    KEYS,
    LIFETIMES,
    NOON,
    PASSWORD,
    FixedClock,
)

CONTRACT: list[Contract] = []
"""What every site promises: made with the first one, as it takes long."""


@dataclass
class Site:
    """The program as far as identity goes, with one account."""

    client: httpx.AsyncClient
    app: FastAPI
    container: IdentityContainer
    clock: FixedClock
    user_id: UserId

    async def token(self, **form: str) -> httpx.Response:
        return await self.client.post("/v1/auth/token", data=form)

    async def sign_in(self, password: str = PASSWORD, **headers: str) -> dict[str, Any]:
        form = {"grant_type": "password", "username": EMAIL, "password": password}
        answer = await self.client.post("/v1/auth/token", data=form, headers=headers)
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    async def ask(
        self, method: str, path: str, tokens: dict[str, Any], **more: Any
    ) -> httpx.Response:
        headers = more.pop("headers", {}) | {"Authorization": f"Bearer {tokens['access_token']}"}
        return await self.client.request(method, path, headers=headers, **more)


@asynccontextmanager
async def running_site(database: Database) -> AsyncIterator[Site]:
    clock = FixedClock()
    container = IdentityContainer(
        database=database,
        clock=clock,
        identities=RandomIdentities(),
        keys=KEYS,
        issuer=ISSUER,
        rate_limit=True,
        counts=MemoryStorage(),
        networks=Networks(KEYS),
        lifetimes=LIFETIMES,
    )
    container.passwords.override(providers.Object(Argon2Passwords(CHEAP, threads=2)))
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.openapi = partial(  # type: ignore[method-assign]
        document_of,
        app.routes,
        title="Identity",
        version="1",
        description="",
        tags={"Identity": ""},
        public_url=None,
    )
    app.add_middleware(
        Edge,
        entrance=Entrance(most_inside=100, always=frozenset(), tell=lambda _: None),
        rejection=Rejection(public_url=ISSUER, instance="here", new_id=lambda: "a-request"),
        metrics=RequestMetrics(CollectorRegistry()),
        quiet=frozenset(),
    )
    problems.install(app, public_url=ISSUER)
    app.state.authenticate = container.authenticate()
    app.state.budgets = budgets_for(rate_limit=False, reads=0, writes=0)
    install(app, container.routes().routes())
    refuse_unguarded(app)
    user_id = UserId(uuid4())
    async with database.transaction() as connection:
        accounts: Accounts = container.accounts_of()(connection)
        await accounts.add(
            user_id=user_id,
            email=EMAIL,
            password_hash=CHEAP.hash(PASSWORD),
            full_name="Example Patient",
            locale="de-DE",
            time_zone="Europe/Berlin",
            now=NOON,
        )
    if not CONTRACT:
        CONTRACT.append(Contract(app.openapi()))
    async with Client(Watched(app, *CONTRACT)) as client:
        yield Site(client=client, app=app, container=container, clock=clock, user_id=user_id)


def code_of(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, answer.json()["code"]
