"""Looks at an address when it is stored, so that its owner hears of a mistake at once."""

import asyncio
from dataclasses import dataclass

from booking_system.platform.outward.connecting import CheckedAddresses, NotConnectedError
from booking_system.platform.ticket import waiting_elsewhere
from booking_system.shared_kernel.errors import Invalid
from booking_system.webhooks.domain.target import Target

SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class UrlCheck:
    """A name that leads nowhere yet may do so later: just what leads inside is refused."""

    addresses: CheckedAddresses

    async def __call__(self, url: str) -> None:
        """Raise `Invalid`."""
        target = Target.of(url, allow_private=self.addresses.allow_private)
        try:
            with waiting_elsewhere():
                async with asyncio.timeout(SECONDS):
                    await self.addresses(target.host, target.port)
        except TimeoutError:
            return
        except NotConnectedError as error:
            if error.code == "blocked_address":
                detail = "leads to an address that is not on the public internet"
                raise Invalid.field("/url", detail, "address_not_allowed") from None
