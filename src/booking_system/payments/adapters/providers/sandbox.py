"""A provider of our own that takes no money, for trying out: the same port, a page of ours.

What it keeps is kept by `SandboxBooks`; its webhooks are signed as Stripe's are, so that they go
the same way as those of others.
"""

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from urllib.parse import quote

import orjson

from booking_system.payments.adapters.providers.reading import object_in, text_of
from booking_system.payments.adapters.providers.sandbox_checkout import SandboxCheckout
from booking_system.payments.application.provider_port import (
    Checkout,
    CheckoutAsked,
    Hint,
    InvalidEvent,
    ProviderGone,
    ProviderRefused,
    RefundAsked,
)
from booking_system.payments.domain.sighting import Account, SeenRefund, Sighting
from booking_system.shared_kernel.clock import Clock

SANDBOX = Account("sandbox", "platform", is_live=False)
HEADER = "sandbox-signature"
TOLERANCE = 300
"""Seconds between the moment of a signature and ours, in both directions."""


class SandboxBooks(Protocol):
    """Keeps checkouts; each method is one transaction of its own."""

    async def keep(self, checkout: SandboxCheckout) -> SandboxCheckout:
        """Keep it, unless its key or its reference is there; return what is kept."""

    async def find(self, reference: str) -> SandboxCheckout | None:
        """Return it; None where there is none."""

    async def change(
        self, reference: str, change: Callable[[SandboxCheckout], SandboxCheckout]
    ) -> SandboxCheckout | None:
        """Put what `change` makes of it in its place, while nobody else changes it.

        What `change` raises goes on to the caller, and nothing is changed.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxProvider:
    """The sandbox of this installation.

    `page` is the address of its checkout page, without the reference behind it; `secret` signs its
    webhooks, and is known to nobody else.
    """

    books: SandboxBooks
    clock: Clock
    page: str
    secret: bytes

    @property
    def account(self) -> Account:
        """Nobody's money."""
        return SANDBOX

    async def create(self, asked: CheckoutAsked) -> Checkout:
        """Keep a checkout; the page is ours, whichever presentation is asked for."""
        wanted = SandboxCheckout.of(asked)
        kept = await self.books.keep(wanted)
        if (kept.key, kept.amount, kept.currency) != (wanted.key, wanted.amount, wanted.currency):
            raise ProviderRefused("key_in_use")
        return Checkout(
            reference=kept.reference,
            ends_at=kept.ends_at,
            checkout_url=self.page_of(kept.reference),
        )

    async def find(self, asked: CheckoutAsked) -> Sighting | None:
        """Look for it: its reference follows from what is asked."""
        kept = await self.books.find(SandboxCheckout.of(asked).reference)
        return None if kept is None else self._seen(kept)

    async def read(self, reference: str) -> Sighting:
        """Return it as it is kept."""
        return self._seen(_known(await self.books.find(reference)))

    async def end(self, reference: str) -> Sighting:
        """End it, where it is open."""
        return self._seen(_known(await self.books.change(reference, SandboxCheckout.ended)))

    async def capture(self, reference: str, *, key: str) -> Sighting:  # noqa: ARG002
        """Read it: money comes at once here."""
        return await self.read(reference)

    async def refund(self, asked: RefundAsked) -> SeenRefund:
        """Give money back, once for the same id of ours."""
        now = self.clock.now()
        kept = _known(
            await self.books.change(asked.reference, lambda one: one.refunded(asked, now))
        )
        refund = kept.refund_of(asked.our_id)
        assert refund is not None
        return kept.seen(refund)

    async def locate(self, charge_id: str) -> str | None:
        """Return the reference, which the id of a charge begins with."""
        reference, found, _ = charge_id.rpartition("_charge_")
        kept = await self.books.find(reference) if found else None
        return None if kept is None else kept.reference

    async def hint(self, body: bytes, headers: Mapping[str, str], *, now: datetime) -> Hint:
        """Read a webhook that `signed` has made. Raises `InvalidEvent`."""
        moment, found, given = headers.get(HEADER, "").partition(":")
        expected = _signature(self.secret, moment, body)
        if not found or not hmac.compare_digest(
            expected.encode(), given.encode("utf-8", "replace")
        ):
            raise InvalidEvent("the signature does not fit")
        if abs(now.timestamp() - int(moment)) > TOLERANCE:
            raise InvalidEvent("the moment of the signature is far from now")
        told = object_in(body) or {}
        event_id, kind = text_of(told, "id"), text_of(told, "type")
        if event_id is None or kind is None:
            raise InvalidEvent("an event without id or type")
        return Hint(
            event_id=event_id,
            kind=kind,
            is_live=False,
            reference=text_of(told, "reference"),
            our_id=text_of(told, "our_id"),
            account_key=SANDBOX.key,
        )

    def signed(
        self, event_id: str, kind: str, checkout: SandboxCheckout
    ) -> tuple[bytes, Mapping[str, str]]:
        """Return the body and the headers of a webhook about a checkout."""
        told = {
            "id": event_id,
            "type": kind,
            "reference": checkout.reference,
            "our_id": checkout.our_id,
        }
        body, moment = orjson.dumps(told), str(int(self.clock.now().timestamp()))
        return body, {HEADER: f"{moment}:{_signature(self.secret, moment, body)}"}

    def page_of(self, reference: str) -> str:
        """Return where a payer pays, or says how it fails."""
        return f"{self.page}/{quote(reference, safe='')}"

    def _seen(self, kept: SandboxCheckout) -> Sighting:
        return kept.sighting(SANDBOX, self.page_of(kept.reference), self.clock.now())


def _known(checkout: SandboxCheckout | None) -> SandboxCheckout:
    if checkout is None:
        raise ProviderGone("no_such_checkout")
    return checkout


def _signature(secret: bytes, moment: str, body: bytes) -> str:
    text = moment.encode("utf-8", "replace") + b"." + body
    return hmac.digest(secret, text, hashlib.sha256).hex()
