"""The database that settings name, or else the embedded server's, for as long as it is needed."""

from collections.abc import Iterator
from contextlib import contextmanager

from booking_system.bootstrap.connections import most_for
from booking_system.bootstrap.embedded_postgres import EmbeddedPostgres
from booking_system.bootstrap.settings import Settings


@contextmanager
def database_for(settings: Settings) -> Iterator[Settings]:
    """Yield settings that name a database: the configured one, else the embedded server's.

    That server runs while the block does. Raises `LocalStackError`.
    """
    if settings.database_url is not None:
        yield settings
        return
    server = EmbeddedPostgres(
        settings.data_dir,
        binaries=settings.postgres_bin,
        settings={"max_connections": str(max(100, most_for(settings)))},
    )
    try:
        server.start()
        yield settings.with_database(server.url)
    finally:
        server.stop()
