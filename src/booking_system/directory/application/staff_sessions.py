"""Use cases: a clinic's administrators look at the sessions of their staff, and end them.

Who works elsewhere, too, or is a patient, has one account: their sessions are seen and ended as a
whole. They sign in again, which is what ending one after a loss is for.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from booking_system.directory.application.keep_clinics import clinic_in
from booking_system.directory.application.ports import DirectoryTransaction, DirectoryWork
from booking_system.identity.domain.actor import Actor
from booking_system.identity.domain.session import Session
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.errors import NotFound, NotPermitted
from booking_system.shared_kernel.identifiers import ClinicId, SessionId, UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class ListStaffSessions:
    """The sessions of one member of a clinic's staff."""

    transaction: DirectoryTransaction
    clock: Clock

    async def __call__(
        self,
        *,
        clinic_id: ClinicId,
        user_id: UserId,
        actor: Actor,
        after: tuple[datetime, UUID] | None,
        limit: int,
    ) -> Sequence[Session]:
        """Return all that could still be used, the newest first, one more than `limit`.

        Raises `NotFound`, `NotPermitted`.
        """
        async with self.transaction() as work:
            await _check_staff(work, clinic_id, user_id, actor)
            return await work.accounts.living_sessions(
                user_id, now=self.clock.now(), after=after, limit=limit
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class EndStaffSessions:
    """Signs a member of a clinic's staff out, on one device or on all."""

    transaction: DirectoryTransaction
    clock: Clock

    async def __call__(
        self,
        *,
        clinic_id: ClinicId,
        user_id: UserId,
        actor: Actor,
        session_id: SessionId | None = None,
    ) -> None:
        """Takes effect everywhere within a second; None: all, where there are any.

        Raises `NotFound`, also for one session that is over, and `NotPermitted`.
        """
        async with self.transaction() as work:
            await _check_staff(work, clinic_id, user_id, actor)
            ended = await work.accounts.end_sessions(user_id, session_id, self.clock.now())
            if session_id is not None and not ended:
                raise NotFound


async def _check_staff(
    work: DirectoryWork, clinic_id: ClinicId, user_id: UserId, actor: Actor
) -> None:
    await clinic_in(work, clinic_id)
    if not actor.manages(clinic_id):
        raise NotPermitted
    if not any(member.user_id == user_id for member in await work.accounts.staff_of(clinic_id)):
        raise NotFound
