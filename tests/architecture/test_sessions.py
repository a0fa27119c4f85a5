"""Nothing hangs on a session of the database, which a pooler lends to each transaction anew."""

import re
from pathlib import Path

import booking_system
from booking_system.bootstrap.migrations import ROOT

PRODUCT = Path(booking_system.__file__).parent
SOURCES = {
    str(path.relative_to(place.parent)): path.read_text()
    for place in (PRODUCT, ROOT / "migrations")
    for path in place.rglob("*.py")
}
LOCKS = re.compile(r"\bpg_\w*advisory_\w+")
OF_A_TRANSACTION = {"pg_advisory_xact_lock", "pg_try_advisory_xact_lock"}
PAST_THE_POOLER = {
    # What it says of LISTEN; the driver sends it.
    "booking_system/consultations/adapters/live/postgres_bus.py",
    # Migrations: each waits a moment for a table, and one instance migrates at a time.
    "booking_system/bootstrap/migrations.py",
    "booking_system/platform/postgres/online_indexes.py",
    "migrations/env.py",
}
"""They have an address of their own, which `BOOKING_DATABASE_DIRECT_URL` names."""
OF_A_SESSION = {
    "a setting": re.compile(r"[\"'`]\s*SET (?!LOCAL|CONSTRAINTS|TRANSACTION)\w+ *(=|TO )"),
    "a setting, by a function": re.compile(r"\bset_config\((?![^\n]*\btrue\b)"),
    "a table": re.compile(r"\bCREATE (GLOBAL |LOCAL )?TEMP(ORARY)?\b"),
    "a cursor": re.compile(r"\bWITH HOLD\b"),
    "a statement": re.compile(r"[\"']\s*(PREPARE|DEALLOCATE|DISCARD|LOAD) \w+"),
    "an ear": re.compile(r"[\"']\s*(UN)?LISTEN \w+|\badd_listener\("),
    "a role": re.compile(r"[\"']\s*SET (SESSION|ROLE)\b"),
}


def found_in(text: str) -> set[str]:
    """What in it hangs on a session."""
    locks = set(LOCKS.findall(text)) - OF_A_TRANSACTION
    return {name for name, sought in OF_A_SESSION.items() if sought.search(text)} | locks


def test_every_lock_of_our_own_ends_with_its_transaction() -> None:
    through_it = [text for name, text in SOURCES.items() if name not in PAST_THE_POOLER]
    taken = {lock for text in through_it for lock in LOCKS.findall(text)}
    assert taken == OF_A_TRANSACTION


def test_nothing_else_outlives_its_transaction() -> None:
    found = {name: found_in(text) for name, text in SOURCES.items()}
    assert {name for name, of_it in found.items() if of_it} == PAST_THE_POOLER


def test_each_of_it_would_be_found() -> None:
    for planted in (
        "'SELECT pg_advisory_lock(1)'",
        "func.pg_try_advisory_lock(1)",
        "func.pg_advisory_unlock_all()",
        "execute('SET statement_timeout = 0')",
        "execute('SET search_path TO x')",
        "execute('SET ROLE booking_owner')",
        "func.set_config('jit', 'off', False)",
        "'CREATE TEMP TABLE more (id int)'",
        "'DECLARE c CURSOR WITH HOLD FOR SELECT 1'",
        "'PREPARE one AS SELECT 1'",
        "'DISCARD ALL'",
        "'LISTEN feed'",
        "driver.add_listener('feed', take)",
    ):
        assert found_in(planted), planted
    for harmless in (
        "SET LOCAL lock_timeout = '5s'",
        "'SET CONSTRAINTS ALL DEFERRED'",
        "func.pg_advisory_xact_lock(1)",
        'func.set_config("statement_timeout", "30s", true())',
        '"UPDATE clinics SET name = $1"',
    ):
        assert not found_in(harmless), harmless
