"""Patients say what they want to be told, and through what."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Protocol

from booking_system.identity.domain.actor import Actor
from booking_system.notifications.domain.preferences import Preferences
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.errors import Stale
from booking_system.shared_kernel.identifiers import PatientId


@dataclass(frozen=True, slots=True, kw_only=True)
class SetPreferences:
    """Preferences as they are stored; `version` 0 is that of the usual ones."""

    preferences: Preferences
    version: int


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


SeePatient = Callable[..., Coroutine[Any, Any, object]]
"""Takes `patient_id` and `actor`, and raises `NotFound` where the actor may not see the patient."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadPreferences:
    """Patients and the clinics that know them look at it."""

    see: SeePatient
    store: PreferenceStore

    async def __call__(self, *, patient_id: PatientId, actor: Actor) -> SetPreferences:
        """Return them. Raises `NotFound`."""
        await self.see(patient_id=patient_id, actor=actor)
        return await self.store.of(patient_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePreferences:
    """Patients set them, and clinics do for them, on their word."""

    see: SeePatient
    store: PreferenceStore
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
        return done


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
