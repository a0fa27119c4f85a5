"""What the tests of a worker have one after the other: one database, and applications on it.

All of them take long to make and little to tidy up, so each test finds them empty. There is one
application for each set of settings and further routes that tests ask for. A test that changes more
than rows (the schema, what the application has counted) asks for an `own_` one.
"""

from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
from fastapi import FastAPI

from booking_system.bootstrap.container import Container, close
from booking_system.platform.http.routing import Routes
from booking_system.platform.postgres.transaction import Database
from booking_system.platform.postgres.url import sqlalchemy_url
from tests.api import Api, application_at, client_of
from tests.platform.own_routes import add_routes, undocumented
from tests.postgres import TestServer

TABLES = """SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = 'public' AND c.relkind = 'r'
 AND c.relname NOT IN ('alembic_version', 'feed_epoch', 'feed_consumers') ORDER BY 1"""
"""All but those whose rows a migration makes."""
BACK = "back AS (UPDATE feed_consumers SET seq = 0, tries = 0)"
LEFT_BEHIND = """SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
 WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
 AND state <> 'idle'"""
KEPT = """CREATE FUNCTION kept() RETURNS trigger LANGUAGE plpgsql AS
 $$BEGIN RAISE 'a test that changes the revision needs a database of its own: own_api'; END$$;
CREATE TRIGGER kept BEFORE INSERT OR UPDATE OR DELETE ON alembic_version EXECUTE FUNCTION kept()"""
ROWS_ONLY = """CREATE FUNCTION rows_only() RETURNS event_trigger LANGUAGE plpgsql AS
 $$BEGIN RAISE 'a test that changes the schema needs a database of its own: own_api'; END$$;
CREATE EVENT TRIGGER rows_only ON ddl_command_start EXECUTE FUNCTION rows_only()"""


class Stage:
    """A database whose rows last for one test."""

    def __init__(self, url: str, place: Path, connection: asyncpg.Connection) -> None:
        self.url = url
        self._place = place
        self._connection = connection
        self._clear: asyncpg.prepared_stmt.PreparedStatement | None = None
        self._database: Database | None = None
        self._applications: dict[Hashable, tuple[Container, FastAPI]] = {}

    async def clear(self) -> None:
        """Delete every row. What a failed test left open is ended: it would be waited for."""
        if self._clear is None:
            names = [row[0] for row in await self._connection.fetch(TABLES)]
            parts = ", ".join(f"d{n} AS (DELETE FROM {name})" for n, name in enumerate(names))
            # Rows go in any order, and what rows of other tables say of them does not matter.
            await self._connection.execute("SET session_replication_role = replica")
            await self._connection.execute("SET lock_timeout = '120s'")
            self._clear = await self._connection.prepare(f"WITH {parts}, {BACK} SELECT 1")
        await self._connection.execute(LEFT_BEHIND)
        await self._clear.fetch()

    def database(self) -> Database:
        """Connections to it for tests that need no application."""
        if self._database is None:
            self._database = Database.at(sqlalchemy_url(self.url), pool_size=10)
        return self._database

    @asynccontextmanager
    async def api(self, routes: Routes | None = None, **about: Any) -> AsyncIterator[Api]:
        """A new client of the application with these settings, and a new administrator.

        With `routes` of a test module's own the client holds no answer against the document.
        """
        which = (routes, frozenset(about.items()))
        # Another one is made unless this is left as it was, whether the test failed or not.
        container, app = self._applications.pop(which, None) or self._made(routes, about)
        entrance, state, paths = container.entrance(), dict(app.state._state), [*app.router.routes]
        async with client_of(container, app) as api:
            if routes is None:
                yield api
            else:
                async with undocumented(api):
                    yield api
        left = (entrance.inside, entrance.is_pressed, app.state._state, app.router.routes)
        if left != (0, False, state, paths):
            await close(container)
            raise AssertionError("the application is not as it was: own_api is for such tests")
        self._applications[which] = container, app

    def _made(self, routes: Routes | None, about: dict[str, Any]) -> tuple[Container, FastAPI]:
        container, app = application_at(self.url, self._place, **about)
        if routes is not None:
            add_routes(app, routes)
        return container, app

    async def close(self) -> None:
        for container, _ in self._applications.values():
            await close(container)
        if self._database is not None:
            await self._database.close()


@asynccontextmanager
async def a_stage(postgres: TestServer, place: Path) -> AsyncIterator[Stage]:
    async with postgres.database() as url:
        connection = await asyncpg.connect(url)
        await connection.execute(KEPT)
        await connection.execute(ROWS_ONLY)
        stage = Stage(url, place, connection)
        try:
            yield stage
        finally:
            await stage.close()
            await connection.close()
