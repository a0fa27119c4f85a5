"""The program of a worker: what is done again and again behind the requests."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import TYPE_CHECKING

import structlog

from booking_system.bootstrap import logs, up
from booking_system.bootstrap.chosen_database import database_for
from booking_system.bootstrap.process import (
    Interrupted,
    die_with_the_parent_in_the_environment,
    interruptible,
    pin_time_zones,
    until_interrupted,
)
from booking_system.bootstrap.settings import Settings, SettingsProblem

if TYPE_CHECKING:
    from booking_system.bootstrap.container import Container

log = structlog.get_logger("booking_system.worker")


def work(settings: Settings) -> None:
    """Work until an exception comes, such as `Interrupted`; what is begun is undone then.

    Raises `SettingsProblem`, `LocalStackError`, `DatabaseProblemError`.
    """
    with database_for(settings) as ready:
        asyncio.run(_work(ready))


async def _work(settings: Settings) -> None:
    await up.refuse_unfit(settings)
    async with up.container_of(settings) as container, working(container):
        log.info("worker_started")
        await until_interrupted()


@asynccontextmanager
async def working(container: "Container") -> AsyncIterator[None]:
    """Do all jobs for as long as the block lasts."""
    async with AsyncExitStack() as jobs:
        for job in container.jobs():
            await jobs.enter_async_context(job.running())
        yield


def main() -> None:
    """Work as a child of the program that brings everything up, until SIGTERM."""
    die_with_the_parent_in_the_environment()
    pin_time_zones()
    try:
        with suppress(Interrupted), interruptible():
            settings = Settings()
            logs.configure(settings)
            work(settings)
    except SettingsProblem as problem:
        sys.stderr.write("".join(f"{sentence}\n" for sentence in problem.sentences))
        sys.exit(2)


if __name__ == "__main__":
    main()
