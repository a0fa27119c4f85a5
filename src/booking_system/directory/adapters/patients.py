"""Patients in PostgreSQL, and which clinics know them."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    ScalarSelect,
    Select,
    and_,
    exists,
    false,
    func,
    insert,
    literal,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import insert as insert_or_not
from sqlalchemy.ext.asyncio import AsyncConnection

from booking_system.directory.adapters.paging import contains, paged
from booking_system.directory.application.ports import Search
from booking_system.directory.domain.patient import (
    MOST_ALIKE,
    Acquaintance,
    FoundPatient,
    Patient,
)
from booking_system.directory.records.acquaintance import BOOKED, is_known
from booking_system.directory.records.tables import clinic_patients, patient_references, patients
from booking_system.shared_kernel.identifiers import ClinicId, PatientId, UserId

k = clinic_patients.alias("k")
REGISTERED, TAKEN_ON = "registered", "taken_on"

FOUND = select(patients).where(patients.c.deleted_at.is_(None))


class PostgresPatients:
    """The patients, inside one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        """`connection` is in a transaction already."""
        self._connection = connection

    async def read(self, patient_id: PatientId) -> Patient | None:
        """Read a live patient."""
        return await self._one(FOUND.where(_is(patient_id)))

    async def lock(self, patient_id: PatientId) -> Patient | None:
        """Take the row `FOR NO KEY UPDATE`, which lets foreign keys to it through."""
        return await self._one(FOUND.where(_is(patient_id)).with_for_update(key_share=True))

    async def acquaintance(self, patient_id: PatientId) -> Acquaintance:
        """Read the rows that count."""
        wanted = select(k.c.clinic_id, k.c.known_because).where(
            k.c.patient_id == patient_id, is_known(k)
        )
        rows = (await self._connection.execute(wanted)).all()
        return Acquaintance(
            known_to=frozenset(row.clinic_id for row in rows),
            registered_by=next(
                (row.clinic_id for row in rows if row.known_because == REGISTERED), None
            ),
        )

    async def page(self, search: Search) -> Sequence[FoundPatient]:
        """Read a page by keyset on the id, inside the scope that the search carries."""
        wanted = FOUND.add_columns(_known_as(search.clinic_id).label("known_as"))
        wanted = wanted.where(_within(search) if search.q is None else _named(search, search.q))
        if search.external_id is not None:
            assert search.clinic_id is not None, "asked for in one clinic"
            wanted = wanted.where(_is_called(search.external_id, search.clinic_id))
        rows = await self._connection.execute(paged(wanted, patients.c.id, search))
        return [
            FoundPatient(patient=patient_of(row), known_as=row["known_as"])
            for row in rows.mappings()
        ]

    async def reached_at(self, search: Search) -> Sequence[FoundPatient]:
        """Read a page by keyset on the id: the address first, then who of its owners it may be."""
        assert search.clinic_id is not None, "found for a clinic"
        known = _known_at(search.clinic_id)
        called = _known_as(search.clinic_id).label("known_as")
        wanted = select(patients, known.label("is_known"), called).where(
            patients.c.deleted_at.is_(None),
            _reached_at(search.email, search.phone),
            or_(known, patients.c.user_id.is_not(None)),
            true() if search.patient_id is None else _is(search.patient_id),
        )
        rows = await self._connection.execute(paged(wanted, patients.c.id, search))
        return [
            FoundPatient(
                patient=patient_of(row),
                is_known=row["is_known"],
                known_as=row["known_as"] if row["is_known"] else None,
            )
            for row in rows.mappings()
        ]

    async def alike(self, patient: Patient, clinic_id: ClinicId) -> Sequence[Patient]:
        """Look among those with the address, of whom there are few."""
        wanted = FOUND.where(
            _reached_at(patient.email, patient.phone),
            _known_at(clinic_id),
            patients.c.id != patient.id,
        )
        rows = await self._connection.execute(wanted.order_by(patients.c.id).limit(MOST_ALIKE))
        return [patient_of(row) for row in rows.mappings()]

    async def get_known(
        self, patient_id: PatientId, *, clinic_id: ClinicId, since: datetime
    ) -> None:
        """Insert; a booking's acquaintance becomes one that lasts."""
        row = {"clinic_id": clinic_id, "patient_id": patient_id, "known_since": since}
        added = insert_or_not(clinic_patients).values(row | {"known_because": TAKEN_ON})
        await self._connection.execute(
            added.on_conflict_do_update(
                index_elements=["clinic_id", "patient_id"],
                set_={"known_because": TAKEN_ON},
                where=clinic_patients.c.known_because == BOOKED,
            )
        )

    async def call(
        self, patient_id: PatientId, *, clinic_id: ClinicId, known_as: str | None
    ) -> FoundPatient | None:
        """Read the patient, then write on the row of the two."""
        patient = await self._one(FOUND.where(_is(patient_id), _known_at(clinic_id)))
        if patient is None:
            return None
        await self._connection.execute(
            update(clinic_patients)
            .where(
                clinic_patients.c.clinic_id == clinic_id, clinic_patients.c.patient_id == patient_id
            )
            .values(known_as=known_as)
        )
        return FoundPatient(patient=patient, known_as=known_as)

    async def add(
        self, patient: Patient, *, user_id: UserId | None, clinic_id: ClinicId | None
    ) -> None:
        """Insert the patient, and that the clinic knows them."""
        await self._connection.execute(
            insert(patients).values(_row(patient) | {"user_id": user_id})
        )
        if clinic_id is not None:
            await self._connection.execute(
                insert(clinic_patients).values(
                    clinic_id=clinic_id,
                    patient_id=patient.id,
                    known_since=patient.created_at,
                    known_because=REGISTERED,
                )
            )

    async def save(self, patient: Patient) -> None:
        """Write all columns but the account."""
        await self._connection.execute(
            update(patients).where(_is(patient.id)).values(_row(patient))
        )

    async def _one(self, wanted: Select[Any]) -> Patient | None:
        row = (await self._connection.execute(wanted)).mappings().one_or_none()
        return None if row is None else patient_of(row)


def _is(patient_id: PatientId) -> ColumnElement[bool]:
    return patients.c.id == patient_id


def _known_at(clinic_id: ClinicId) -> ColumnElement[bool]:
    return exists().where(k.c.patient_id == patients.c.id, k.c.clinic_id == clinic_id, is_known(k))


def _known_as(clinic_id: ClinicId | None) -> ScalarSelect[str | None]:
    """What the clinic calls the patient."""
    called = select(k.c.known_as).where(k.c.patient_id == patients.c.id, k.c.clinic_id == clinic_id)
    return called.scalar_subquery()


def _is_called(external_id: str, clinic_id: ClinicId) -> ColumnElement[bool]:
    """By what another system of the clinic calls them."""
    it = patient_references.c
    found = select(it.patient_id).where(it.clinic_id == clinic_id, it.external_id == external_id)
    return patients.c.id == found.scalar_subquery()


def _named(search: Search, part: str) -> ColumnElement[bool]:
    """By name; in one clinic also by what it calls them.

    There the first of both are looked for, each on an index of its own: asked for either of the
    two, PostgreSQL would look at all whom the clinic knows.
    """
    within, is_named = _within(search), contains(patients.c.full_name, part)
    if search.clinic_id is None:
        return and_(within, is_named)
    called = select(k.c.patient_id).where(
        k.c.clinic_id == search.clinic_id, k.c.known_as.is_not(None), contains(k.c.known_as, part)
    )
    there = select(patients.c.id).where(patients.c.deleted_at.is_(None), within)
    firsts = [there.where(one) for one in (is_named, patients.c.id.in_(called))]
    return or_(
        *(
            patients.c.id.in_(select(paged(one, patients.c.id, search).subquery().c.id))
            for one in firsts
        )
    )


def _reached_at(email: str | None, phone: str | None) -> ColumnElement[bool]:
    """Both sides in the form of the index; what is stored is composed (NFC) already."""
    ways: list[ColumnElement[bool]] = []
    if email is not None:
        ways.append(func.lower(patients.c.email) == func.lower(literal(email)))
    if phone is not None:
        ways.append(patients.c.phone == phone)
    return or_(false(), *ways)


def _within(search: Search) -> ColumnElement[bool]:
    ways: list[ColumnElement[bool]] = []
    if search.patient_id is not None:
        ways.append(patients.c.id == search.patient_id)
    if search.clinic_ids:
        ways.append(
            exists().where(
                k.c.patient_id == patients.c.id,
                k.c.clinic_id.in_(search.clinic_ids),
                is_known(k),
            )
        )
    return or_(false(), *ways)


def _row(patient: Patient) -> dict[str, Any]:
    row = asdict(patient)
    del row["has_account"]
    return row


def patient_of(row: Any) -> Patient:
    """Make a patient of a row of the table."""
    return Patient(
        id=row["id"],
        full_name=row["full_name"],
        email=row["email"],
        phone=row["phone"],
        birth_date=row["birth_date"],
        locale=row["locale"],
        time_zone=row["time_zone"],
        has_account=row["user_id"] is not None,
        version=row["version"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )
