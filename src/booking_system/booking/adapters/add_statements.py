"""The statement that books: it writes all of a booking, or nothing."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    CTE,
    ColumnElement,
    Insert,
    Update,
    any_,
    insert,
    select,
)
from sqlalchemy.dialects.postgresql import array

from booking_system.booking.records.claimed_time import shared
from booking_system.booking.records.tables import appointments
from booking_system.directory.records.acquaintance import meeting
from booking_system.directory.records.tables import patients, services
from booking_system.platform.postgres.idempotency import idempotency_keys
from booking_system.platform.postgres.outbox import recording_one
from booking_system.platform.postgres.phrases import during, given
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
    is_there = [patients.c.id == VALUE["patient_id"], patients.c.deleted_at.is_(None)]
    if with_service:
        is_there += [services.c.id == VALUE["service_id"], services.c.deleted_at.is_(None)]
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
    patient: CTE, taken: Update, *others: CTE, more: Mapping[str, ColumnElement[Any]]
) -> Insert:
    """Return the statement that inserts the row with `more` columns, for a `living` patient."""
    row = VALUE | {"updated_at": VALUE["created_at"]} | dict(more)
    return (
        insert(appointments)
        .from_select(list(row), select(*row.values()).select_from(patient))
        .add_cte(taken.cte("taken"), *others, recording_one(patient, VALUE["created_at"]))
    )


def _adding(patient: CTE, *others: CTE, is_usual: bool) -> Insert:
    more = {} if is_usual else shared_times()
    return adding_of(patient, owned(patient, is_usual=is_usual), *others, more=more)


def owned(patient: CTE, *, is_usual: bool = False) -> Update:
    """Return the part that makes it the owner of its slots."""
    shared = None if is_usual else VALUE["overbooked"]
    return (
        given_to(VALUE["id"], shared=shared)
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


def _add(*, is_usual: bool = False, with_service: bool = False) -> Statement[Adding]:
    patient = living(with_service=with_service)
    others = [] if is_usual else [known(patient)]
    return Statement(_adding(patient, *others, is_usual=is_usual), Adding)


def _add_with_key(
    *, is_usual: bool = False, with_service: bool = False
) -> Statement[AddingWithKey]:
    patient = living(with_service=with_service)
    others = [] if is_usual else [known(patient)]
    key = storing_the_key(patient)
    return Statement(_adding(patient, *others, key, is_usual=is_usual), AddingWithKey)


def known(patient: CTE) -> CTE:
    """Return the part that makes clinic and patient acquainted."""
    return meeting(VALUE["clinic_id"], patient, since=VALUE["created_at"]).cte("known")


ADD = _add()
"""Writes the appointment, its slots' owner, the acquaintance of clinic and patient, and the event.

Nothing of it for a patient who is gone."""

NOTHING = "INSERT 0 0"
"""What the driver says where that was so."""

ADD_WITH_KEY = _add_with_key()
"""The same for a request with an idempotency key."""

ADD_USUAL = _add(is_usual=True)
"""The same for nearly all bookings: the clinic knows the patient, and no time is shared.

An acquaintance goes only with the patient's record, and then nothing is written. An appointment
that is marked as sharing its time is refused by `ck_appointments_override` here."""

ADD_USUAL_WITH_KEY = _add_with_key(is_usual=True)

ADD_SERVICE, ADD_USUAL_SERVICE = (_add(is_usual=one, with_service=True) for one in (False, True))
ADD_SERVICE_WITH_KEY, ADD_USUAL_SERVICE_WITH_KEY = (
    _add_with_key(is_usual=one, with_service=True) for one in (False, True)
)
"""The same for a service that the clinic offered when the slot was locked: nothing of it where the
service is gone by now. Without it a removal could overlook a booking that is being written."""


def adding(*, is_usual: bool, with_service: bool) -> Statement[Adding]:
    """Return the statement for such a booking without a key."""
    if with_service:
        return ADD_USUAL_SERVICE if is_usual else ADD_SERVICE
    return ADD_USUAL if is_usual else ADD


def adding_with_key(*, is_usual: bool, with_service: bool) -> Statement[AddingWithKey]:
    """Return the statement for such a booking with a key."""
    if with_service:
        return ADD_USUAL_SERVICE_WITH_KEY if is_usual else ADD_SERVICE_WITH_KEY
    return ADD_USUAL_WITH_KEY if is_usual else ADD_WITH_KEY
