"""Relays that can be killed: `python -m tests.platform.relays DATABASE_URL`.

It forks a relay for each line that it reads, and prints its process id.
"""

import asyncio
import os
import sys
from contextlib import suppress

from booking_system.platform.postgres import feed
from booking_system.platform.postgres.feed import Relay
from booking_system.platform.postgres.transaction import Database
from booking_system.platform.postgres.url import sqlalchemy_url


async def relay(url: str) -> None:
    """Bring events over without a pause, whatever the server does."""
    database = Database.at(sqlalchemy_url(url), pool_size=1)
    one = Relay(database=database)
    while True:
        with suppress(Exception):
            await one.once()
        await asyncio.sleep(feed.PAUSE_SECONDS)


def main() -> None:
    """Fork, and say whom."""
    feed.PAUSE_SECONDS = 0.002
    for _ in sys.stdin:
        if pid := os.fork():
            sys.stdout.write(f"{pid}\n")
            sys.stdout.flush()
            continue
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        asyncio.run(relay(sys.argv[1]))
        os._exit(0)


if __name__ == "__main__":
    main()
