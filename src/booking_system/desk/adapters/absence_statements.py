"""The statements by which slots and appointments follow time off and closures."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    Update,
    Uuid,
    and_,
    any_,
    case,
    column,
    func,
    or_,
    select,
    true,
)

from booking_system.booking.records.cards import CARDS, appointment
from booking_system.booking.records.claimed_time import is_coming, is_held_for_money, slots_of
from booking_system.directory.records.tables import clinics, doctors
from booking_system.platform.postgres.phrases import (
    INSTANT,
    a_text,
    an_id,
    ids,
    instant,
    instants,
)
from booking_system.platform.postgres.statement import Statement
from booking_system.scheduling.domain.time_slot import ClosedBecause
from booking_system.scheduling.records.away import keeping_closed, next_to_close
from booking_system.scheduling.records.calendar_statements import LONGEST_SECONDS
from booking_system.scheduling.records.claims import changed, is_closable, let_go, locked
from booking_system.scheduling.records.slots import OUTSIDE
from booking_system.scheduling.records.tables import time_slots


class Absences(NamedTuple):
    """Absences of one doctor, or of one clinic; the lists go side by side, instants in UTC.

    `earliest` is a day before the first of them starts, `latest` when the last one ends.
    """

    whose: UUID
    absence_ids: Sequence[UUID]
    starts: Sequence[datetime]
    ends: Sequence[datetime]
    now: datetime
    earliest: datetime
    latest: datetime


class Closing(NamedTuple):
    """Absences, and why they close slots."""

    absences: Absences
    because: str


class Over(NamedTuple):
    """An absence that lasts from `since` until `until` (UTC) from now on; None: it is over."""

    absence_id: UUID
    since: datetime | None
    until: datetime | None


class StillOver(NamedTuple):
    """The same, seen at an instant (UTC)."""

    over: Over
    now: datetime


ABSENCE = (
    func.unnest(ids("absence_ids"), instants("starts"), instants("ends"))
    .table_valued(column("id", Uuid()), column("starts_at", INSTANT), column("ends_at", INSTANT))
    .render_derived(name="absence")
)
SLOT = time_slots.alias("s")


def _meets(one: FromClause) -> ColumnElement[bool]:
    """Return the condition that the absence covers some of it, and it is not over.

    No slot and no appointment lasts longer than a day: with `earliest` an index leads to them.
    """
    return and_(
        one.c.ends_at > instant("now"),
        one.c.starts_at > instant("earliest"),
        one.c.starts_at < instant("latest"),
        one.c.starts_at < ABSENCE.c.ends_at,
        one.c.ends_at > ABSENCE.c.starts_at,
    )


class _Statements:
    """The statements about absences of one doctor, or of one clinic."""

    def __init__(self, whose: str) -> None:
        """`whose` is the column by which slots and appointments are theirs."""
        self._whose = whose
        of_cards = CARDS.where(self._is_affected(appointment))
        listed = of_cards.order_by(appointment.c.time_slot_id, appointment.c.id)
        self.affected = self._about(listed)
        self.affected_locked = self._about(listed.with_for_update(of=appointment))
        self.count_affected = self._about(
            select(func.count()).select_from(appointment).where(self._is_affected(appointment))
        )
        self.open_slots = self._about(
            select(func.count())
            .select_from(SLOT)
            .where(
                self._is_covered(SLOT),
                SLOT.c.closed_because.is_(None),
                SLOT.c.appointment_id.is_(None),
            )
        )
        self.lock_slots = self._about(self._locking())
        ended = let_go().where(time_slots.c.id.in_(self._held()))
        self.end_holds = self._about(ended.returning(*_NOTED))
        self.close = Statement(self._closing(), Closing, seconds=LONGEST_SECONDS)

    def _about(self, sql: Any) -> Statement[Absences]:
        return Statement(sql, Absences, seconds=LONGEST_SECONDS)

    def _is_theirs(self, one: FromClause) -> ColumnElement[bool]:
        return one.c[self._whose] == an_id("whose")

    def _is_affected(self, one: FromClause) -> ColumnElement[bool]:
        is_met = select(ABSENCE.c.id).where(_meets(one)).correlate(one).exists()
        return and_(self._is_theirs(one), is_coming(one, instant("now")), is_met)

    def _is_covered(self, slot: FromClause) -> ColumnElement[bool]:
        is_met = select(ABSENCE.c.id).where(_meets(slot)).correlate(slot).exists()
        return and_(self._is_theirs(slot), slot.c.deleted_at.is_(None), is_met)

    def _held(self) -> Select[Any]:
        """All slots of the holds that keep anything of what is covered.

        An appointment that waits for money is kept, or cancelled, as any other.
        """
        slot, held = time_slots.alias("covered"), time_slots.alias("h")
        losing = select(slot.c.hold_id).where(
            slot.c.hold_id.is_not(None),
            self._is_covered(slot),
            ~is_held_for_money(slot, instant("now")),
        )
        return select(held.c.id).where(held.c.hold_id.in_(losing))

    def _locking(self) -> Select[Any]:
        """Those that are covered or were, and all of the appointments that may be cancelled."""
        slot = time_slots.alias("covered")
        query = locked(
            select(slot.c.id).where(self._is_covered(slot)),
            self._held(),
            select(slot.c.id).where(slot.c.closed_by == any_(ids("absence_ids"))),
            slots_of(self._is_affected),
        )
        return select(func.count()).select_from(query.subquery("locked"))

    def _closing(self) -> Update:
        closed = changed(closed_because=a_text("because"), closed_by=ABSENCE.c.id)
        return closed.where(
            self._is_theirs(time_slots),
            time_slots.c.deleted_at.is_(None),
            is_closable(time_slots),
            _meets(time_slots),
        ).returning(*_NOTED)


_NOTED = (
    time_slots.c.id,
    time_slots.c.appointment_id,
    time_slots.c.outside_availability,
    time_slots.c.starts_at,
    time_slots.c.ends_at,
)

OF_DOCTOR, OF_CLINIC = _Statements("doctor_id"), _Statements("clinic_id")

_LIVE_DOCTOR = (doctors.c.deleted_at.is_(None), clinics.c.deleted_at.is_(None))

DOCTOR = Statement(
    select(doctors.c.id.label("doctor_id"), doctors.c.clinic_id, clinics.c.time_zone)
    .join(clinics, clinics.c.id == doctors.c.clinic_id)
    .where(doctors.c.id == an_id("whose"), *_LIVE_DOCTOR)
)

CLINIC = Statement(
    select(clinics.c.id.label("clinic_id"), clinics.c.time_zone).where(
        clinics.c.id == an_id("whose"), clinics.c.deleted_at.is_(None)
    )
)

LOCK_CLINIC = Statement(
    select(clinics.c.id).where(clinics.c.id == an_id("whose")).with_for_update(key_share=True)
)

_closed = (
    select(time_slots.c.id)
    .where(time_slots.c.closed_by == an_id("absence_id"))
    .order_by(time_slots.c.id)
    .with_for_update()
)
LOCK_CLOSED = Statement(
    select(func.count()).select_from(_closed.subquery("locked")), seconds=LONGEST_SECONDS
)


def _is_left(slot: FromClause) -> ColumnElement[bool]:
    """Return the condition that the absence closed the slot, and covers it no longer."""
    since, until = instant("since"), instant("until")
    return and_(
        slot.c.closed_by == an_id("absence_id"),
        slot.c.deleted_at.is_(None),
        or_(since.is_(None), slot.c.starts_at >= until, slot.c.ends_at <= since),
    )


def _reopening() -> Update:
    """Open them, unless something else keeps them closed."""
    standing = next_to_close(SLOT)
    because = case(
        (
            and_(standing.c.id.is_(None), doctors.c.deleted_at.is_not(None)),
            ClosedBecause.DOCTOR_REMOVED.value,
        ),
        (and_(standing.c.id.is_(None), SLOT.c.outside_availability), OUTSIDE),
        else_=standing.c.because,
    )
    left = (
        select(SLOT.c.id, standing.c.id.label("closed_by"), because.label("because"))
        .select_from(
            SLOT.join(doctors, doctors.c.id == SLOT.c.doctor_id).outerjoin(standing, true())
        )
        .where(_is_left(SLOT))
        .cte("left_open")
    )
    opened = changed(closed_by=left.c.closed_by, closed_because=left.c.because)
    return opened.where(time_slots.c.id == left.c.id).returning(
        time_slots.c.id,
        time_slots.c.doctor_id,
        time_slots.c.outside_availability,
        time_slots.c.starts_at,
        time_slots.c.ends_at,
    )


REOPEN = Statement(_reopening(), Over, seconds=LONGEST_SECONDS)

OPENING = Statement(
    select(func.count())
    .select_from(SLOT.join(doctors, doctors.c.id == SLOT.c.doctor_id))
    .where(
        _is_left(SLOT),
        SLOT.c.ends_at > instant("now"),
        SLOT.c.appointment_id.is_(None),
        doctors.c.deleted_at.is_(None),
        ~SLOT.c.outside_availability,
        ~keeping_closed(SLOT, but=an_id("absence_id")).exists(),
    ),
    StillOver,
)
"""How many slots to come `REOPEN` would open."""
