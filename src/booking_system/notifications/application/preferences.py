"""Patients say what they want to be told, and through what."""

from collections.abc import Callable, Collection, Coroutine, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from booking_system.identity.domain.actor import Actor
from booking_system.notifications.domain.message import Channel
from booking_system.notifications.domain.preferences import Preferences
from booking_system.notifications.domain.reach import AddressNotLifted, AddressState, Reach
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.errors import NotFound, Stale
from booking_system.shared_kernel.identifiers import ClinicId, PatientId


@dataclass(frozen=True, slots=True, kw_only=True)
class SetPreferences:
    """Preferences as they are stored; `version` 0 is that of the usual ones.

    `addresses` say how the person can be reached.
    """

    preferences: Preferences
    version: int
    addresses: Sequence[AddressState] = ()


class PreferenceStore(Protocol):
    """Where preferences are kept."""

    async def of(self, patient_id: PatientId) -> SetPreferences:
        """Return them, or the usual ones."""
        ...

    async def put(
        self, patient_id: PatientId, preferences: Preferences, *, version: int | None, now: Any
    ) -> SetPreferences | None:
        """Store them if `version`, when one is given, is the present one; None: it is not."""
        ...


class AddressBook(Protocol):
    """What is known of the addresses of patients.

    `clinics`: what their own accounts have told counts as well; None: those of all clinics.
    """

    async def states(
        self, patient_id: PatientId, clinics: Collection[ClinicId] | None
    ) -> Sequence[AddressState]:
        """Return the state of each address that the patient has."""
        ...

    async def lift(
        self, patient_id: PatientId, channel: Channel, clinics: Collection[ClinicId] | None
    ) -> None:
        """Let an address be written to again that messages did not reach."""
        ...


def _clinics(patient_id: PatientId, actor: Actor) -> Collection[ClinicId] | None:
    """Staff are told what their clinic's account has told, not which other clinic knows whom."""
    return None if actor.patient_id == patient_id else actor.staff_of


SeePatient = Callable[..., Coroutine[Any, Any, object]]
"""Takes `patient_id` and `actor`, and raises `NotFound` where the actor may not see the patient."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadPreferences:
    """Patients and the clinics that know them look at it."""

    see: SeePatient
    store: PreferenceStore
    book: AddressBook

    async def __call__(self, *, patient_id: PatientId, actor: Actor) -> SetPreferences:
        """Return them. Raises `NotFound`."""
        await self.see(patient_id=patient_id, actor=actor)
        states = await self.book.states(patient_id, _clinics(patient_id, actor))
        return replace(await self.store.of(patient_id), addresses=states)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePreferences:
    """Patients set them, and clinics do for them, on their word."""

    see: SeePatient
    store: PreferenceStore
    book: AddressBook
    clock: Clock

    async def __call__(
        self,
        *,
        patient_id: PatientId,
        preferences: Preferences,
        version: int | None,
        actor: Actor,
    ) -> SetPreferences:
        """Return what is stored now. Raises `NotFound`, `Stale`."""
        await self.see(patient_id=patient_id, actor=actor)
        done = await self.store.put(patient_id, preferences, version=version, now=self.clock.now())
        if done is None:
            raise Stale
        states = await self.book.states(patient_id, _clinics(patient_id, actor))
        return replace(done, addresses=states)


@dataclass(frozen=True, slots=True, kw_only=True)
class LiftAddress:
    """An address that did not work is mended: messages go there again.

    Patients lift it, and the clinics that know them. What was skipped is not sent again. If it
    bounces once more within a month, it is let be until it is changed or lifted.
    """

    see: SeePatient
    store: PreferenceStore
    book: AddressBook

    async def __call__(
        self, *, patient_id: PatientId, channel: Channel, actor: Actor
    ) -> SetPreferences:
        """Raises `NotFound` where there is no such address, `AddressNotLifted`."""
        await self.see(patient_id=patient_id, actor=actor)
        clinics = _clinics(patient_id, actor)
        states = await self.book.states(patient_id, clinics)
        state = next((one for one in states if one.channel is channel), None)
        if state is None:
            raise NotFound
        if state.state is not Reach.OK and not state.may_be_lifted:
            raise AddressNotLifted
        await self.book.lift(patient_id, channel, clinics)
        states = await self.book.states(patient_id, clinics)
        return replace(await self.store.of(patient_id), addresses=states)


@dataclass(frozen=True, slots=True, kw_only=True)
class StopReminders:
    """The link of a mail is followed: no more reminders; all else stays as it is."""

    store: PreferenceStore
    clock: Clock

    async def __call__(self, patient_id: PatientId) -> None:
        """Do so; again, it changes nothing."""
        has = (await self.store.of(patient_id)).preferences
        if has.reminders:
            wanted = Preferences(email=has.email, sms=has.sms, reminders=False, quiet=has.quiet)
            await self.store.put(patient_id, wanted, version=None, now=self.clock.now())
