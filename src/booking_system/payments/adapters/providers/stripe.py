"""Stripe: Checkout Sessions, on a page of Stripe's or embedded in one of a clinic's."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from stripe.params.checkout import SessionCreateParams

from booking_system.payments.adapters.providers.accounts import StripeAccount
from booking_system.payments.adapters.providers.reading import (
    below,
    id_of,
    needed,
    seconds_of,
    text_of,
    words_of,
)
from booking_system.payments.adapters.providers.stripe_calls import (
    OtherParameters,
    SavedFailure,
    StripeWay,
    all_told,
    first_told,
    one_call,
    told,
)
from booking_system.payments.adapters.providers.stripe_hints import hint_of
from booking_system.payments.adapters.providers.stripe_sightings import (
    OUR_REFUND,
    OURS,
    REFERENCE,
    Parts,
    refund_of,
    sighting_of,
)
from booking_system.payments.application.provider_port import (
    Checkout,
    CheckoutAsked,
    Hint,
    Presentation,
    ProviderRefused,
    RefundAsked,
)
from booking_system.payments.domain.amounts import STRIPE, InexpressibleAmount
from booking_system.payments.domain.sighting import Account, SeenRefund, Sighting
from booking_system.shared_kernel.money import Money

SHORTEST, LONGEST = timedelta(minutes=30), timedelta(hours=24)
"""What a session may live, by Stripe."""
CLOCKS = timedelta(minutes=5)
"""How far Stripe's clock may be from ours."""
LONGEST_TITLE = 250
PAGE = 100
_LOCALES = (
    "bg cs da de el en en-GB es es-419 et fi fil fr fr-CA hi-IN hr hu id it ja ko lt lv ms mt nb nl"
    " pl pt pt-BR ro ru sk sl sv th tr vi zh zh-HK zh-TW"
)
LOCALES = frozenset(_LOCALES.split())
"""Languages of Stripe's pages."""


class StripeProvider:
    """One account at Stripe."""

    def __init__(self, account: StripeAccount, *, way: StripeWay) -> None:
        """`way` is shared by all accounts, and closed by its owner."""
        self._account = account
        self._client = way.client(account)

    @property
    def account(self) -> Account:
        """Whose money it is."""
        return self._account.account

    async def create(self, asked: CheckoutAsked) -> Checkout:
        """Make a session, or find what was made.

        Stripe keeps its own failures under a key for a day, and refuses the key for parameters that
        changed: then the session is looked for before anything is said.
        """
        params = self._parameters(asked)
        async with one_call():
            try:
                session = await told(
                    self._client.v1.checkout.sessions.create_async(
                        params, {"idempotency_key": asked.key}
                    )
                )
            except (SavedFailure, OtherParameters, ProviderRefused):
                # Refused may be what was made long ago: its end has come too close meanwhile.
                found = await self._found(asked)
                if found is None:
                    raise
                session = found
        return self._checkout(session)

    async def find(self, asked: CheckoutAsked) -> Sighting | None:
        """Look among the sessions of that time; Stripe cannot be asked for an id of ours."""
        async with one_call():
            session = await self._found(asked)
            return None if session is None else await self._seen(needed(session, "id"))

    async def read(self, reference: str) -> Sighting:
        """Read the session, its payment intent's charges, refunds and disputes."""
        async with one_call():
            return await self._seen(reference)

    async def end(self, reference: str) -> Sighting:
        """Expire the session where it is open, then read what it is."""
        async with one_call():
            # Refused, it is not open any more, or is being paid: the reading says which.
            with suppress(ProviderRefused):
                await told(self._client.v1.checkout.sessions.expire_async(reference))
            return await self._seen(reference)

    async def capture(self, reference: str, *, key: str) -> Sighting:  # noqa: ARG002
        """Read it: Stripe takes money at once, so there is nothing to capture."""
        return await self.read(reference)

    async def refund(self, asked: RefundAsked) -> SeenRefund:
        """Make a refund of the charge, unless it is there.

        It is looked for first, since a key is forgotten after a day, and after a failure of
        Stripe's own, which it would repeat.
        """
        amount = _counted(asked.amount)
        async with one_call():
            if (made := await self._refunded(asked)) is not None:
                return made
            try:
                answer = await told(
                    self._client.v1.refunds.create_async(
                        {
                            "charge": asked.charge_id,
                            "amount": amount,
                            "metadata": {OUR_REFUND: asked.our_id, REFERENCE: asked.reference},
                        },
                        {"idempotency_key": asked.key},
                    )
                )
            except (SavedFailure, OtherParameters):
                if (made := await self._refunded(asked)) is None:
                    raise
                return made
        return refund_of(answer)

    async def locate(self, charge_id: str) -> str | None:
        """Ask for the charge, and for the session of its payment intent."""
        async with one_call():
            charge = await told(self._client.v1.charges.retrieve_async(charge_id))
            intent = id_of(charge.get("payment_intent"))
            needed(charge, "id")
            if intent is None:
                return None
            session = await first_told(
                self._client.v1.checkout.sessions.list_async({"payment_intent": intent})
            )
        return None if session is None else id_of(session)

    async def hint(self, body: bytes, headers: Mapping[str, str], *, now: datetime) -> Hint:
        """Read a webhook; nobody is asked for that."""
        return hint_of(body, headers, account=self._account, now=now)

    def _parameters(self, asked: CheckoutAsked) -> SessionCreateParams:
        ours = {OURS: asked.our_id}
        params: SessionCreateParams = {
            "mode": "payment",
            "client_reference_id": asked.our_id,
            "metadata": ours,
            "payment_intent_data": {"metadata": ours},
            "line_items": [
                {
                    "quantity": 1,
                    "price_data": {
                        "currency": asked.amount.currency.lower(),
                        "unit_amount": _counted(asked.amount),
                        "product_data": {"name": asked.title[:LONGEST_TITLE]},
                    },
                }
            ],
            "expires_at": int(asked.ends_at.timestamp()),
            "adaptive_pricing": {"enabled": False},
            "locale": _locale(asked.language),
        }
        if self._account.methods:
            params["allowed_payment_method_types"] = list(self._account.methods)
        if asked.presentation is Presentation.EMBEDDED:
            return {**params, "ui_mode": "embedded_page", "return_url": asked.return_url}
        return {
            **params,
            "ui_mode": "hosted_page",
            "success_url": asked.return_url,
            "cancel_url": asked.cancel_url,
        }

    def _checkout(self, session: Mapping[str, Any]) -> Checkout:
        secret = words_of(session, "client_secret")
        return Checkout(
            reference=needed(session, "id"),
            ends_at=seconds_of(session.get("expires_at")),
            checkout_url=words_of(session, "url"),
            client_secret=secret,
            publishable_key=self._account.publishable_key if secret else None,
        )

    async def _found(self, asked: CheckoutAsked) -> Mapping[str, Any] | None:
        earliest = max(asked.asked_at, asked.ends_at - LONGEST) - CLOCKS
        return await first_told(
            self._client.v1.checkout.sessions.list_async(
                {
                    "created": {
                        "gte": int(earliest.timestamp()),
                        "lte": int((asked.ends_at - SHORTEST + CLOCKS).timestamp()),
                    },
                    "limit": PAGE,
                }
            ),
            lambda session: _is_of(session, asked.our_id),
        )

    async def _seen(self, reference: str) -> Sighting:
        client = self._client.v1
        session = await told(
            client.checkout.sessions.retrieve_async(reference, {"expand": ["payment_intent"]})
        )
        intent = id_of(session.get("payment_intent"))
        if intent is None:
            return sighting_of(Parts(session=session), self.account)
        of_intent: Any = {"payment_intent": intent, "limit": PAGE}
        return sighting_of(
            Parts(
                session=session,
                charges=await all_told(client.charges.list_async(of_intent)),
                refunds=await all_told(client.refunds.list_async(of_intent)),
                disputes=await all_told(client.disputes.list_async(of_intent)),
            ),
            self.account,
        )

    async def _refunded(self, asked: RefundAsked) -> SeenRefund | None:
        made = await first_told(
            self._client.v1.refunds.list_async({"charge": asked.charge_id, "limit": PAGE}),
            lambda refund: text_of(below(refund, "metadata"), OUR_REFUND) == asked.our_id,
        )
        return None if made is None else refund_of(made)


def _is_of(session: Mapping[str, Any], our_id: str) -> bool:
    given = (text_of(session, "client_reference_id"), text_of(below(session, "metadata"), OURS))
    return our_id in given


def _counted(money: Money) -> int:
    try:
        return STRIPE.counted(money)
    except InexpressibleAmount as error:
        raise ProviderRefused(error.reason) from None


def _locale(language: str) -> Any:
    """Return a language of Stripe's pages; where there is none, they ask the browser."""
    plain = language.partition("-")[0]
    return next((one for one in (language, plain) if one in LOCALES), "auto")
