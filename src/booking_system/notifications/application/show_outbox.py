"""Look at the messages that were kept instead of being sent."""

from collections.abc import Sequence
from dataclasses import dataclass

from booking_system.identity.domain.actor import Actor
from booking_system.identity.domain.policies import platform_admin
from booking_system.notifications.application.kept_ports import KeptMessages
from booking_system.notifications.domain.kept import KeptMessage


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowOutbox:
    """For developers at the machine itself, and for the platform's administrators.

    It is patient data, and links that sign people in: production has no such thing.
    """

    kept: KeptMessages

    async def __call__(
        self, *, actor: Actor | None, is_here: bool, to: str | None, limit: int
    ) -> Sequence[KeptMessage]:
        """Return the newest messages first; `is_here`: the caller is a program on this machine.

        Raises `Unauthenticated` and `NotPermitted`.
        """
        if not is_here:
            platform_admin(actor)
        return await self.kept.newest(to=to, limit=limit)
