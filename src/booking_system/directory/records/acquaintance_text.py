"""The conditions of `acquaintance` as parts of statements that are still written as text."""

from typing import Any

from sqlalchemy import ColumnElement, literal_column

from booking_system.directory.records.acquaintance import clinics_that_know, knows
from booking_system.platform.postgres.spelled import spelled


def knows_text(clinic: str, patient: str) -> str:
    """Return `acquaintance.knows`."""
    clinic_id: ColumnElement[Any] = literal_column(clinic)
    patient_id: ColumnElement[Any] = literal_column(patient)
    return spelled(knows(clinic_id, patient_id))


def clinics_that_know_text(patient: str) -> str:
    """Return `acquaintance.clinics_that_know`."""
    patient_id: ColumnElement[Any] = literal_column(patient)
    return spelled(clinics_that_know(patient_id))
