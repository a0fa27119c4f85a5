"""Looks at an account when it is stored, so that its owner hears of a mistake at once."""

import asyncio
from dataclasses import dataclass

from booking_system.notifications.adapters.own_channels.making import has_amazon
from booking_system.notifications.domain.own_channel import Account, Provider
from booking_system.platform.outward.connecting import CheckedAddresses, NotConnectedError
from booking_system.platform.ticket import waiting_elsewhere
from booking_system.shared_kernel.errors import Invalid

SECONDS = 1.0
PORTS = frozenset({25, 465, 587, 2525})
"""Of mail; at others something else may listen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountCheck:
    """What counts is the look when it is connected to; this one is for people."""

    addresses: CheckedAddresses

    async def __call__(self, account: Account) -> None:
        """Raise `Invalid`."""
        if account.provider in {Provider.SES, Provider.SNS} and not has_amazon():
            detail = "cannot be used: this installation has no botocore"
            raise Invalid.field(f"/{account.provider}", detail, "provider_not_available")
        if account.provider is Provider.SMTP:
            await self._check_host(account)

    async def _check_host(self, account: Account) -> None:
        target = account.target
        if not self.addresses.allow_private:
            if target["security"] == "none":
                detail = "must be tls or starttls: the login would be readable by others"
                raise Invalid.field("/smtp/security", detail, "encryption_needed")
            if target["port"] not in PORTS:
                detail = f"must be one of {', '.join(map(str, sorted(PORTS)))}"
                raise Invalid.field("/smtp/port", detail, "port_not_allowed")
        try:
            with waiting_elsewhere():
                async with asyncio.timeout(SECONDS):
                    await self.addresses(target["host"], target["port"])
        except TimeoutError:
            return
        except NotConnectedError as error:
            if error.code == "blocked_address":
                detail = "leads to an address that is not on the public internet"
                raise Invalid.field("/smtp/host", detail, "address_not_allowed") from None
