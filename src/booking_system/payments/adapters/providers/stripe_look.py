"""Looks at an account at Stripe itself."""

from collections.abc import Sequence
from contextlib import suppress

from booking_system.payments.adapters.providers.accounts import StripeAccount
from booking_system.payments.adapters.providers.looks import Endpoint
from booking_system.payments.adapters.providers.reading import (
    id_of,
    needed,
    text_of,
    texts_of,
    words_of,
)
from booking_system.payments.adapters.providers.stripe_calls import (
    NotForThisKey,
    StripeWay,
    all_told,
    first_told,
    one_call,
    told,
)

ENABLED = "enabled"
PAGE = 100


class StripeLook:
    """One account at Stripe."""

    def __init__(self, account: StripeAccount, *, way: StripeWay) -> None:
        """`way` is shared by all accounts, and closed by its owner."""
        self._client = way.client(account)

    async def name(self) -> str | None:
        """Ask for the account; a restricted key may not, but may see what is paid by it."""
        async with one_call():
            with suppress(NotForThisKey):
                return id_of(await told(self._client.v1.accounts.retrieve_current_async()))
            await first_told(self._client.v1.checkout.sessions.list_async({"limit": 1}))
        return None

    async def endpoints(self) -> Sequence[Endpoint]:
        """List the account's webhook endpoints."""
        async with one_call():
            found = await all_told(self._client.v1.webhook_endpoints.list_async({"limit": PAGE}))
        return [
            Endpoint(
                name=needed(one, "id"),
                url=words_of(one, "url"),
                events=frozenset(texts_of(one.get("enabled_events"))),
                is_on=text_of(one, "status") == ENABLED,
            )
            for one in found
        ]
