"""What people had in the first version is there after the upgrade, and goes on."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
from alembic.script import ScriptDirectory

from booking_system.bootstrap import migrations
from booking_system.bootstrap.checks import findings
from booking_system.bootstrap.embedded_postgres import EmbeddedPostgres
from booking_system.bootstrap.settings import Settings
from booking_system.platform.postgres.feed import Relay
from tests.api import PASSWORDS, Api, Person, code_of, running_api
from tests.bootstrap import first_version
from tests.bootstrap.first_version import (
    ACCOUNTS,
    ADMIN,
    HEAD,
    PASSWORD,
    Caller,
    Filled,
    differences,
    facts,
    installed,
)
from tests.bootstrap.processes import environment, eventually, free_port, gone_afterwards
from tests.patience import PATIENCE
from tests.postgres import TestServer

PROGRAM = (sys.executable, "-m", "booking_system.bootstrap.cli")
SERVICE = "00000000-0000-0000-0000-000000000021"
ROWS = """
CREATE FUNCTION u(integer) RETURNS uuid LANGUAGE sql IMMUTABLE
 AS $$ SELECT lpad($1::text, 32, '0')::uuid $$;
CREATE FUNCTION at_hour(integer) RETURNS timestamptz LANGUAGE sql STABLE
 AS $$ SELECT date_trunc('hour', now()) + $1 * interval '1 hour' $$;
INSERT INTO clinics (id, name, slug, time_zone, locale, currency, embed_origins,
 min_notice_minutes, cancel_notice_minutes, horizon_days, hold_minutes,
 max_open_bookings_per_patient, anonymous_holds, reminder_offsets_minutes, created_at, updated_at,
 deleted_at)
SELECT u(n), 'Example Clinic', 'example', 'Asia/Kathmandu', 'en', 'EUR', '{}', 0, 0, 365, 10, 100,
 true, '{60}', now(), now(), CASE n WHEN 2 THEN now() END FROM generate_series(1, 2) n;
INSERT INTO doctors (id, clinic_id, full_name, languages, created_at, updated_at, deleted_at)
SELECT u(n), u(1), 'Example Doctor', '{ne}', now(), now(), CASE n WHEN 12 THEN now() END
FROM generate_series(11, 12) n;
INSERT INTO services (id, clinic_id, name, duration_minutes, buffer_before_minutes,
 buffer_after_minutes, price_amount, mode, payment, created_at, updated_at, deleted_at)
SELECT u(n), u(1), 'Example', 30, 10, 10, 4500, 'in_person', 'none', now(), now(),
 CASE n WHEN 22 THEN now() END FROM generate_series(21, 22) n;
INSERT INTO service_doctors (service_id, doctor_id, clinic_id)
SELECT u(n), u(11), u(1) FROM generate_series(21, 22) n;
INSERT INTO users (id, email, email_key, password_hash, full_name, created_at, updated_at)
SELECT u(31), 'first@example.com', 'first@example.com', ':hash', 'Example Patient', now(), now();
INSERT INTO patients (id, user_id, full_name, email, created_at, updated_at)
SELECT u(41), u(31), 'Example Patient', 'first@example.com', now(), now();
INSERT INTO role_grants (id, user_id, role, patient_id, created_at)
SELECT u(51), u(31), 'patient', u(41), now();
INSERT INTO clinic_patients (clinic_id, patient_id, known_since) SELECT u(1), u(41), now();
INSERT INTO time_slots (id, clinic_id, doctor_id, starts_at, ends_at, mode, created_at,
 closed_because, deleted_at)
SELECT u(100 + n), u(1), u(11), at_hour(n), at_hour(n) + interval '1 hour', 'in_person', now(),
 CASE n WHEN 55 THEN 'by_hand' END, CASE n WHEN 56 THEN now() END
FROM generate_series(-3, 56) n WHERE n < 0 OR n > 47;
INSERT INTO appointments (id, reference, status, payment_status, time_slot_id, clinic_id,
 doctor_id, patient_id, service_id, starts_at, ends_at, mode, reason, price_amount, price_currency,
 cancel_notice_minutes, booked_by, cancelled_by, version, created_at, updated_at)
SELECT u(200 + n), 'AAAA-00' || (10 + row_number() OVER ()), status, payment, s.id, u(1), u(11),
 u(41), u(service), starts_at, ends_at, 'in_person', 'Example', 4500, 'EUR', 0, u(31), side,
 made.version,
 now() - interval '20 days', now()
FROM (VALUES (-3, 'confirmed', 'unpaid', 21, NULL, 1), (-2, 'cancelled', 'unpaid', 21, 'clinic', 2),
 (48, 'confirmed', 'unpaid', 21, NULL, 1), (49, 'confirmed', 'not_required', 22, NULL, 1),
 (50, 'cancelled', 'not_required', 21, 'patient', 2), (51, 'confirmed', 'unpaid', 21, NULL, 1),
 (52, 'confirmed', 'not_required', NULL, NULL, 1))
 AS made(n, status, payment, service, side, version) JOIN time_slots s ON s.id = u(100 + n);
UPDATE time_slots s SET appointment_id = a.id
 FROM appointments a WHERE a.time_slot_id = s.id AND a.status <> 'cancelled';
INSERT INTO outbox (id, name, payload, occurred_at)
SELECT gen_random_uuid(), 'booking.created', jsonb_build_object('appointment_id', id,
 'time_slot_id', time_slot_id, 'clinic_id', clinic_id, 'doctor_id', doctor_id, 'patient_id',
 patient_id, 'starts_at', starts_at), created_at FROM appointments;
"""
"""Rows as the first version wrote them; its schema had names for nothing else."""


def a_slot(number: int) -> str:
    return f"00000000-0000-0000-0000-0000000001{number:02}"


def a_booking(number: int) -> str:
    return f"00000000-0000-0000-0000-0000000002{number:02}"


async def filled(url: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(ROWS.replace(":hash", await PASSWORDS.hash(PASSWORD)))
        await connection.execute("DROP FUNCTION u; DROP FUNCTION at_hour")
    finally:
        await connection.close()


async def places_in_the_feed(url: str) -> list[int]:
    """Behind all that the outbox holds: nobody is told of what happened before."""
    connection = await asyncpg.connect(url)
    try:
        return [row["seq"] for row in await connection.fetch("SELECT seq FROM feed_consumers")]
    finally:
        await connection.close()


async def signed_in(api: Api) -> Person:
    form = {"grant_type": "password", "username": "first@example.com", "password": PASSWORD}
    answer = await api.client.post("/v1/auth/token", data=form)
    return Person(UUID(int=0x31), answer.json()["access_token"])


async def test_bookings_of_the_first_version_go_on(
    postgres: TestServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Else each step loads all scripts anew.
    scripts = ScriptDirectory.from_config(migrations._config())
    monkeypatch.setattr(ScriptDirectory, "from_config", lambda _: scripts)
    async with postgres.database(template="template0") as url:
        await migrations.upgrade(url, HEAD)
        await filled(url)
        await migrations.upgrade(url)
        assert await places_in_the_feed(url) == [7] * 3
        found = await findings(Settings(database_url=url, data_dir=tmp_path))
        assert (found.settings, found.database) == ((), ())
        async with running_api(url, tmp_path) as api:
            await goes_on(api)
            assert await messages_about_before(api) == []


async def goes_on(api: Api) -> None:
    patient = await signed_in(api)
    bookings = (await api.get("/v1/bookings", patient)).json()["items"]
    told = {one["reference"]: (one["status"], one["cancelled_by"]) for one in bookings}
    assert sorted(told.values(), key=str) == [
        ("cancelled", "clinic"),
        ("cancelled", "patient"),
        *[("confirmed", None)] * 5,
    ]
    for one in bookings:
        assert (await api.get(f"/v1/bookings/{one['id']}", patient)).json() == one
        assert one["time_slot_ids"] == [one["time_slot_id"]]
        assert one["price"] == {"amount": 4500, "currency": "EUR"}
    wish = {"service_id": SERVICE}
    taken = await api.post("/v1/bookings", wish | {"time_slot_id": a_slot(48)}, patient)
    assert code_of(taken) == (409, "slot_already_booked")
    await api.made("/v1/bookings", wish | {"time_slot_id": a_slot(54)}, patient)
    for number in (49, 51):
        cancelled = await api.post(f"/v1/bookings/{a_booking(number)}/cancel", None, patient)
        assert cancelled.status_code == 200, cancelled.text
    moved = await api.post(
        f"/v1/bookings/{a_booking(48)}/reschedule", {"time_slot_id": a_slot(50)}, patient
    )
    assert moved.status_code == 200, moved.text
    assert code_of(await api.get(f"/v1/slots/{a_slot(56)}")) == (404, "slot_not_found")


async def messages_about_before(api: Api) -> list[str]:
    """Kinds of messages about what nobody has touched since; the rest is told of as ever."""
    await Relay(database=api.container.database()).once()
    await api.container.notifications.consumer().once()
    before = [UUID(a_booking(number)) for number in (50, 52)]
    async with api.container.database().reading() as connection:
        told = await connection.fetch("SELECT appointment_id, kind FROM message_ledger")
    assert {row["kind"] for row in told} >= {"confirmation", "change", "cancellation"}
    return [row["kind"] for row in told if row["appointment_id"] in before]


@pytest.mark.proof
def test_the_first_version_is_upgraded_with_all_that_people_did_in_it(place: Path) -> None:
    """It is taken from the history, installed, filled and asked; then this version is asked."""
    command, data = [installed(place / "first")], place / "data"
    about: dict[str, object] = {"data_dir": data, "port": free_port(), "rate_limit": "off"}
    admin = {"admin_email": ADMIN, "admin_password": PASSWORD}
    url = f"http://127.0.0.1:{about['port']}"
    with httpx.Client(base_url=url, timeout=PATIENCE) as client:
        caller = Caller(client)
        # The folder of its own program is on the path of its interpreter.
        env = {**environment(**about, **admin), "PYTHONPATH": ""}
        with up(command, env, place, client):
            made = first_version.filled(caller)
            demo = demo_of(data)
            for email, password in demo:
                caller.sign_in(email, password)
            before = facts(caller, made)

        env = environment(**about, writes_per_minute=0)
        for refused in ("serve", "worker", "backup"):
            extra = [str(place / "backup")] if refused == "backup" else []
            done = ran(refused, *extra, env=env, cwd=place)
            assert (done.returncode, "booking-system migrate" in done.stderr) == (3, True), done
        for fine in ("migrate", "check"):
            done = ran(fine, env=env, cwd=place)
            assert done.returncode == 0, done
        with up(PROGRAM, env, place, client):
            caller.refresh()
            for name in (ADMIN, *(f"{one}@example.com" for one in ACCOUNTS)):
                caller.sign_in(name)
            for email, password in demo:
                caller.sign_in(email, password)
            assert differences(before, facts(caller, made)) == []
            people_go_on(caller, made, before)
            assert told_of_before(data, made) == []
            done = ran("backup", str(place / "backup"), env=env, cwd=place)
            assert done.returncode == 0, done
            done = ran("restore", str(place / "backup"), "--rehearse", env=env, cwd=place)
            assert done.returncode == 0, done
            assert ran("check", env=env, cwd=place).returncode == 0
    sys.stdout.write(f"{len(before)} questions, {len(made.bookings)} bookings of schema {HEAD}\n")


@contextmanager
def up(
    command: Sequence[str | Path], env: Mapping[str, str], place: Path, client: httpx.Client
) -> Iterator[None]:
    """The program on the data directory, from when it is ready until it has ended by itself."""
    process = subprocess.Popen(
        [*map(str, command), "up"],
        env=env,
        cwd=place,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )

    def is_ready() -> bool:
        assert process.poll() is None, process.stdout and process.stdout.read()
        with suppress(httpx.TransportError):
            return client.get("/health/ready").is_success
        return False

    with gone_afterwards(process):
        assert eventually(is_ready, pause=0.5)
        yield
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0


def ran(*arguments: str, env: Mapping[str, str], cwd: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*PROGRAM, *arguments], env=env, cwd=cwd, check=False, capture_output=True, text=True
    )


def demo_of(data: Path) -> list[tuple[str, str]]:
    """Who can sign in to the demo, and by which password."""
    *accounts, last = (data / "demo-credentials.txt").read_text().splitlines()
    return [(line.split()[0], last.split()[-1]) for line in accounts]


def people_go_on(caller: Caller, made: Filled, before: Mapping[str, Any]) -> None:
    """A free slot is booked, a sold one is not, what was booked is moved and cancelled."""
    desk, service = "reception@example.com", made.services["plain"]

    def wish(number: int) -> dict[str, str]:
        return {"time_slot_id": made.slots[number], "service_id": service}

    caller.ask("POST", "/v1/bookings", "first@example.com", wish(24), status=201)
    told = caller.ask("POST", "/v1/bookings", "second@example.com", wish(0), status=409)
    assert told["code"] == "slot_already_booked"
    free = {"time_slot_id": made.slots[34]}
    for name, booking in made.bookings.items():
        was = before[f"/v1/bookings/{booking} {desk}"]
        at = f"/v1/bookings/{booking}"
        if was["status"] == "cancelled":
            told = caller.ask("POST", f"{at}/reschedule", desk, free, status=409)
            assert told["code"] == "booking_not_active"
        elif name not in {"long", "of a removed doctor, keep"}:
            # The others need a slot of a day, or of another doctor.
            caller.ask("POST", f"{at}/reschedule", desk, free)
            back = {"time_slot_id": was["time_slot_id"]}
            told = caller.ask("POST", f"{at}/reschedule", desk, back)
            assert differences(was, told) == [
                f"/version: {was['version']} is {was['version'] + 2}",
                f"/updated_at: {was['updated_at']!r} is {told['updated_at']!r}",
            ]
    caller.ask(
        "POST", f"/v1/bookings/{made.bookings['to move']}/reschedule", "third@example.com", free
    )
    for name, who in (("to cancel", "third@example.com"), ("long", desk)):
        caller.ask("POST", f"/v1/bookings/{made.bookings[name]}/cancel", who, {})


UNTOUCHED = ("by the patient", "by the clinic", "again", "of a removed doctor, keep")


def told_of_before(data: Path, made: Filled) -> list[str]:
    """Which of those that nobody has touched since have messages, once the others have theirs."""
    url = EmbeddedPostgres(data).url

    def kinds(*names: str) -> list[str]:
        return asyncio.run(kinds_of(url, [UUID(made.bookings[name]) for name in names]))

    assert eventually(lambda: "cancellation" in kinds("long"), pause=0.2)
    return kinds(*UNTOUCHED)


async def kinds_of(url: str, bookings: Sequence[UUID]) -> list[str]:
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch(
            "SELECT kind FROM message_ledger WHERE appointment_id = ANY($1)", bookings
        )
    finally:
        await connection.close()
    return [row["kind"] for row in rows]
