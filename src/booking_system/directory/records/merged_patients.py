"""Two records of one patient: what they say, and how one is filled from the other, which goes."""

from typing import Any

from sqlalchemy import Update, case, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from booking_system.directory.domain.references import MOST_KEYS
from booking_system.directory.records.acquaintance import BOOKED, clinics_that_know
from booking_system.directory.records.references import merged
from booking_system.directory.records.tables import clinic_patients, patient_references, patients
from booking_system.platform.postgres.phrases import an_id, instant
from booking_system.platform.postgres.statement import Statement

STAYS, DUPLICATE, NOW = an_id("stays"), an_id("duplicate"), instant("now")
TAKEN_ON = "taken_on"

_BOTH = or_(patients.c.id == STAYS, patients.c.id == DUPLICATE)

LOCK_RECORDS = Statement(
    select(patients.c.id).where(_BOTH).order_by(patients.c.id).with_for_update(key_share=True)
)

RECORDS = Statement(
    select(
        patients.c.id,
        patients.c.version,
        patients.c.deleted_at.is_not(None).label("is_removed"),
        patients.c.user_id.is_not(None).label("has_account"),
        clinics_that_know(patients.c.id).label("known_to"),
    ).where(_BOTH)
)
"""Read behind the lock: another merge may have brought more clinics."""

STOP_BOOKINGS = Statement(select(patients.c.id).where(patients.c.id == DUPLICATE).with_for_update())
"""Stronger than usual, and for the duplicate only: a booking that has been written is waited for,
a booking about to be written waits, and then finds the patient gone."""


def _acquaintance_following() -> Any:
    """The clinic that registered the duplicate goes on knowing the patient."""
    k = clinic_patients
    gone = (
        delete(k)
        .where(k.c.patient_id == DUPLICATE)
        .returning(k.c.clinic_id, k.c.known_since, k.c.known_because, k.c.known_as)
        .cte("gone")
    )
    because = case((gone.c.known_because == BOOKED, BOOKED), else_=TAKEN_ON)
    rows = select(gone.c.clinic_id, STAYS, gone.c.known_since, because, gone.c.known_as)
    adding = insert(k).from_select(
        ["clinic_id", "patient_id", "known_since", "known_because", "known_as"], rows
    )
    new = adding.excluded
    return adding.on_conflict_do_update(
        index_elements=[k.c.clinic_id, k.c.patient_id],
        set_={
            "known_since": func.least(k.c.known_since, new.known_since),
            "known_because": case(
                (k.c.known_because == BOOKED, new.known_because), else_=k.c.known_because
            ),
            "known_as": func.coalesce(k.c.known_as, new.known_as),
        },
    )


ACQUAINTANCE_FOLLOWS = Statement(_acquaintance_following())


REFERENCES_FOLLOW = Statement(merged(patient_references, most=MOST_KEYS))


def _filling() -> Update:
    """Of an account only its owner says how to be reached."""
    seen, duplicate = patients.alias("seen"), patients.alias("duplicate")
    names = ("email", "phone", "birth_date", "locale", "time_zone")
    both = (
        select(seen.c.id, *(duplicate.c[name] for name in names))
        .select_from(
            seen.outerjoin(duplicate, (duplicate.c.id == DUPLICATE) & seen.c.user_id.is_(None))
        )
        .where(seen.c.id == STAYS)
        .subquery("both_records")
    )
    filled = {name: func.coalesce(patients.c[name], both.c[name]) for name in names}
    return (
        update(patients)
        .where(patients.c.id == both.c.id)
        .values(version=patients.c.version + 1, updated_at=NOW, **filled)
    )


FILL = Statement(_filling())


def leading_to_the_one_that_stays() -> Update:
    """Delete the duplicate, and what was merged into it before: they say where they went."""
    return (
        update(patients)
        .where(or_(patients.c.id == DUPLICATE, patients.c.merged_into == DUPLICATE))
        .values(
            merged_into=STAYS,
            deleted_at=func.coalesce(patients.c.deleted_at, NOW),
            version=patients.c.version + 1,
            updated_at=NOW,
        )
    )
