"""Events of providers: stored before they are answered, and handled once."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from booking_system.payments.application.ports import Inbox
from booking_system.payments.application.provider_port import Provider
from booking_system.shared_kernel.clock import Clock

LATEST_MATCH = timedelta(hours=1)
"""An event whose payment is not there by then is about nothing of ours."""
AT_A_TIME = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeEvent:
    """A webhook came. Its signature is looked at before anything else, by the provider's adapter.

    Nothing of it is believed but that something may have changed: the payment is looked at.
    """

    inbox: Inbox
    clock: Clock

    async def __call__(self, provider: Provider, body: bytes, headers: Mapping[str, str]) -> None:
        """Keep it, durably. Raises `InvalidEvent`, and `ProviderUnsure`, then come again."""
        now = self.clock.now()
        hint = await provider.hint(body, headers, now=now)
        await self.inbox.store(provider.account, hint, body, now=now)


@dataclass(frozen=True, slots=True, kw_only=True)
class HandleEvents:
    """Has the payments looked at that events are about.

    An event counts as handled when the look is planned, in one transaction; until then it comes
    again, also behind a crash. One may come before its payment knows its reference.
    """

    inbox: Inbox
    clock: Clock

    async def __call__(self) -> int:
        """Return how many are handled now."""
        handled = 0
        latest = self.clock.now() - LATEST_MATCH
        for event_id in await self.inbox.waiting(most=AT_A_TIME, before=latest):
            now = self.clock.now()
            is_done = await self.inbox.match(event_id, now=now)
            if not is_done:
                is_done = await self.inbox.give_up(event_id, before=now - LATEST_MATCH, now=now)
            handled += is_done
        return handled
