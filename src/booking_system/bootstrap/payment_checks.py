"""What `booking-system check` asks providers of payments: whether they tell us all we need."""

from typing import TYPE_CHECKING

from booking_system.bootstrap import up
from booking_system.bootstrap.settings import Settings

if TYPE_CHECKING:
    from booking_system.payments.adapters.own_accounts.comparing import Compared


async def compared(settings: Settings) -> "Compared":
    """Ask about the accounts of the settings and of clinics, on a database that is up to date."""
    async with up.container_of(settings) as container:
        found: Compared = await container.payments.compare_endpoints()()
        return found
