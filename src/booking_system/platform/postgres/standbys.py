"""Commits that wait for a standby, and are told that they are done although none has them.

Somebody cancels the statement (`pg_cancel_backend`, a pooler's time-out): PostgreSQL ends the wait,
not the commit, and calls it done, with a warning (`SyncRepWaitForLSN` in its source). The server
has it and a standby may not, so nobody may be told that it will stay.
"""

import asyncpg

WAITS = "SyncRepWaitForLSN"
"""The part of PostgreSQL that warns, in every language."""
CUT_SHORT = set[asyncpg.Connection]()
"""On which a wait was cut short, and nobody has seen that yet."""


class NotReplicatedError(ConnectionError):
    """The wait for a standby was cut short: after a failover the commit may be gone."""


def listen(driver: asyncpg.Connection) -> None:
    """Hear of waits that are cut short on this connection."""
    driver.add_log_listener(_hear)


def see_that_it_waited(driver: asyncpg.Connection) -> None:
    """Call it behind a commit. Raises `NotReplicatedError`.

    The warning is there before the commit's answer, and is heard first.
    """
    if CUT_SHORT and driver in CUT_SHORT:
        CUT_SHORT.discard(driver)
        raise NotReplicatedError


def _hear(driver: asyncpg.Connection, message: asyncpg.PostgresLogMessage) -> None:
    if getattr(message, "server_source_function", None) == WAITS:
        CUT_SHORT.add(driver)
