"""`check` shows settings without their secrets and finds what will hurt."""

import re
from pathlib import Path

import pytest
from pydantic import SecretStr

from booking_system.bootstrap import checks, connections, production_database, redis_check
from booking_system.bootstrap.checks import database_findings, described, unknown_names
from booking_system.bootstrap.production_database import RELAY_ONLY, SUPERUSER
from booking_system.bootstrap.secret_key import key_kept_in
from booking_system.bootstrap.settings import Settings
from tests.api import Api
from tests.bootstrap.processes import SOURCE
from tests.platform.redis.valkey import valkey
from tests.postgres import TestServer
from tests.stage import Stage

pytestmark = pytest.mark.usefixtures("clean_environment")
HIDDEN = "correct-horse"
OPENS = re.compile(r"\b(engine_for|create_async_engine|Database\.at|asyncpg\.connect)[(,]")
API_AND_WORKER = {
    "bootstrap/database_container.py",
    "consultations/adapters/live/postgres_bus.py",
    "platform/postgres/hosts.py",
    "platform/postgres/searches.py",
    "platform/postgres/transaction.py",
}
"""Their numbers are in `bootstrap/connections.py`; searches open theirs on the replica."""
COMMANDS = {
    "bootstrap/backups/restoring.py",
    "bootstrap/connections.py",
    "bootstrap/migrations.py",
    "bootstrap/pooler_check.py",
    "bootstrap/production_database.py",
    "bootstrap/replica_check.py",
    "bootstrap/survival.py",
}


def test_no_secret_is_shown(tmp_path: Path) -> None:
    key = key_kept_in(tmp_path)
    settings = Settings(
        database_url=f"postgresql://booking:{HIDDEN}@db.example.com:5432/booking?sslpassword={HIDDEN}",
        migration_url=f"postgresql://owner@db.example.com/booking?password={HIDDEN}&ssl=require",
        admin_email="admin@example.com",
        admin_password=HIDDEN,
        secret_key=key,
    )
    shown = "\n".join(described(settings))
    assert HIDDEN not in shown
    assert key.splitlines()[1] not in shown
    assert "postgresql://booking:********@db.example.com:5432/booking?sslpassword=********" in shown
    assert "postgresql://owner@db.example.com/booking?password=********&ssl=require" in shown
    assert "BOOKING_POSTGRES_BIN = (not set)" in shown
    assert "BOOKING_RATE_LIMIT = true" in shown


def test_a_slip_in_a_name_is_noticed() -> None:
    names = ["BOOKING_PROT", "BOOKING_XYZZY", "BOOKING_PORT", "booking_host", "PORT"]
    assert list(unknown_names(iter(names))) == [
        "BOOKING_PROT is not a setting and has no effect; did you mean BOOKING_PORT?",
        "BOOKING_XYZZY is not a setting and has no effect.",
    ]


def test_production_behind_a_proxy_that_nobody_named_is_warned_of(tmp_path: Path) -> None:
    settings = Settings(
        env="production",
        secret_key=key_kept_in(tmp_path),
        public_url="https://booking.example.com",
        database_url="postgresql:///booking",
    )
    proxy, mails, malware, files = checks.warnings_about(settings)
    assert proxy.startswith("BOOKING_FORWARDED_ALLOW_IPS names no proxy")
    assert mails.startswith("BOOKING_EMAIL_URL is not set: e-mails are kept for a week")
    assert malware.startswith("BOOKING_CLAMD_URL is not set: nobody looks for malware")
    assert files.startswith("BOOKING_STORAGE_URL is not set: files are in the data directory")


async def test_a_good_database_is_fine(postgres: TestServer) -> None:
    async with postgres.database() as url:
        found = await database_findings(Settings(database_url=url))
        # It is the test's own server, and the test its superuser.
        assert found == checks.Findings(unsafe=(SUPERUSER.sentence,))


async def test_tables_of_another_version_are_found(postgres: TestServer) -> None:
    async with postgres.database(template="template0") as url:
        found = await database_findings(Settings(database_url=url))
    assert "booking-system migrate" in found.database[0]


async def test_more_connections_than_the_database_takes_are_found(postgres: TestServer) -> None:
    async with postgres.database() as url:
        settings = Settings(database_url=url, api_processes=17, database_pool_size=10)
        found = await database_findings(settings)
    (told,) = found.settings
    assert told == (
        "The programs open up to 202 connections (17 × 11 API process + 1 × 10 worker + 5 × 1 "
        "command), and the database takes 200, of which 3 are reserved and a fifth should stay "
        "free: at most 160. Lower BOOKING_API_PROCESSES or BOOKING_DATABASE_POOL_SIZE, or raise "
        "max_connections."
    )


@pytest.mark.parametrize(
    ("most", "reserved", "is_told"),
    [(48, 3, False), (47, 3, True), (60, 22, False), (60, 23, True), (100, 3, False)],
)
def test_all_that_the_settings_start_has_to_fit(most: int, reserved: int, *, is_told: bool) -> None:
    settings = Settings(database_url="postgresql:///booking")
    assert connections.wanted_by(settings) == (16 + 1) + 16 + 5
    limits = connections.Limits(most=most, reserved=reserved)
    assert bool(list(connections.too_many(settings, limits))) == is_told


def test_past_a_pooler_only_what_goes_there_has_to_fit() -> None:
    settings = Settings(
        database_url="postgresql://pooler/booking",
        database_direct_url="postgresql://server/booking",
        api_processes=4,
    )
    (told,) = connections.too_many(settings, connections.Limits(most=11, reserved=3))
    assert "up to 9 connections past the pooler (4 × 1 API process + 5 × 1 command)" in told
    assert list(connections.too_many(settings, connections.Limits(most=12, reserved=3))) == []


@pytest.mark.parametrize(("processes", "pool"), [(1, 1), (1, 16), (8, 10), (64, 200)])
def test_the_embedded_server_has_room_for_them(processes: int, pool: int) -> None:
    settings = Settings(api_processes=processes, database_pool_size=pool)
    limits = connections.Limits(most=max(100, connections.most_for(settings)), reserved=3)
    assert list(connections.too_many(settings, limits)) == []


def test_the_table_of_connections_names_all_that_open_some() -> None:
    found = {
        str(path.relative_to(SOURCE / "booking_system"))
        for path in (SOURCE / "booking_system").rglob("*.py")
        if OPENS.search(path.read_text(encoding="utf-8"))
    }
    assert found == API_AND_WORKER | COMMANDS
    paper = (SOURCE.parent / "docs" / "operations.md").read_text(encoding="utf-8")
    for one in connections.opened_by(Settings()):
        assert f"| {one.program} | {one.pool} | {one.direct} | {one.how_many} |" in paper


async def test_a_clinic_that_insists_on_a_relay_needs_one(api: Api, stage: Stage) -> None:
    settings = Settings(database_url=stage.url)
    await api.clinic()
    assert await production_database.advised(settings) == []
    await api.clinic(policy={"consultation_relay_only": True})
    assert await production_database.advised(settings) == [RELAY_ONLY.sentence]
    relay = {"turn_url": "turns:turn.example.com:443", "turn_secret": "0123456789abcdef"}
    assert await production_database.advised(settings.model_copy(update=relay)) == []


async def test_a_redis_that_does_not_answer_or_suits_badly_is_told_of(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with valkey() as server:
        settings = Settings(redis_url=SecretStr(server.url))
        assert await redis_check.advised(settings) == [redis_check.SILENT]
        await server.start()
        assert await redis_check.advised(settings) == [redis_check.GROWS]
        await server.ask("CONFIG", "SET", "maxmemory", "64mb")
        assert await redis_check.advised(settings) == [redis_check.GROWS]
        await server.ask("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
        assert await redis_check.advised(settings) == []
        monkeypatch.setattr(redis_check, "OLDEST", 99)
        assert await redis_check.advised(settings) == [redis_check.TOO_OLD]
        await server.ask("ACL", "SETUSER", "default", "-info")
        assert await redis_check.advised(settings) == []


async def test_a_database_that_is_not_there_is_found() -> None:
    url = f"postgresql://booking:{HIDDEN}@127.0.0.1:1/booking"
    found = await database_findings(Settings(database_url=url))
    assert len(found.database) == 1
    assert HIDDEN not in found.database[0]
