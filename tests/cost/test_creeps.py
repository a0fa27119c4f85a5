"""The ledger bites: each of ten ways in which a request becomes dearer by a little is told."""

import json
from pathlib import Path

import asyncpg
import pytest

from booking_system.bootstrap import migrations
from tests.cost.test_ledger import LEDGER, counted, differences
from tests.postgres import TestServer

BEFORE = """
import sys, uuid, json, orjson, asyncpg
from starlette.middleware import Middleware
import booking_system.bootstrap.http_app as http_app
from booking_system.booking.adapters import attempt_statements, postgres
from booking_system.booking.application.book_appointment import BookAppointment
from booking_system.platform.http.edge import Edge
from booking_system.platform.observability.request_log import RequestLog
from booking_system.scheduling.adapters.slot_pages import SlotPages
"""
AFTER = """
from booking_system.bootstrap.cli import main
sys.argv = ["booking-system", "cost", *sys.argv[1:]]
main()
"""

CREEPS = {
    "a layer around everything": """
class Layer:
    def __init__(self, app): self.app = app
    async def __call__(self, scope, receive, send):
        async def sent(message): await send(message)
        await self.app(scope, receive, sent)
made = http_app.create_app
def create_app(container):
    app = made(container)
    app.add_middleware(Layer)
    return app
import booking_lab.cost.served as served
served.create_app = create_app
""",
    "a round through JSON": """
as_it_was = RequestLog.write
def write(self, seen):
    json.loads(json.dumps({"route": seen.route, "status": seen.status}))
    as_it_was(self, seen)
RequestLog.write = write
""",
    "a second line in the log": """
as_it_was = RequestLog.write
def write(self, seen):
    as_it_was(self, seen)
    as_it_was(self, seen)
RequestLog.write = write
""",
    "one more statement": """
as_it_was = postgres.PostgresBookingWork.add
async def add(self, *given):
    await self._connection.fetchval("SELECT 1")
    await as_it_was(self, *given)
postgres.PostgresBookingWork.add = add
""",
    "one more pass over the headers": """
as_it_was = Edge.__call__
async def call(self, scope, receive, send):
    if scope["type"] == "http":
        scope["lengths"] = {name: len(value) for name, value in scope["headers"]}
    await as_it_was(self, scope, receive, send)
Edge.__call__ = call
""",
    "an id for each look at a page": """
as_it_was = SlotPages.page
async def page(self, *given):
    str(uuid.UUID(int=7))
    return await as_it_was(self, *given)
SlotPages.page = page
""",
}
"""Lines of Python that make the program dearer, before it counts."""

INDEX = "CREATE INDEX one_more ON appointments (reason)"
CHECK = "ALTER TABLE appointments ADD CONSTRAINT one_more CHECK (length(reference) < 100)"
TRIGGER = """CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER one_more BEFORE INSERT ON appointments FOR EACH ROW EXECUTE FUNCTION nothing()"""
COPY = """CREATE TABLE one_more (id uuid, said text);
CREATE FUNCTION copied() RETURNS trigger LANGUAGE plpgsql AS
 'BEGIN INSERT INTO one_more VALUES (NEW.id, NEW.mode); RETURN NEW; END';
CREATE TRIGGER copied AFTER UPDATE ON time_slots FOR EACH ROW EXECUTE FUNCTION copied()"""


async def _told(server: TestServer, place: Path, *, code: str = "", sql: str = "") -> list[str]:
    program = place / "program.py"
    program.write_text(f"{BEFORE}{code}{AFTER}")
    async with server.database(template="template0") as url:
        if sql:
            await migrations.upgrade(url)
            connection = await asyncpg.connect(url)
            await connection.execute(sql)
            await connection.close()
        found = counted(url, place, str(program))
    return list(differences(found, json.loads(LEDGER.read_text())))


@pytest.mark.proof
@pytest.mark.parametrize("name", CREEPS)
async def test_a_creep_of_the_program_is_told(
    postgres: TestServer, tmp_path: Path, name: str
) -> None:
    told = await _told(postgres, tmp_path, code=CREEPS[name])
    assert any(" more than " in line for line in told), told


@pytest.mark.proof
@pytest.mark.parametrize("sql", [INDEX, CHECK, TRIGGER, COPY])
async def test_a_creep_of_the_database_is_told(
    postgres: TestServer, tmp_path: Path, sql: str
) -> None:
    told = await _told(postgres, tmp_path, sql=sql)
    assert told != []


@pytest.mark.proof
async def test_unchanged_code_is_told_nothing_of(postgres: TestServer, tmp_path: Path) -> None:
    for number in range(20):
        place = tmp_path / str(number)
        place.mkdir()
        assert await _told(postgres, place) == []
