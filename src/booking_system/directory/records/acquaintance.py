"""Which patients a clinic knows: one condition for all who ask, and nobody asks without it.

Staff registered them, or took them on: then for as long as there is a record. Or they booked: then
for as long as an appointment is left there that is open or took place. Where all were cancelled
the row in `clinic_patients` says nothing, until they book again.
"""

from typing import Any

from sqlalchemy import ColumnElement, FromClause, literal_column, select
from sqlalchemy.dialects.postgresql import Insert, insert

from booking_system.directory.records.tables import clinic_patients

IS_KNOWN = """(k.known_because <> 'booked' OR EXISTS (SELECT FROM appointments met
  WHERE met.patient_id = k.patient_id AND met.clinic_id = k.clinic_id
  AND met.status <> 'cancelled' OFFSET 0))"""
"""The condition on a row `k` of `clinic_patients`. With `OFFSET` it is asked of single rows: a list
would else begin by reading all appointments that there are."""


def knows(clinic: str, patient: str) -> str:
    """Return the condition that this clinic knows this patient."""
    return f"""EXISTS (SELECT FROM clinic_patients k WHERE k.clinic_id = {clinic}
  AND k.patient_id = {patient} AND {IS_KNOWN})"""


def clinics_that_know(patient: str) -> str:
    """Return the array of the clinics that know this patient."""
    return f"""ARRAY(SELECT k.clinic_id FROM clinic_patients k
  WHERE k.patient_id = {patient} AND {IS_KNOWN})"""  # noqa: S608


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
    query = select(clinic_id, patient.c.id, since).where(~is_met.correlate_except(before).exists())
    return (
        insert(clinic_patients)
        .from_select([*(one.name for one in columns), clinic_patients.c.known_since.name], query)
        .on_conflict_do_nothing()
    )


def is_known(clinic_id: ColumnElement[Any], patient_id: ColumnElement[Any]) -> ColumnElement[bool]:
    """Return the condition that this clinic knows this patient."""
    k = clinic_patients.alias("k")
    row = select(k.c.clinic_id).where(k.c.clinic_id == clinic_id, k.c.patient_id == patient_id)
    return row.where(literal_column(IS_KNOWN)).correlate_except(k).exists()
