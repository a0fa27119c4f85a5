"""Indexes of tables that grow, made by a migration while requests go on."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from alembic import op

LONGEST_WAIT = "10min"
"""For transactions that began before: nobody waits for the index meanwhile."""


def make_index_online(name: str, table: str, columns: Sequence[str], **about: Any) -> None:
    """For a migration that does nothing else; `about` are further arguments of `op.create_index`.

    It may be tried again: what a try that was cut short has left is no index, and is removed.
    """
    with _beside_requests():
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
        op.create_index(name, table, columns, postgresql_concurrently=True, **about)


def drop_index_online(name: str) -> None:
    """For the way back of such a migration."""
    with _beside_requests():
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")


@contextmanager
def _beside_requests() -> Iterator[None]:
    with op.get_context().autocommit_block():
        usual = op.get_bind().exec_driver_sql("SHOW lock_timeout").scalar_one()
        op.execute(f"SET lock_timeout = '{LONGEST_WAIT}'")
        try:
            yield
        finally:
            op.execute(f"SET lock_timeout = '{usual}'")
