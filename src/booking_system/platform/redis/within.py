"""Work that may take so long and no longer, also where a library does not let go."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

CLOSE_SECONDS = 0.5

Result = TypeVar("Result")


async def within(seconds: float, work: Awaitable[Result]) -> Result:
    """Do it by a task of its own. Raises `TimeoutError`.

    The library may swallow that it is cancelled: to wait for it would be to wait for ever.
    """
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait({task}, timeout=seconds)
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
