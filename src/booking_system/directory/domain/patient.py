"""A patient: one person on the platform, known to some clinics, with or without an account."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Self

from booking_system.identity.domain.actor import Actor
from booking_system.shared_kernel.errors import NotPermitted
from booking_system.shared_kernel.identifiers import ClinicId, PatientId

MOST_ALIKE = 10
"""As many possible duplicates are named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Acquaintance:
    """The clinics that know a patient, and the one of them that registered the record, if any."""

    known_to: frozenset[ClinicId] = frozenset()
    registered_by: ClinicId | None = None

    @property
    def may_write(self) -> frozenset[ClinicId]:
        """The clinics whose staff say who the patient is, where there is no account.

        The one that registered them, or the only one that knows them: nobody rewrites another
        clinic's patient unseen.
        """
        if len(self.known_to) == 1:
            return self.known_to
        return frozenset() if self.registered_by is None else frozenset({self.registered_by})


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """A patient. Contact data may all be missing."""

    id: PatientId
    full_name: str
    email: str | None = None
    phone: str | None = None
    birth_date: date | None = None
    locale: str | None = None
    time_zone: str | None = None
    has_account: bool = False
    version: int = 1
    created_at: datetime
    updated_at: datetime

    def is_visible_to(self, actor: Actor, known_to: AbstractSet[ClinicId]) -> bool:
        """Say whether the actor may see it: the owner, and staff of a clinic that knows them."""
        return actor.patient_id == self.id or not actor.staff_of.isdisjoint(known_to)

    def changed(
        self, changes: Mapping[str, Any], *, by: Actor, known: Acquaintance, now: datetime
    ) -> Self:
        """Return the patient with these fields changed: name, birth date, how to be reached.

        Raises `NotPermitted` for staff, where there is an account or the patient is another
        clinic's as well.
        """
        if by.patient_id != self.id:
            writers = frozenset[ClinicId]() if self.has_account else known.may_write
            if by.staff_of.isdisjoint(writers):
                raise NotPermitted
        return replace(self, **changes, version=self.version + 1, updated_at=now)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPatient:
    """A patient whom staff registered, and others of the clinic with the same e-mail or phone."""

    patient: Patient
    alike: tuple[Patient, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundPatient:
    """A patient in a list of staff: one whom their clinic knows, or may get to know.

    `known_as` is what the clinic calls them, and nobody else's to know.
    """

    patient: Patient
    is_known: bool = True
    known_as: str | None = None

    @property
    def id(self) -> PatientId:
        """The patient's."""
        return self.patient.id

    @property
    def version(self) -> int:
        """The patient's."""
        return self.patient.version
