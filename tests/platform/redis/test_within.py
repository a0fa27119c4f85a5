"""Waiting has an end, and what this process is late by is not counted."""

import asyncio
import time

import pytest

from booking_system.platform.redis.within import within

TICK = 0.002
"""uvloop counts whole milliseconds, from when its turn began: a timer comes so much too early."""


async def test_what_does_not_end_is_given_up() -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    with pytest.raises(TimeoutError):
        await within(0.05, asyncio.Event().wait())
    assert loop.time() - began >= 0.05 - TICK


async def test_what_fails_fails_so() -> None:
    async def fails() -> None:
        raise LookupError

    with pytest.raises(LookupError):
        await within(1.0, fails())


async def test_a_loop_that_is_busy_takes_nobodys_time() -> None:
    async def in_some_steps() -> str:
        for _ in range(3):
            await asyncio.sleep(0)
        return "done"

    loop = asyncio.get_running_loop()

    def busy(left: int) -> None:
        time.sleep(0.06)
        if left:
            loop.call_soon(busy, left - 1)

    loop.call_soon(busy, 4)
    assert await within(0.05, in_some_steps()) == "done"
