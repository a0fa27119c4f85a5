"""The longest time for which the event loop serves nobody else, in the CPU time of its thread."""

import asyncio
import gc
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass


@dataclass(slots=True)
class Stall:
    """CPU seconds between two turns of one task that always wants its turn."""

    longest: float = 0.0
    turns: int = 0


@asynccontextmanager
async def watched() -> AsyncIterator[Stall]:
    """Measure for as long as the block lasts. Other programs on the machine do not count.

    What is there already is frozen, as a server freezes it when it starts.
    """
    stall = Stall()
    gc.collect()
    gc.freeze()

    async def watch() -> None:
        last = time.thread_time()
        while True:
            await asyncio.sleep(0)
            now = time.thread_time()
            stall.longest, last = max(stall.longest, now - last), now
            stall.turns += 1

    task = asyncio.create_task(watch())
    await asyncio.sleep(0)
    try:
        yield stall
    finally:
        task.cancel()
        gc.unfreeze()
