"""Work that may take so long and no longer, also where a library does not let go."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

CLOSE_SECONDS = 0.5
SLICE_SECONDS = 0.01
LATEST = 1.5
"""Of a slice that took longer, only so many times its length counts."""

Result = TypeVar("Result")


async def within(seconds: float, work: Awaitable[Result]) -> Result:
    """Do it by a task of its own. Raises `TimeoutError`.

    The library may swallow that it is cancelled: to wait for it would be to wait for ever. What
    this process itself is late by does not count: an answer that is there, and that a busy loop has
    not come to yet, is no sign of anything.
    """
    task = asyncio.ensure_future(work)
    clock, left = asyncio.get_running_loop().time, seconds
    try:
        while not task.done() and left > 0:
            slice_, since = min(left, SLICE_SECONDS), clock()
            await asyncio.wait({task}, timeout=slice_)
            left -= min(clock() - since, LATEST * slice_)
        if not task.done():
            raise TimeoutError
    finally:
        await dropped(task)
    return task.result()


async def dropped(task: "asyncio.Future[Result]") -> None:
    """Cancel it, and give it a moment to tidy up."""
    if not task.done():
        task.cancel()
        # What it still says is nobody's business.
        task.add_done_callback(lambda one: one.cancelled() or one.exception())
        await asyncio.wait({task}, timeout=CLOSE_SECONDS)
