"""Two records of one patient become one: who may merge them, and which of them can go."""

from dataclasses import dataclass
from datetime import datetime

from booking_system.booking.domain.events import PatientsMerged
from booking_system.desk.domain.refusals import PossibleDuplicate
from booking_system.identity.domain.actor import Actor
from booking_system.shared_kernel.errors import NotFound, NotPermitted
from booking_system.shared_kernel.identifiers import ClinicId, PatientId


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientRecord:
    """What decides about a merge of one record."""

    id: PatientId
    version: int
    is_removed: bool
    has_account: bool
    known_to: frozenset[ClinicId]

    def check_visible(self, actor: Actor) -> None:
        """Raise `NotFound` where the actor may not see it, or it is gone."""
        is_own = actor.patient_id == self.id
        if self.is_removed or not (is_own or actor.staff_of & self.known_to):
            raise NotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """The record that stays, and the duplicate, which goes."""

    staying: PatientRecord
    duplicate: PatientRecord

    def check_actor(self, actor: Actor) -> None:
        """Staff of a clinic that knows both may, where no clinic of others knows the duplicate.

        Raises `NotFound`, `NotPermitted`.
        """
        for record in (self.staying, self.duplicate):
            record.check_visible(actor)
        both = self.staying.known_to & self.duplicate.known_to
        if not actor.staff_of & both or not self.duplicate.known_to <= actor.staff_of:
            raise NotPermitted

    def check_account(self) -> None:
        """Raise `PossibleDuplicate` where the duplicate has an account: that one has to stay."""
        if not self.duplicate.has_account:
            return
        if self.staying.has_account:
            raise PossibleDuplicate("Both records have an account: they stay two.")
        raise PossibleDuplicate("The duplicate has an account: merge the other record into it.")

    def merged(self, *, now: datetime) -> PatientsMerged:
        """Return what the rest of the world is told."""
        return PatientsMerged(
            occurred_at=now, patient_id=self.staying.id, merged_patient_id=self.duplicate.id
        )
