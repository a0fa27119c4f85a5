"""Which patients a clinic knows: one condition for all who ask, and nobody asks without it.

Staff registered them, or took them on: then for as long as there is a record. Or they booked: then
for as long as an appointment is left there that is open or took place. Where all were cancelled,
or not paid for in time, the row in `clinic_patients` says nothing, until they book again.
"""

from typing import Any

from sqlalchemy import ColumnElement, FromClause, Text, Uuid, column, or_, select, table
from sqlalchemy.dialects.postgresql import Insert, insert

from booking_system.directory.records.tables import clinic_patients
from booking_system.platform.postgres.phrases import array_of, asked_singly, hidden, unindexed

BOOKED = "booked"
UNUSED = ("cancelled", "expired")

appointments = table(
    "appointments",
    column("clinic_id", Uuid()),
    column("patient_id", Uuid()),
    column("status", Text()),
)
"""What the directory knows of appointments, which booking owns: who was where, and whether it came
to nothing. `tests/architecture/test_table_owners.py` compares the columns with booking's."""


def is_known(k: FromClause) -> ColumnElement[bool]:
    """Return the condition on a row of `clinic_patients` that the clinic knows the patient.

    It is asked of single rows: a list would else begin by reading all appointments that there are.
    """
    met = appointments.alias("met")
    left = select(met.c.patient_id).where(
        met.c.patient_id == k.c.patient_id,
        unindexed(met.c.clinic_id) == k.c.clinic_id,
        hidden(met.c.status).not_in(UNUSED),
    )
    is_left = asked_singly(left.correlate_except(met)).exists()
    return or_(k.c.known_because != BOOKED, is_left)


def knows(clinic_id: ColumnElement[Any], patient_id: ColumnElement[Any]) -> ColumnElement[bool]:
    """Return the condition that this clinic knows this patient."""
    k = clinic_patients.alias("k")
    known = select(k.c.patient_id).where(
        k.c.clinic_id == clinic_id, k.c.patient_id == patient_id, is_known(k)
    )
    return known.correlate_except(k).exists()


def has_met(clinic_id: ColumnElement[Any], patient_id: ColumnElement[Any]) -> ColumnElement[bool]:
    """Return the condition that the clinic knows this patient, or did until all was cancelled."""
    k = clinic_patients.alias("k")
    met = select(k.c.patient_id).where(k.c.clinic_id == clinic_id, k.c.patient_id == patient_id)
    return met.correlate_except(k).exists()


def clinics_that_know(patient_id: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return the array of the clinics that know this patient."""
    k = clinic_patients.alias("k")
    knowing = select(k.c.clinic_id).where(k.c.patient_id == patient_id, is_known(k))
    return array_of(knowing.correlate_except(k))


def meeting(
    clinic_id: ColumnElement[Any], patient: FromClause, *, since: ColumnElement[Any]
) -> Insert:
    """Let the clinic know a patient who books, since an instant (UTC), if it did not before.

    `patient` has their `id`, and no row where nothing is to be written.
    """
    columns = (clinic_patients.c.clinic_id, clinic_patients.c.patient_id)
    before = clinic_patients.alias("k")
    is_met = select(before.c.clinic_id).where(
        before.c.clinic_id == clinic_id, before.c.patient_id == patient.c.id
    )
    # As a join it would read all whom the clinic knows, while the table has no statistics.
    is_new = ~asked_singly(is_met.correlate_except(before)).exists()
    query = select(clinic_id, patient.c.id, since).where(is_new)
    return (
        insert(clinic_patients)
        .from_select([*(one.name for one in columns), clinic_patients.c.known_since.name], query)
        .on_conflict_do_nothing()
    )
