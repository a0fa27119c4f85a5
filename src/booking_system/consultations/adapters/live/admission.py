"""Admits to a room's socket by a ticket, and says as long as it is open who its party is."""

from dataclasses import dataclass
from typing import Any

from starlette.types import Scope

from booking_system.consultations.application.open_ticket import ConfirmParty, OpenTicket
from booking_system.platform.http.lives import Authority
from booking_system.shared_kernel.errors import Unauthenticated


@dataclass(slots=True, kw_only=True)
class TicketAdmission:
    """A ticket is offered as the subprotocol `ticket.<ticket>`."""

    open: OpenTicket
    confirm: ConfirmParty
    prefix: str = "ticket."

    async def admit(self, scope: Scope, ticket: str | None) -> Any:
        """Use the ticket up. Raises `Unauthenticated`, `NotPermitted`."""
        if ticket is None:
            raise Unauthenticated
        return await self.open(ticket, room_id=scope["path_params"]["room_id"])

    def authority(self, scope: Scope, ticket: str | None, caller: Any) -> Authority | None:
        """Ask for the session and the roles behind it, not for the ticket, which is used up."""
        del scope, ticket

        async def again() -> Any:
            return await self.confirm(caller)

        return None if caller.session_id is None else again
