"""Preferences in PostgreSQL."""

from datetime import datetime
from typing import Any

from sqlalchemy import Integer, bindparam, func, or_, select
from sqlalchemy.dialects.postgresql import insert

from booking_system.notifications.application.preferences import SetPreferences
from booking_system.notifications.domain.preferences import Preferences, QuietHours
from booking_system.notifications.records.tables import notification_preferences
from booking_system.platform.postgres.phrases import an_id, given, instant
from booking_system.platform.postgres.statement import Statement
from booking_system.platform.postgres.transaction import Database
from booking_system.shared_kernel.identifiers import PatientId

w = notification_preferences
NAMES = ("email", "sms", "reminders", "quiet_from", "quiet_until")
READ = Statement(
    select(*(w.c[name] for name in NAMES), w.c.version).where(w.c.patient_id == an_id("patient_id"))
)


def _putting() -> Any:
    """One statement: `expected` 0 is the version of what nobody has set yet."""
    expected = bindparam("expected", type_=Integer())
    there = select(w.c.version).where(w.c.patient_id == an_id("patient_id")).scalar_subquery()
    values = [given(w.c[name]) for name in NAMES]
    row = select(an_id("patient_id"), *values, 1, instant("now")).where(
        or_(expected.is_(None), func.coalesce(there, 0) == expected)
    )
    new = insert(w).from_select(["patient_id", *NAMES, "version", "updated_at"], row)
    return new.on_conflict_do_update(
        index_elements=["patient_id"],
        set_={
            **{name: new.excluded[name] for name in NAMES},
            "version": w.c.version + 1,
            "updated_at": new.excluded.updated_at,
        },
        where=or_(expected.is_(None), w.c.version == expected),
    ).returning(w.c.version)


PUT = Statement(_putting())
"""No row: `expected` is not the present version."""


class PostgresPreferences:
    """Keeps them, one row for each patient who has set any."""

    def __init__(self, database: Database) -> None:
        """Each call is one statement."""
        self._database = database

    async def of(self, patient_id: PatientId) -> SetPreferences:
        """Read them."""
        async with self._database.reading() as connection:
            row = await READ.fetchrow(connection, patient_id=patient_id)
        if row is None:
            return SetPreferences(preferences=Preferences(), version=0)
        quiet = QuietHours(since=row["quiet_from"], until=row["quiet_until"])
        preferences = Preferences(
            email=row["email"], sms=row["sms"], reminders=row["reminders"], quiet=quiet
        )
        return SetPreferences(preferences=preferences, version=row["version"])

    async def put(
        self,
        patient_id: PatientId,
        preferences: Preferences,
        *,
        version: int | None,
        now: datetime,
    ) -> SetPreferences | None:
        """Store them."""
        async with self._database.driver_transaction() as connection:
            stored = await PUT.fetchval(
                connection,
                patient_id=patient_id,
                email=preferences.email,
                sms=preferences.sms,
                reminders=preferences.reminders,
                quiet_from=preferences.quiet.since,
                quiet_until=preferences.quiet.until,
                expected=version,
                now=now,
            )
        return None if stored is None else SetPreferences(preferences=preferences, version=stored)
