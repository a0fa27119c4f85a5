"""Work that another machine has to do: charging somebody, once for each request."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID, uuid4

from fastapi import Response

from booking_system.identity.domain.policies import signed_in
from booking_system.platform.http.answers import json_answer, making_answer
from booking_system.platform.http.input import Input, StrictRequest
from booking_system.platform.http.once import ClaimedFirst, OutsideKeyOf
from booking_system.platform.http.routing import Routes
from booking_system.platform.postgres.whole import WHOLE
from booking_system.platform.ticket import waiting_elsewhere
from tests.api import Api
from tests.platform.own_routes import own_api


class Crash(BaseException):
    """The process has ended here: nothing cleans up behind it."""


def nothing() -> None:
    """What usually happens."""


@dataclass
class Provider:
    """The other machine: does what it is asked for once for each key, and says so again."""

    charges: dict[str, UUID] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    before: Callable[[], object] = nothing
    after: Callable[[], object] = nothing

    async def charge(self, key: str) -> UUID:
        self.asked.append(key)
        await _maybe(self.before())
        made = self.charges.setdefault(key, uuid4())
        await _maybe(self.after())
        return made


async def _maybe(done: object) -> None:
    if hasattr(done, "__await__"):
        await done


class ChargeIn(Input):
    """What to charge."""

    amount: int


@dataclass
class Charges:
    """HTTP for it."""

    provider: Provider = field(default_factory=Provider)

    def routes(self) -> Routes:
        routes = Routes("Charges")
        routes.add(
            "POST",
            "/v1/charges",
            self.create_charge,
            policy=signed_in,
            status=201,
            answers=None,
            once=ClaimedFirst(again=self.show_again),
            shown=False,
        )
        return routes

    async def create_charge(self, body: ChargeIn, key: OutsideKeyOf) -> Response:
        """Charge."""
        assert WHOLE.get() is None
        with waiting_elsewhere():
            made = await self.provider.charge(key)
        location = {"Location": f"/v1/charges/{made}"}
        return making_answer({"charge": made, "amount": body.amount}, [made], headers=location)

    async def show_again(self, _: StrictRequest, made: Sequence[UUID]) -> Response:
        return json_answer({"charge": made[0]})


@asynccontextmanager
async def charging(database_url: str, place: Path) -> AsyncIterator[tuple[Api, Provider]]:
    charges = Charges()
    async with own_api(database_url, place, charges.routes()) as api:
        yield api, charges.provider
