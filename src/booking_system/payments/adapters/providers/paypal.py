"""PayPal: orders that a payer agrees to on PayPal's page, and that are captured afterwards."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import orjson

from booking_system.payments.adapters.providers.accounts import PayPalAccount
from booking_system.payments.adapters.providers.paypal_calls import (
    PayPalCalls,
    PayPalWay,
    one_call,
)
from booking_system.payments.adapters.providers.paypal_certificates import PayPalCertificates
from booking_system.payments.adapters.providers.paypal_hints import PayPalEvents
from booking_system.payments.adapters.providers.paypal_sightings import (
    LIFE,
    captures_of,
    checkout_url_of,
    dispute_of,
    refund_of,
    sighting_of,
)
from booking_system.payments.adapters.providers.reading import (
    below,
    log,
    members,
    moment_of,
    needed,
    text_of,
)
from booking_system.payments.application.provider_port import (
    Checkout,
    CheckoutAsked,
    Hint,
    ProviderBusy,
    ProviderGone,
    ProviderRefused,
    ProviderUnsure,
    RefundAsked,
)
from booking_system.payments.domain.amounts import PAYPAL, InexpressibleAmount
from booking_system.payments.domain.sighting import Account, SeenDispute, SeenRefund, Sighting
from booking_system.shared_kernel.money import Money

KEYS_OF_ORDERS = timedelta(hours=6)
"""So long PayPal knows the key of an order; then the same key would make another."""
SURE = timedelta(hours=1)
"""Less than that, for the time that a request is under way."""
LONGEST_TITLE = 127
CONFIRMS = "/v1/notifications/verify-webhook-signature"
READ_INSTEAD = {"ORDER_ALREADY_CAPTURED", "ORDER_COMPLETION_IN_PROGRESS", "ORDER_NOT_APPROVED"}
"""Refusals of a capture after which the order itself says what is."""
MAY_BE_OURS = {"CAPTURE_FULLY_REFUNDED", "REFUND_AMOUNT_EXCEEDED"}
"""Refusals of a refund whose cause may be that it was made already."""


class PayPalProvider:
    """One account at PayPal."""

    def __init__(
        self, account: PayPalAccount, *, way: PayPalWay, certificates: PayPalCertificates
    ) -> None:
        """`way` and `certificates` are shared by all accounts, and closed by their owner."""
        self._account = account
        self._clock = way.clock
        self._calls = PayPalCalls(account, way=way)
        self._events = PayPalEvents(
            account=account, certificates=certificates, confirm=self._is_confirmed
        )

    @property
    def account(self) -> Account:
        """Whose money it is."""
        return self._account.account

    async def create(self, asked: CheckoutAsked) -> Checkout:
        """Make an order, which has no embedded form: the payer is sent to PayPal's page.

        When its key may be forgotten nothing is made any more: what was made then has run out.
        """
        body = self._order(asked)
        if self._is_forgotten(asked):
            raise ProviderRefused("too_late")
        async with one_call():
            order = await self._calls.post("/v2/checkout/orders", body, key=asked.key)
        created = moment_of(order.get("create_time"))
        return Checkout(
            reference=needed(order, "id"),
            ends_at=None if created is None else created + LIFE,
            checkout_url=checkout_url_of(order),
        )

    async def find(self, asked: CheckoutAsked) -> Sighting | None:
        """Ask with the same key, which is answered with what the order is by now.

        None after hours: an order that nobody approved by then has run out, and none is money that
        was not captured here.
        """
        if self._is_forgotten(asked):
            return None
        return await self.read((await self.create(asked)).reference)

    async def read(self, reference: str) -> Sighting:
        """Read the order with its captures and refunds, and complaints about them."""
        async with one_call():
            return await self._seen(reference)

    async def end(self, reference: str) -> Sighting:
        """Read it: PayPal ends orders by itself, and takes no money that is not captured."""
        return await self.read(reference)

    async def capture(self, reference: str, *, key: str) -> Sighting:
        """Capture the order, then read it: that it is completed does not make it money."""
        path = f"/v2/checkout/orders/{quote(reference, safe='')}/capture"
        async with one_call():
            try:
                await self._calls.post(path, {}, key=key)
            except ProviderRefused as refusal:
                if refusal.reason not in READ_INSTEAD:
                    raise
            return await self._seen(reference)

    async def refund(self, asked: RefundAsked) -> SeenRefund:
        """Refund a capture. PayPal knows the key for 45 days."""
        body = {
            "amount": _written(asked.amount),
            "custom_id": asked.our_id,
            "invoice_id": asked.our_id,
        }
        path = f"/v2/payments/captures/{quote(asked.charge_id, safe='')}/refund"
        async with one_call():
            try:
                told = await self._calls.post(path, body, key=asked.key)
            except ProviderRefused as refusal:
                if refusal.reason not in MAY_BE_OURS:
                    raise
                seen = await self._seen(asked.reference)
                made = next((one for one in seen.refunds if one.our_id == asked.our_id), None)
                if made is None:
                    raise
                return made
            if "amount" not in told:
                # The answer of a key that was used before may be the short one.
                told = await self._calls.get(f"/v2/payments/refunds/{needed(told, 'id')}")
        return refund_of(told, asked.charge_id)

    async def locate(self, charge_id: str) -> str | None:
        """Ask for the capture, which knows its order."""
        async with one_call():
            try:
                told = await self._calls.get(f"/v2/payments/captures/{quote(charge_id, safe='')}")
            except ProviderGone:
                return None
        return text_of(below(told, "supplementary_data", "related_ids"), "order_id")

    async def hint(self, body: bytes, headers: Mapping[str, str], *, now: datetime) -> Hint:
        """Read a webhook; for its certificate PayPal may be asked."""
        return await self._events.hint(body, headers, now=now)

    async def _is_confirmed(self, body: bytes, headers: Mapping[str, str], webhook_id: str) -> bool:
        """Ask PayPal whether it sent this; the body has to come back byte for byte."""
        told = {
            "auth_algo": headers["paypal-auth-algo"],
            "cert_url": headers["paypal-cert-url"],
            "transmission_id": headers["paypal-transmission-id"],
            "transmission_sig": headers["paypal-transmission-sig"],
            "transmission_time": headers["paypal-transmission-time"],
            "webhook_id": webhook_id,
        }
        content = orjson.dumps(told)[:-1] + b',"webhook_event":' + body + b"}"
        async with one_call():
            try:
                answer = await self._calls.send(CONFIRMS, content)
            except (ProviderBusy, ProviderRefused) as error:
                raise ProviderUnsure(f"PayPal does not say whether it sent it: {error}") from None
        return answer.get("verification_status") == "SUCCESS"

    def _is_forgotten(self, asked: CheckoutAsked) -> bool:
        return self._clock.now() > asked.asked_at + KEYS_OF_ORDERS - SURE

    def _order(self, asked: CheckoutAsked) -> Mapping[str, Any]:
        return {
            "intent": "CAPTURE",
            "purchase_units": [
                {
                    "amount": _written(asked.amount),
                    "description": asked.title[:LONGEST_TITLE],
                    "custom_id": asked.our_id,
                    "invoice_id": asked.our_id,
                }
            ],
            "payment_source": {
                "paypal": {
                    "experience_context": {
                        "payment_method_preference": "IMMEDIATE_PAYMENT_REQUIRED",
                        "shipping_preference": "NO_SHIPPING",
                        "user_action": "PAY_NOW",
                        "locale": asked.language,
                        "return_url": asked.return_url,
                        "cancel_url": asked.cancel_url,
                    }
                }
            },
        }

    async def _seen(self, reference: str) -> Sighting:
        order = await self._calls.get(f"/v2/checkout/orders/{quote(reference, safe='')}")
        disputes: list[SeenDispute] = []
        for capture in captures_of(order):
            disputes += await self._disputes(needed(capture, "id"))
        return sighting_of(order, self.account, disputes)

    async def _disputes(self, charge_id: str) -> list[SeenDispute]:
        path = "/v1/customer/disputes"
        try:
            told = await self._calls.get(path, {"disputed_transaction_id": charge_id})
            found = [needed(one, "dispute_id") for one in members(told, "items")]
            return [
                dispute_of(await self._calls.get(f"{path}/{quote(one, safe='')}"), charge_id)
                for one in found
            ]
        except ProviderGone:
            return []
        except ProviderRefused as refusal:
            # The account's application needs a right of its own for that.
            log.warning("paypal_shows_no_disputes", reason=refusal.reason)
            return []


def _written(money: Money) -> Mapping[str, str]:
    try:
        return {"currency_code": money.currency, "value": PAYPAL.written(money)}
    except InexpressibleAmount as error:
        raise ProviderRefused(error.reason) from None
