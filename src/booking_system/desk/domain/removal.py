"""Who may take a doctor, clinic, patient or service out of sight, while bookings go on."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from booking_system.booking.domain.party import Party, Side
from booking_system.identity.domain.actor import Actor
from booking_system.shared_kernel.errors import NotFound, NotPermitted
from booking_system.shared_kernel.identifiers import ClinicId, PatientId


class Kind(StrEnum):
    """What can be removed although appointments hang on it."""

    DOCTOR = "doctor"
    CLINIC = "clinic"
    PATIENT = "patient"
    SERVICE = "service"


class OnConflict(StrEnum):
    """What becomes of the appointments to come."""

    KEEP = "keep"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True, kw_only=True)
class Removable:
    """A doctor, clinic, patient or service, removed or not.

    A patient has no clinic but is known to some.
    """

    kind: Kind
    id: UUID
    version: int
    is_removed: bool
    clinic_id: ClinicId | None = None
    clinic_is_removed: bool = False
    has_account: bool = False
    known_to: frozenset[ClinicId] = frozenset()
    merged_into: PatientId | None = None
    """The record that stays, of a patient's record that was merged; its clinics know both."""

    def check(self, actor: Actor) -> None:
        """Raise `NotPermitted`, or `NotFound` for a patient whom the actor may not see.

        Doctors and services are the clinic's administrators', clinics the platform's. A patient
        with an account removes themselves; without one, staff may while no other clinic knows the
        patient. What was merged is seen by staff who see the record that stays.
        """
        if self.kind is Kind.PATIENT:
            self._check_patient(actor)
        elif self.kind is Kind.CLINIC:
            if not actor.is_platform_admin:
                raise NotPermitted
        elif self.clinic_id is None or not actor.manages(self.clinic_id):
            raise NotPermitted

    def _check_patient(self, actor: Actor) -> None:
        if actor.patient_id == self.id:
            return
        if actor.staff_of.isdisjoint(self.known_to):
            raise NotFound
        if self.merged_into is not None:
            return
        if self.has_account or not self.known_to <= actor.staff_of:
            raise NotPermitted

    def party_of(self, actor: Actor) -> Party:
        """Say as whom the appointments would be cancelled."""
        side = Side.PATIENT if actor.patient_id == self.id else Side.CLINIC
        return Party(side=side, user_id=actor.user_id)
