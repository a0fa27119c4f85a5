"""Looks at an account at PayPal itself."""

from collections.abc import Sequence
from contextlib import suppress
from urllib.parse import quote

from booking_system.payments.adapters.providers.accounts import PayPalAccount
from booking_system.payments.adapters.providers.looks import Endpoint
from booking_system.payments.adapters.providers.paypal_calls import (
    PayPalCalls,
    PayPalWay,
    one_call,
)
from booking_system.payments.adapters.providers.reading import members, text_of, words_of
from booking_system.payments.application.provider_port import ProviderGone

WEBHOOKS = "/v1/notifications/webhooks"


class PayPalLook:
    """One account at PayPal."""

    def __init__(self, account: PayPalAccount, *, way: PayPalWay) -> None:
        """`way` is shared by all accounts, and closed by its owner."""
        self._account = account
        self._calls = PayPalCalls(account, way=way)

    async def name(self) -> str | None:
        """Have a token made: only the right secret gets one, and it is the client's own."""
        async with one_call():
            await self._calls.sign_in()
        return self._account.client_id

    async def endpoints(self) -> Sequence[Endpoint]:
        """Ask for each webhook that the account names; those that PayPal does not know are none."""
        found = []
        async with one_call():
            for webhook_id in self._account.webhook_ids:
                with suppress(ProviderGone):
                    told = await self._calls.get(f"{WEBHOOKS}/{quote(webhook_id, safe='')}")
                    names = (text_of(one, "name") for one in members(told, "event_types"))
                    found.append(
                        Endpoint(
                            name=webhook_id,
                            url=words_of(told, "url"),
                            events=frozenset(name for name in names if name),
                        )
                    )
        return found
