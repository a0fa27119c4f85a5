"""Every table has an end, or a reason why what is in it is kept."""

import re
from collections.abc import Sequence

import asyncpg
import pytest

from booking_system.bootstrap.container import build
from booking_system.bootstrap.tables import metadata
from booking_system.identity.adapters.chores import old_sessions
from booking_system.identity.domain.session import Lifetimes
from booking_system.platform.postgres.tidying import Chore, Tidying
from booking_system.platform.postgres.transaction import Database
from booking_system.platform.uuid7 import uuid7
from tests.api import NOTHING

CHORES: Sequence[Chore] = build(NOTHING).tidying().chores
FOUND_BY = {
    "idempotency_keys": r"Index Cond: \(created_at <",
    "holds": r"Index.* ix_time_slots_h(old|eld_)",
    "event_feed": r"(Index Only Scan using|Index Scan on) pk_event_feed .*\n *Index Cond: \(+seq <",
    "access_changes": r"Index Cond: \(changed_at <",
    "refresh_tokens": r"Index Cond: \(expires_at <",
    "sessions": r"Index Cond: \(last_used_at <",
    "invitations": r"Index Cond: \(expires_at <",
    "account_links": r"Index Cond: \(expires_at <",
    "told_overlaps": r"Index Cond: \(told_at <",
    "message_ledger": r"Index Only Scan using pk_message_ledger|Index Scan using pk_message_ledger",
    "message_reports": r"Index Cond: \(stored_at <",
    "recipient_blocks": r"Index Cond: \(until <",
    "sms_talks": r"Index Cond: \(updated_at <",
    "kept_messages": r"Index Cond: \(kept_at <",
    "calendar_feeds": r"Index Cond: \(revoked_at <",
    "payment_events": r"Index Cond: \(received_at <",
    "payment_keys": r"Index Scan (using|on) ix_clinic_payment_accounts_removed_at",
    "consultation_tickets": r"Index Cond: \(expires_at <",
    "consultation_instances": r"Index Cond: \(alive_until <",
    "sandbox_checkouts": r"Index Cond: \(made_at <",
    "webhook_deliveries": r"Index Only Scan using pk_webhook_del|Index Scan using pk_webhook_del",
}
"""What an index has to be asked, so that what is young is not even looked at."""
OF_ROWS_THAT_STAY = {"holds": "time_slots", "payment_keys": "clinic_payment_accounts"}
"""Chores that empty columns."""
KEPT = {
    "users": "an account is there until its owner or the operator deletes it; appointments name it",
    "role_grants": "one row for each role that somebody has; taken away with it",
    "clinics": "the directory; what is deleted is named by appointments",
    "doctors": "the directory; what is deleted is named by appointments",
    "services": "the directory; what is deleted is named by appointments",
    "service_doctors": "one row for each doctor of a service, replaced with it",
    "patients": "records of patients: kept as long as the law says, which the operator knows",
    "clinic_patients": "one row for each clinic that knows a patient",
    "doctor_references": "one row for each doctor at most; written over by their owners",
    "service_references": "one row for each service at most; written over by their owners",
    "patient_references": "one row for each patient and clinic at most; merged with the records",
    "appointment_references": "one row for each appointment at most: kept with it",
    "appointments": "records of patients: kept as long as the law says, which the operator knows",
    "appointment_history": "what became of an appointment: kept with it",
    "time_slots": "the calendar: days gone by are shown, and appointments name their slots",
    "availability_rules": "hours of a doctor, few; slots name the rule that made them",
    "availability_exceptions": "hours of single dates, few; slots name what made them",
    "time_off": "absences, few; slots name what closed them",
    "closures": "days on which a clinic was closed, few; slots name what closed them",
    "outbox": "events wait there until the relay takes them",
    "feed_epoch": "one row",
    "feed_consumers": "one row for each consumer",
    "dead_events": "events whose effect is missing, until the operator has them tried again",
    "message_attempts": "gone with their message",
    "invitation_links": "gone with their invitation",
    "notification_preferences": "one row for each patient who has set them",
    "clinic_channels": "two for each clinic at most, deleted by their owners",
    "message_templates": "one for each kind and language of a clinic, deleted by their owners",
    "webhook_endpoints": "few, deleted by their owners; deliveries name them",
    "clinic_payment_accounts": "few; the ledger names them, their keys go behind their removal",
    "payments": "what was asked for and paid: kept as long as the law says of money",
    "payment_ledger": "never removed: a trigger refuses it",
    "payment_refunds": "kept with the payment",
    "payment_quarantine": "few; what people saw to is the proof that they did",
    "payment_work": "one row for each thing to do, gone when it is done",
    "receipts": "never removed: a trigger refuses it, and numbers have no gap",
    "receipt_counters": "one row for each clinic and year",
    "files": "removed with their objects by a job of their own: due_at says when",
    "clinic_storage": "one row for each clinic",
    "consultation_rooms": "one row for each online appointment that somebody came to",
    "consultation_entries": "what was said belongs to the patient's record, as the appointment",
    "consultation_sittings": "three rows for each room at most",
    "consultation_guests": "who was there belongs to the patient's record",
    "calendar_work": "one row for each doctor at most, gone when the work is done",
}


def test_every_table_has_an_end_or_a_reason() -> None:
    ended = {chore.name for chore in CHORES} - OF_ROWS_THAT_STAY.keys()
    assert ended | KEPT.keys() == metadata.tables.keys()
    assert not ended & KEPT.keys()


@pytest.mark.parametrize("chore", CHORES, ids=lambda one: one.name)
async def test_a_chore_finds_what_is_old_through_an_index(
    untouched: asyncpg.Connection, chore: Chore
) -> None:
    table = OF_ROWS_THAT_STAY.get(chore.name, chore.name)
    # Of an empty table anything is cheap: is there another way than to read all of it?
    await untouched.execute("SET enable_seqscan = off")
    statement = chore.statement.replace("$1", "500")
    plan = "\n".join(row[0] for row in await untouched.fetch(f"EXPLAIN {statement}"))
    assert f"Seq Scan on {table}" not in plan, plan
    assert re.search(FOUND_BY[chore.name], plan), plan
    assert "$1" in chore.statement


MAKE = {
    "access_changes": """INSERT INTO access_changes (user_id, changed_at)
        VALUES (gen_random_uuid(), now() - $1::interval)""",
    "sessions": """INSERT INTO sessions (id, user_id, created_at, last_used_at)
        VALUES (gen_random_uuid(), (SELECT id FROM users), now() - interval '100 days',
                now() - $1::interval)""",
    "refresh_tokens": """INSERT INTO refresh_tokens (token_hash, session_id, issued_at, expires_at)
        VALUES (decode(md5(random()::text), 'hex'), (SELECT id FROM sessions LIMIT 1),
                now() - interval '40 days', now() - $1::interval)""",
}
USER = """INSERT INTO users (id, email, email_key, full_name, created_at, updated_at)
 VALUES ($1, 'a@example.com', 'a@example.com', 'Example', now(), now())"""


@pytest.mark.parametrize(
    ("name", "stays", "goes"),
    [
        ("access_changes", "59 minutes", "61 minutes"),
        ("sessions", "30 days 23 hours", "31 days 1 hour"),
        ("refresh_tokens", "23 hours", "25 hours"),
    ],
)
async def test_what_is_old_goes_and_what_may_be_asked_for_stays(
    database: Database, name: str, stays: str, goes: str
) -> None:
    (chore,) = [one for one in CHORES if one.name == name]
    async with database.driver_transaction() as connection:
        await connection.execute(USER, uuid7())
        if name == "refresh_tokens":
            await connection.execute(MAKE["sessions"].replace("$1::interval", "interval '0 days'"))
        for age in (stays, goes, goes):
            await connection.execute(MAKE[name].replace("$1", f"'{age}'"))
    await Tidying(database=database, chores=[chore]).once()
    async with database.reading() as connection:
        assert await connection.fetchval(f"SELECT count(*) FROM {name}") == 1


async def test_a_session_goes_after_its_tokens(database: Database) -> None:
    tokens = next(one for one in CHORES if one.name == "refresh_tokens")
    sessions = next(one for one in CHORES if one.name == "sessions")
    async with database.driver_transaction() as connection:
        await connection.execute(USER, uuid7())
        await connection.execute(MAKE["sessions"].replace("$1", "'40 days'"))
        await connection.execute(MAKE["refresh_tokens"].replace("$1", "'2 days'"))

    async def left(*chores: Chore) -> int:
        await Tidying(database=database, chores=chores).once()
        async with database.reading() as connection:
            return int(await connection.fetchval("SELECT count(*) FROM sessions"))

    assert await left(sessions) == 1
    assert await left(tokens, sessions) == 0
    assert CHORES.index(tokens) < CHORES.index(sessions)


def test_sessions_are_kept_as_long_as_they_may_go_on() -> None:
    for idle, kept in ((1, 31), (30, 31), (365, 366)):
        chore = old_sessions(Lifetimes.of_days(absolute=0, idle=idle))
        assert f"make_interval(secs=>{kept * 24 * 3600}.0)" in chore.statement
