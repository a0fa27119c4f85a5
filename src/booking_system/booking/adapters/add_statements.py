"""The statement that books: it writes all of a booking, or nothing."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    CTE,
    ColumnElement,
    FromClause,
    Insert,
    Update,
    any_,
    insert,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import array

from booking_system.booking.records.claimed_time import shared
from booking_system.booking.records.tables import appointments
from booking_system.directory.records.acquaintance import meeting
from booking_system.directory.records.tables import patients, services
from booking_system.platform.postgres.idempotency import idempotency_keys
from booking_system.platform.postgres.outbox import recording_one
from booking_system.platform.postgres.phrases import during, given, is_live
from booking_system.platform.postgres.statement import Statement
from booking_system.scheduling.records.claims import given_to
from booking_system.scheduling.records.tables import time_slots


class Adding(NamedTuple):
    """The row of a new appointment, as long as nobody has changed it, and its first event."""

    id: UUID
    reference: str
    status: str
    payment_status: str
    time_slot_id: UUID
    time_slot_ids: tuple[UUID, ...]
    clinic_id: UUID
    doctor_id: UUID
    patient_id: UUID
    service_id: UUID | None
    starts_at: datetime
    ends_at: datetime
    blocked_from: datetime
    blocked_until: datetime
    duration_minutes: int
    mode: str
    reason: str | None
    price_amount: int | None
    price_currency: str | None
    cancel_notice_minutes: int
    booked_by: UUID
    created_at: datetime
    overbooked: bool
    patient_doubled: bool
    override_codes: list[str] | None
    override_reason: str | None
    event_id: UUID
    event_name: str
    event_payload: str


class Key(NamedTuple):
    """The idempotency key of the request, which is stored by the statement that books."""

    owner: str
    operation: str
    key: str
    fingerprint: bytes


class AddingWithKey(NamedTuple):
    """Both."""

    adding: Adding
    named: Key


VALUE = {name: given(appointments.c[name]) for name in Adding._fields if name in appointments.c}


def living(*, with_service: bool) -> CTE:
    """Return the patient, unless they, or the service, went while the slot was waited for.

    The foreign keys take the same locks anyway; a merge of the patient's record keeps it waiting,
    and so does a removal.
    """
    is_there = [patients.c.id == VALUE["patient_id"], is_live(patients)]
    if with_service:
        is_there += [services.c.id == VALUE["service_id"], is_live(services)]
    query = select(patients.c.id).where(*is_there)
    return query.with_for_update(read=True, key_share=True).cte("living_patient")


def shared_times() -> dict[str, ColumnElement[Any]]:
    """Return the columns of the time that it shares on purpose."""
    return {
        "doctor_shared": shared(
            "doctor",
            VALUE["doctor_id"],
            time=during(VALUE["blocked_from"], VALUE["blocked_until"]),
            marked=VALUE["overbooked"],
            but=VALUE["id"],
        ),
        "patient_shared": shared(
            "patient",
            VALUE["patient_id"],
            time=during(VALUE["starts_at"], VALUE["ends_at"]),
            marked=VALUE["patient_doubled"],
            but=VALUE["id"],
        ),
    }


def adding_of(
    patient: CTE,
    taken: Update,
    *others: CTE,
    more: Mapping[str, ColumnElement[Any]],
    beside: FromClause | None = None,
) -> Insert:
    """Return the statement that inserts the row with `more` columns, for a `living` patient.

    `beside` has the one row that columns of `more` are taken from.
    """
    row = VALUE | {"updated_at": VALUE["created_at"]} | dict(more)
    found = patient if beside is None else patient.join(beside, true())
    return (
        insert(appointments)
        .from_select(list(row), select(*row.values()).select_from(found))
        .add_cte(taken.cte("taken"), *others, recording_one(patient, VALUE["created_at"]))
    )


class Needs(NamedTuple):
    """What a booking may have to write beside its own row: known behind the locks."""

    acquaintance: bool
    """The clinic may not have met the patient."""
    shared_time: bool
    """It is booked over others on purpose."""
    end_of_hold: bool
    """A hold may be left in one of its slots. Where one is and nobody says so, `ck_time_slots`
    refuses."""


ANYTHING = Needs(acquaintance=True, shared_time=True, end_of_hold=True)
PLAIN = Needs(acquaintance=False, shared_time=False, end_of_hold=False)


def owned(patient: CTE, needs: Needs) -> Update:
    """Return the part that makes it the owner of its slots."""
    shared = VALUE["overbooked"] if needs.shared_time else None
    return (
        given_to(VALUE["id"], shared=shared, are_held=needs.end_of_hold)
        .where(time_slots.c.id == any_(VALUE["time_slot_ids"]))
        .where(patient.c.id == VALUE["patient_id"])
    )


def storing_the_key(patient: CTE) -> CTE:
    """Return the part that stores the idempotency key."""
    row: dict[str, Any] = {name: given(idempotency_keys.c[name]) for name in Key._fields} | {
        "resource_ids": array([VALUE["id"]]),
        "created_at": VALUE["created_at"],
    }
    query = select(*row.values()).select_from(patient)
    return insert(idempotency_keys).from_select(list(row), query).cte("stored_key")


def known(patient: CTE, needs: Needs) -> Iterator[CTE]:
    """Yield the part that makes clinic and patient acquainted, where they may not be.

    An acquaintance goes only with the patient's record, and then nothing is written.
    """
    if needs.acquaintance:
        yield meeting(VALUE["clinic_id"], patient, since=VALUE["created_at"]).cte("known")


def _adding(patient: CTE, *others: CTE, needs: Needs) -> Insert:
    # What is marked as sharing its time without that is refused by `ck_appointments_override`.
    more = shared_times() if needs.shared_time else {}
    return adding_of(patient, owned(patient, needs), *others, more=more)


@cache
def adding(needs: Needs, *, with_service: bool) -> Statement[Adding]:
    """Return the statement for such a booking without a key.

    It writes the appointment, its slots' owner, the first event and what is needed beside. Nothing
    of it for a patient who is gone, or, where the clinic offered a service when the slot was
    locked, for a service that is: else a removal could overlook a booking that is being written.
    """
    patient = living(with_service=with_service)
    return Statement(_adding(patient, *known(patient, needs), needs=needs), Adding)


@cache
def adding_with_key(needs: Needs, *, with_service: bool) -> Statement[AddingWithKey]:
    """Return the same for a request with an idempotency key."""
    patient = living(with_service=with_service)
    others = (*known(patient, needs), storing_the_key(patient))
    return Statement(_adding(patient, *others, needs=needs), AddingWithKey)


NOTHING = "INSERT 0 0"
"""What the driver says where nothing was written."""

ADD, ADD_PLAIN = (adding(one, with_service=False) for one in (ANYTHING, PLAIN))
ADD_SERVICE, ADD_PLAIN_SERVICE = (adding(one, with_service=True) for one in (ANYTHING, PLAIN))
"""The two ends: what a booking may write at most, and what each writes. Others are made when the
first booking needs them."""
