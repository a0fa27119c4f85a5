"""Demo data at size: what is loaded holds together, and nothing is loaded where it must not be."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from typer.testing import CliRunner, Result

from booking_lab.demo.data import CREDENTIALS
from booking_lab.scale.calendars import Calendars
from booking_lab.scale.guards import Guards
from booking_lab.scale.load import DatabaseNotEmptyError, ScaleReport, load_scale
from booking_lab.scale.size import Size
from booking_system.bootstrap.cli import app
from booking_system.bootstrap.migrations import DatabaseProblemError
from booking_system.bootstrap.secret_key import key_kept_in
from tests.api import Api
from tests.architecture.test_migrations import schema_of
from tests.postgres import TestServer

SMALL, ONE = Size(doctors=21, months=1), Size(doctors=1, months=1)

BROKEN_PAIRS = """SELECT count(*) FROM time_slots s
 FULL JOIN appointments a ON a.id = s.appointment_id
 WHERE (s.appointment_id IS NULL) <> (a.id IS NULL) AND (s.appointment_id IS NOT NULL OR a.id
  IS NOT NULL) OR a.time_slot_id <> s.id OR a.starts_at <> s.starts_at OR a.ends_at <> s.ends_at
  OR a.mode <> s.mode OR a.clinic_id <> s.clinic_id OR a.doctor_id <> s.doctor_id"""

UNFIT_SERVICES = """SELECT count(*) FROM appointments a JOIN services v ON v.id = a.service_id
 WHERE v.mode <> a.mode OR NOT EXISTS (SELECT FROM service_doctors o
  WHERE o.service_id = v.id AND o.doctor_id = a.doctor_id)"""

BOOKED_SHARE = """SELECT avg((appointment_id IS NOT NULL)::int)::float FROM time_slots
 WHERE starts_at < now() + interval '27 days'"""

VERSIONS = "SELECT DISTINCT substr(id::text, 15, 1) FROM time_slots"


async def loaded(api: Api, url: str, size: Size = ONE, *, anyway: bool = False) -> ScaleReport:
    return await load_scale(
        api.container, url, size, even_if_not_empty=anyway, progress=lambda *_: None
    )


@pytest.fixture
async def connection(own_database_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(own_database_url)
    yield connection
    await connection.close()


@pytest.fixture
async def empty_url(postgres: TestServer) -> AsyncIterator[str]:
    async with postgres.database(template="template0") as url:
        yield url


async def test_what_is_loaded_holds_together(
    own_api: Api, own_database_url: str, connection: asyncpg.Connection
) -> None:
    before = await schema_of(own_database_url)
    heard: list[tuple[int, int]] = []
    report = await load_scale(
        own_api.container,
        own_database_url,
        SMALL,
        even_if_not_empty=False,
        progress=lambda *step: heard.append(step),
    )

    assert await schema_of(own_database_url) == before
    assert heard == sorted(heard)
    assert heard[-1][0] == heard[-1][1]
    kept = own_api.container.settings().data_dir / CREDENTIALS
    assert kept.stat().st_mode & 0o777 == 0o600
    assert report.password in kept.read_text()
    counts = {
        table: await connection.fetchval(f"SELECT count(*) FROM {table}")
        for table in ("clinics", "doctors", "time_slots", "appointments", "availability_rules")
    }
    assert counts == {
        "clinics": 2,
        "doctors": 21,
        "time_slots": report.slots,
        "appointments": report.appointments,
        "availability_rules": 42,
    }
    # From now for a month: of today what is left, of the last day what has begun by then.
    assert abs(report.slots - SMALL.slots) <= SMALL.doctors
    assert 0.25 < await connection.fetchval(BOOKED_SHARE) < 0.35
    assert await connection.fetchval(BROKEN_PAIRS) == 0
    assert await connection.fetchval(UNFIT_SERVICES) == 0
    assert [row[0] for row in await connection.fetch(VERSIONS)] == ["7"]


async def test_the_calendars_are_what_the_weekly_hours_say(
    own_api: Api, own_database_url: str, connection: asyncpg.Connection
) -> None:
    await loaded(own_api, own_database_url, Size(doctors=2, months=2))
    done = await own_api.container.scheduling.extend_horizon()()
    assert done.doctors == 2
    # Time has gone on since: at most one slot of each doctor is new.
    assert done.opened <= 2
    assert (done.withdrawn, done.moved) == (0, ())
    doctor, rule = await connection.fetchrow("SELECT doctor_id, id FROM availability_rules")
    still_open = (
        "SELECT count(*) FROM time_slots WHERE doctor_id = $1 AND deleted_at IS NULL"
        " AND appointment_id IS NULL"
    )
    before = await connection.fetchval(still_open, doctor)
    answer = await own_api.send("DELETE", f"/v1/availability/{rule}", own_api.admin)
    assert answer.status_code in {200, 204}, answer.text
    # One of the doctor's two rules, so half of the slots.
    assert 0.4 < await connection.fetchval(still_open, doctor) / before < 0.6


async def test_a_database_with_clinics_is_only_added_to_when_asked(
    own_api: Api, own_database_url: str, connection: asyncpg.Connection
) -> None:
    first = await loaded(own_api, own_database_url)
    with pytest.raises(DatabaseNotEmptyError):
        await loaded(own_api, own_database_url)
    assert await connection.fetchval("SELECT count(*) FROM time_slots") == first.slots
    second = await loaded(own_api, own_database_url, anyway=True)
    assert await connection.fetchval("SELECT count(*) FROM clinics") == 2
    assert await connection.fetchval("SELECT count(*) FROM time_slots") == (
        first.slots + second.slots
    )


async def test_a_load_that_fails_leaves_the_database_as_it_was(
    own_api: Api,
    own_database_url: str,
    connection: asyncpg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows_of = Calendars.rows_of

    def twice(self: Calendars, practice: Any) -> Any:
        rows = rows_of(self, practice)
        # Another slot of the doctor at the same time: only the constraint, made last, refuses it.
        _, *rest = rows.slots[0]
        rows.slots.append((rows.known[0][1], *rest))
        return rows

    before = await schema_of(own_database_url)
    monkeypatch.setattr(Calendars, "rows_of", twice)
    with pytest.raises(DatabaseProblemError, match="nothing was loaded: ExclusionViolation"):
        await loaded(own_api, own_database_url)
    assert await schema_of(own_database_url) == before
    for table in ("clinics", "doctors", "time_slots", "patients", "users"):
        limit = 1 if table == "users" else 0
        assert await connection.fetchval(f"SELECT count(*) FROM {table}") <= limit
    assert not (own_api.container.settings().data_dir / CREDENTIALS).exists()


async def test_a_table_with_rows_keeps_its_guards(
    own_api: Api, own_database_url: str, connection: asyncpg.Connection
) -> None:
    await loaded(own_api, own_database_url)
    before = await schema_of(own_database_url)
    with pytest.raises(ValueError, match="rows"):
        async with connection.transaction():
            await Guards.taken_from(connection)
    assert await schema_of(own_database_url) == before


def test_the_forecast_speaks_of_the_size() -> None:
    told = Size().forecast()
    assert "1,000 doctors x 12 months: 5,856,000 slots" in told
    assert Size(doctors=21).clinics == 2
    assert Size(months=1).days == 30


@pytest.mark.usefixtures("clean_environment", "logging_put_back")
class TestCommand:
    """What an operator sees."""

    @pytest.fixture(autouse=True)
    def _own_place(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)

    @staticmethod
    def run(*arguments: str) -> Result:
        return CliRunner().invoke(app, ["seed-demo", *arguments])

    def test_it_loads_once_and_says_what(
        self, own_database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setenv("BOOKING_DATABASE_URL", own_database_url)
        monkeypatch.setenv("BOOKING_DATA_DIR", str(tmp_path))
        small = ("--scale", "--doctors", "2", "--months", "1")
        done = self.run(*small)
        assert done.exit_code == 0, done.output
        assert "1 clinics, 2 doctors," in done.output
        assert "GB." in done.output
        again = self.run(*small)
        assert again.exit_code == 1
        assert "--even-if-not-empty" in again.output
        assert self.run(*small, "--even-if-not-empty").exit_code == 0

    def test_production_is_refused_before_anything_is_touched(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        for name, value in (
            ("ENV", "production"),
            ("DATABASE_URL", "postgresql://nobody:not-to-be-guessed@127.0.0.1:1/nothing"),
            ("SECRET_KEY", key_kept_in(tmp_path)),
            ("PUBLIC_URL", "https://booking.example.com"),
        ):
            monkeypatch.setenv(f"BOOKING_{name}", value)
        done = self.run("--scale", "--even-if-not-empty")
        assert done.exit_code == 2
        assert "not loaded where BOOKING_ENV is production" in done.output

    def test_tables_of_another_version_are_refused(
        self, empty_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("BOOKING_DATABASE_URL", empty_url)
        done = self.run("--scale")
        assert done.exit_code == 3
        assert "booking-system migrate" in done.output
