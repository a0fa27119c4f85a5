"""A body that is here costs no timer; where it is not here, the seconds of its route count."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.types import Message

from booking_system.platform.http.input import BodyLimit, StrictRequest
from booking_system.platform.http.waiting import Begun, begin
from booking_system.shared_kernel.errors import Malformed
from tests.patience import PATIENCE

LAST: Message = {"type": "http.request", "body": b"{}", "more_body": False}


def a_request(receive: Any, seconds: float) -> StrictRequest:
    route = SimpleNamespace(body_limit=BodyLimit(seconds=seconds))
    return StrictRequest({"type": "http", "headers": [], "route": route}, receive)


async def test_a_body_that_never_comes_is_given_up() -> None:
    async def never() -> Message:
        return await asyncio.get_running_loop().create_future()  # type: ignore[no-any-return]

    async with asyncio.timeout(PATIENCE):
        with pytest.raises(Malformed, match="did not arrive in time"):
            await a_request(never, 0.01).body()


async def test_a_body_that_comes_later_is_read() -> None:
    async def later() -> Message:
        await asyncio.sleep(0.01)
        return LAST

    assert await a_request(later, PATIENCE).body() == b"{}"


async def test_what_is_here_is_not_waited_for() -> None:
    async def here() -> Message:
        return LAST

    async def later() -> Message:
        await asyncio.sleep(0)
        return LAST

    assert begin(here()) == LAST
    begun = begin(later())
    assert isinstance(begun, Begun)
    assert await begun == LAST
