"""An emulator of PayPal: orders, captures, refunds, complaints.

Requests and answers are held against PayPal's own description. Events are signed as PayPal signs,
by a certificate of an authority of tests.
"""

import base64
import json
import zlib
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from tests.payments.emulators.certificates import NAME, Certified, certified
from tests.payments.emulators.loopback import Answer, Call, Delivery, Emulator, Hands, as_json
from tests.payments.emulators.paypal_contract import (
    CONFIRMS,
    answer_faults,
    event_faults,
    issues,
    request_faults,
)

ORDERS_LIVE = timedelta(hours=3)
ORDER_KEYS, REFUND_KEYS = timedelta(hours=6), timedelta(days=45)
CERTIFICATES = "/v1/notifications/certs/"
CERTIFICATE_URL = f"https://api.sandbox.paypal.com{CERTIFICATES}CERT-360caa42-fca2a594-1d93a270"
WITHOUT_DECIMALS = {"HUF", "JPY", "TWD"}
ID_PLACES = {"orders", "captures", "refunds", "disputes", "webhooks"}


class Refused(Exception):
    """An error of PayPal's."""

    def __init__(self, status: int, issue: str, name: str = "UNPROCESSABLE_ENTITY") -> None:
        super().__init__(issue)
        self.status, self.issue = status, issue
        self.body = {
            "name": name,
            "message": "about jane@example.org",
            "debug_id": "f00",
            "details": [{"issue": issue, "description": "about jane@example.org"}],
        }


@dataclass(slots=True)
class _Kept:
    until: Any
    reference: str


class PayPalEmulator(Emulator):
    """One account at PayPal."""

    def __init__(
        self,
        clock: Hands | None = None,
        *,
        client_id: str = "client-emulator",
        client_secret: str = "secret-emulator",
        webhook_id: str = "8PT597110X687430LKGECATA",
    ) -> None:
        super().__init__(clock)
        self.client_id, self.client_secret, self.webhook_id = client_id, client_secret, webhook_id
        self.certificate: Certified = certified(NAME)
        self.orders: dict[str, dict[str, Any]] = {}
        self.refunds: dict[str, dict[str, Any]] = {}
        self.disputes: dict[str, dict[str, Any]] = {}
        self.webhooks: dict[str, dict[str, Any]] = {}
        """By their ids; an account of tests begins without any."""
        self.tokens: dict[str, Any] = {}
        self.token_seconds = 32_400
        self.may_see_disputes = True
        self.denies = False
        """Asked whether it sent an event, it says no."""
        self.invoices_are_unique = True
        self.approves_at_once = False
        """Payers agree before the answer to what made their order is on its way."""
        self.next_capture: dict[str, Any] = {"status": "COMPLETED"}
        """What captures are from now on, such as `{"status": "PENDING"}`."""
        self.next_refund: dict[str, Any] = {"status": "COMPLETED"}
        self._kept: dict[str, _Kept] = {}
        self._declines: list[str] = []

    # What payers and others do.

    def approve(self, reference: str) -> None:
        """The payer agrees; nothing moves."""
        order = self._order(reference)
        order |= {"status": "APPROVED", "update_time": self._time()}
        self._event("CHECKOUT.ORDER.APPROVED", "checkout-order", order)

    pay = approve

    def decline(self, issue: str = "INSTRUMENT_DECLINED") -> None:
        """The next capture is refused for this."""
        self._declines.append(issue)

    def expire(self, reference: str) -> None:
        """The order runs out, and is forgotten."""
        del self.orders[reference]

    def turn_capture(self, reference: str, status: str, reason: str | None = None) -> None:
        """A capture that was pending comes or fails."""
        (capture,) = self._captures(self.orders[reference])
        capture |= {"status": status, "update_time": self._time()}
        capture.pop("status_details", None)
        if reason is not None:
            capture["status_details"] = {"reason": reason}
        kind = {"COMPLETED": "COMPLETED", "PENDING": "PENDING"}.get(status, "DENIED")
        self._event(f"PAYMENT.CAPTURE.{kind}", "capture", self._told_capture(capture))

    def refund_in_dashboard(self, reference: str, value: str | None = None) -> str:
        """Staff give money back in PayPal's own pages."""
        (capture,) = self._captures(self.orders[reference])
        amount = {**capture["amount"], **({"value": value} if value else {})}
        return str(self._refund(capture, amount, {})["id"])

    def turn_refund(self, refund_id: str, status: str) -> None:
        """A refund becomes `COMPLETED`, `FAILED` or `CANCELLED` later."""
        refund = self.refunds[refund_id]
        refund |= {"status": status, "update_time": self._time()}
        kind = "PAYMENT.CAPTURE.REFUNDED" if status == "COMPLETED" else "PAYMENT.REFUND.FAILED"
        self._event(kind, "refund", refund)

    def dispute(self, reference: str, *, stage: str = "CHARGEBACK") -> str:
        """The payer complains; an `INQUIRY` holds no money."""
        (capture,) = self._captures(self.orders[reference])
        dispute = {
            "dispute_id": self._next("PP-D-"),
            "create_time": self._time(),
            "update_time": self._time(),
            "disputed_transactions": [{"seller_transaction_id": capture["id"]}],
            "reason": "MERCHANDISE_OR_SERVICE_NOT_RECEIVED",
            "status": "WAITING_FOR_SELLER_RESPONSE",
            "dispute_amount": dict(capture["amount"]),
            "dispute_life_cycle_stage": stage,
            "dispute_channel": "INTERNAL",
        }
        self.disputes[dispute["dispute_id"]] = dispute
        self._event("CUSTOMER.DISPUTE.CREATED", "dispute", dispute)
        return str(dispute["dispute_id"])

    def move(
        self,
        dispute_id: str,
        value: str,
        *,
        kind: str = "DEBIT",
        reason: str = "DISPUTE_SETTLEMENT",
    ) -> None:
        """A complaint takes money from the account, or gives it back."""
        dispute = self.disputes[dispute_id]
        dispute.setdefault("money_movements", []).append(
            {
                "affected_party": "SELLER",
                "amount": {**dispute["dispute_amount"], "value": value},
                "initiated_time": self._time(),
                "type": kind,
                "reason": reason,
            }
        )
        self._event("CUSTOMER.DISPUTE.UPDATED", "dispute", dispute)

    def resolve_dispute(self, dispute_id: str, outcome: str = "RESOLVED_SELLER_FAVOUR") -> None:
        """PayPal or the bank decides."""
        dispute = self.disputes[dispute_id]
        outcomes = {"dispute_outcome": {"outcome_code": outcome}, "update_time": self._time()}
        dispute |= {"status": "RESOLVED", **outcomes}
        self._event("CUSTOMER.DISPUTE.RESOLVED", "dispute", dispute)

    def listens(self, url: str, *kinds: str) -> None:
        """A webhook at this address, subscribed to these types, in PayPal's own pages."""
        self.webhooks[self.webhook_id] = {
            "id": self.webhook_id,
            "url": url,
            "event_types": [
                {"name": one, "description": "…", "status": "ENABLED", "resource_versions": ["2.0"]}
                for one in kinds
            ],
            "links": [self._link("self", f"/v1/notifications/webhooks/{self.webhook_id}")],
        }

    def revoke_tokens(self) -> None:
        """All tokens are taken back before their time."""
        self.tokens.clear()

    def signed(self, event: Mapping[str, Any], body: bytes | None = None) -> Delivery:
        """An event as it arrives."""
        body = as_json(event) if body is None else body
        headers = signature(
            body,
            self.certificate,
            transmission_id=self._next("69cd13f0-d67a-11e5-baa3-"),
            moment=self._time(),
            webhook_id=self.webhook_id,
        )
        return Delivery(str(event.get("id")), str(event.get("event_type")), body, headers)

    async def certificate_at(self, url: str) -> bytes:
        """What is at an address of PayPal's, without going there."""
        assert url.startswith("https://api")
        return self.certificate.pem

    # The protocol.

    def key_of(self, headers: Mapping[str, str]) -> str | None:
        return headers.get("paypal-request-id")

    def answer(self, call: Call) -> Answer:
        if call.path == "/v1/oauth2/token":
            return self._token(call)
        if call.path.startswith(CERTIFICATES):
            return Answer(200, self.certificate.pem)
        try:
            return self._answered(call)
        except Refused as refusal:
            place, _ = _place(call.path)
            if refusal.status == 422 and refusal.issue not in issues(call.method, place):
                self.faults.append(f"{call.what}: {refusal.issue} is no issue of PayPal's")
            return Answer(refusal.status, as_json(refusal.body))

    def _token(self, call: Call) -> Answer:
        pair = f"{self.client_id}:{self.client_secret}".encode()
        login = f"Basic {base64.b64encode(pair).decode()}"
        if parse_qs(call.body.decode()) != {"grant_type": ["client_credentials"]}:
            return Answer(400, as_json({"error": "unsupported_grant_type"}))
        if call.headers.get("authorization") != login:
            return Answer(401, as_json({"error": "invalid_client", "error_description": "jane"}))
        token = f"{self._next('A21AA')}{'x' * 700}"
        self.tokens[token] = self.clock.now() + timedelta(seconds=self.token_seconds)
        told = {
            "scope": "https://uri.paypal.com/services/payments/payment",
            "access_token": token,
            "token_type": "Bearer",
            "app_id": "APP-1",
            "expires_in": self.token_seconds,
            "nonce": "2027",
        }
        return Answer(200, as_json(told))

    def _answered(self, call: Call) -> Answer:
        token = call.headers.get("authorization", "").removeprefix("Bearer ")
        if token not in self.tokens or self.tokens[token] <= self.clock.now():
            raise Refused(401, "AUTHENTICATION_FAILURE", "AUTHENTICATION_FAILURE")
        place, reference = _place(call.path)
        body = json.loads(call.body) if call.body else None
        given = {"header": dict(call.headers), "query": dict(call.query)}
        found = request_faults(call.method, place, body, given)
        if found:
            self.faults += [f"{call.what}: {one}" for one in found]
            raise Refused(400, "INVALID_PARAMETER_SYNTAX", "INVALID_REQUEST")
        status, told = self._do(f"{call.method} {place}", call, reference, body)
        told = deepcopy(told)
        self.faults += [
            f"answer to {call.what}: {one}"
            for one in answer_faults(call.method, place, status, told)
        ]
        if call.path.startswith("/v2/") and call.method == "POST" and not _is_whole(call):
            told = {name: told[name] for name in ("id", "status", "links")}
        return Answer(status, as_json(told))

    def _do(self, what: str, call: Call, reference: str, body: Any) -> tuple[int, dict[str, Any]]:
        do: dict[str, Callable[[], tuple[int, dict[str, Any]]]] = {
            "POST /v2/checkout/orders": lambda: self._create(call, body),
            "GET /v2/checkout/orders/*": lambda: (200, self._order(reference)),
            "POST /v2/checkout/orders/*/capture": lambda: self._capture(call, reference),
            "GET /v2/payments/captures/*": lambda: (200, self._told_capture(self._of(reference))),
            "POST /v2/payments/captures/*/refund": lambda: self._refunded(call, reference, body),
            "GET /v2/payments/refunds/*": lambda: (200, self._known(self.refunds, reference)),
            f"POST {CONFIRMS}": lambda: (200, self._confirmed(call, body)),
            "GET /v1/notifications/webhooks/*": lambda: (
                200,
                self._known(self.webhooks, reference),
            ),
            "GET /v1/customer/disputes": lambda: (200, self._disputed(call)),
            "GET /v1/customer/disputes/*": lambda: (200, self._known(self.disputes, reference)),
        }
        return do[what]()

    def _create(self, call: Call, body: Any) -> tuple[int, dict[str, Any]]:
        kept = self._kept_for(call)
        if kept is not None:
            # Not a copy of the first answer, but what has become of it.
            return 200, self._order(kept.reference)
        (unit,) = body["purchase_units"]
        self._refuse_amount(unit["amount"])
        if self.invoices_are_unique and self._has_invoice(unit["invoice_id"]):
            raise Refused(422, "DUPLICATE_INVOICE_ID")
        order_id = self._next("5O19012")
        order = {
            "id": order_id,
            "intent": body["intent"],
            "status": "PAYER_ACTION_REQUIRED",
            "payment_source": {"paypal": {}},
            "purchase_units": [
                {"reference_id": "default", **unit, "payee": {"merchant_id": "7BPSLKK5YWMLN"}}
            ],
            "create_time": self._time(),
            "links": [
                self._link("self", f"/v2/checkout/orders/{order_id}"),
                {
                    "href": f"https://www.sandbox.paypal.com/checkoutnow?token={order_id}",
                    "rel": "payer-action",
                    "method": "GET",
                },
            ],
        }
        self.orders[order_id] = order
        self._keep(call, order_id, ORDER_KEYS)
        made = deepcopy(order)
        if self.approves_at_once:
            self.approve(order_id)
        return 201, made

    def _capture(self, call: Call, reference: str) -> tuple[int, dict[str, Any]]:
        order = self._order(reference)
        if self._kept_for(call) is not None:
            return 200, order
        if order["status"] == "COMPLETED":
            raise Refused(422, "ORDER_ALREADY_CAPTURED")
        if order["status"] != "APPROVED":
            raise Refused(422, "ORDER_NOT_APPROVED")
        if self._declines:
            order["status"] = "PAYER_ACTION_REQUIRED"
            raise Refused(422, self._declines.pop(0))
        (unit,) = order["purchase_units"]
        capture_id = self._next("3C67936")
        capture = {
            "id": capture_id,
            "amount": {name: unit["amount"][name] for name in ("currency_code", "value")},
            "custom_id": unit["custom_id"],
            "invoice_id": unit["invoice_id"],
            "final_capture": True,
            "create_time": self._time(),
            "update_time": self._time(),
            "links": [
                self._link("self", f"/v2/payments/captures/{capture_id}"),
                self._link("up", f"/v2/checkout/orders/{reference}"),
            ],
            **self.next_capture,
        }
        unit["payments"] = {"captures": [capture]}
        order |= {"status": "COMPLETED", "update_time": self._time()}
        self._keep(call, reference, ORDER_KEYS)
        kind = {"COMPLETED": "COMPLETED", "PENDING": "PENDING"}.get(capture["status"], "DECLINED")
        self._event(f"PAYMENT.CAPTURE.{kind}", "capture", self._told_capture(capture))
        return 201, order

    def _refunded(self, call: Call, capture_id: str, body: Any) -> tuple[int, dict[str, Any]]:
        capture, kept = self._of(capture_id), self._kept_for(call)
        if kept is not None:
            return 201, self.refunds[kept.reference]
        if capture["status"] == "PENDING":
            raise Refused(422, "PENDING_CAPTURE")
        if any(one["status"] != "RESOLVED" for one in self._disputes_of(capture_id)):
            raise Refused(422, "TRANSACTION_DISPUTED")
        self._refuse_amount(body["amount"])
        back = sum(_number(one) for one in self.refunds.values() if _is_of(one, capture_id))
        if back == _number(capture):
            raise Refused(422, "CAPTURE_FULLY_REFUNDED")
        if back + _number(body) > _number(capture):
            raise Refused(422, "REFUND_AMOUNT_EXCEEDED")
        given = {name: body[name] for name in ("custom_id", "invoice_id")}
        refund = self._refund(capture, body["amount"], given)
        self._keep(call, refund["id"], REFUND_KEYS)
        return 201, refund

    def _confirmed(self, call: Call, told: Mapping[str, str]) -> dict[str, str]:
        """Over the bytes that stand in the request: to read and write them again breaks it."""
        _, _, rest = call.body.partition(b'"webhook_event":')
        names = ("transmission_id", "transmission_time", "webhook_id")
        text = "|".join([*(told[name] for name in names), str(zlib.crc32(rest[:-1]))])
        key = self.certificate.key.public_key()
        assert isinstance(key, RSAPublicKey)
        given = base64.b64decode(told["transmission_sig"])
        try:
            key.verify(given, text.encode(), PKCS1v15(), SHA256())
        except InvalidSignature:
            return {"verification_status": "FAILURE"}
        is_ours = told["webhook_id"] == self.webhook_id and not self.denies
        return {"verification_status": "SUCCESS" if is_ours else "FAILURE"}

    def _disputed(self, call: Call) -> dict[str, Any]:
        if not self.may_see_disputes:
            raise Refused(403, "PERMISSION_DENIED", "NOT_AUTHORIZED")
        names = (
            "dispute_id create_time update_time reason status dispute_amount"
            " dispute_life_cycle_stage dispute_channel"
        )
        found = self._disputes_of(call.query["disputed_transaction_id"])
        items = [{name: one[name] for name in names.split()} for one in found]
        links = [self._link("self", "/v1/customer/disputes")]
        return {"items": items, "links": links} if items else {"links": links}

    # What it keeps.

    def _time(self) -> str:
        return self.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")

    def _link(self, rel: str, path: str) -> dict[str, str]:
        return {"href": f"https://api.sandbox.paypal.com{path}", "rel": rel, "method": "GET"}

    def _kept_for(self, call: Call) -> _Kept | None:
        kept = self._kept.get(f"{call.what}?{call.key}")
        return kept if kept is not None and kept.until > self.clock.now() else None

    def _keep(self, call: Call, reference: str, life: timedelta) -> None:
        self._kept[f"{call.what}?{call.key}"] = _Kept(self.clock.now() + life, reference)

    def _known(self, kept: Mapping[str, dict[str, Any]], reference: str) -> dict[str, Any]:
        if reference not in kept:
            raise Refused(404, "INVALID_RESOURCE_ID", "RESOURCE_NOT_FOUND")
        return kept[reference]

    def _order(self, reference: str) -> dict[str, Any]:
        order = self._known(self.orders, reference)
        ends = _moment(order) + ORDERS_LIVE
        if order["status"] != "COMPLETED" and self.clock.now() >= ends:
            raise Refused(404, "INVALID_RESOURCE_ID", "RESOURCE_NOT_FOUND")
        return order

    def _captures(self, order: Mapping[str, Any]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = order["purchase_units"][0].get("payments", {})["captures"]
        return found

    def _of(self, capture_id: str) -> dict[str, Any]:
        for order in self.orders.values():
            payments = order["purchase_units"][0].get("payments", {})
            for capture in payments.get("captures", ()):
                if capture["id"] == capture_id:
                    found: dict[str, Any] = capture
                    return found
        raise Refused(404, "INVALID_RESOURCE_ID", "RESOURCE_NOT_FOUND")

    def _order_of(self, capture_id: str) -> dict[str, Any]:
        ids = {one["id"]: order for order in self.orders.values() for one in self._taken(order)}
        return ids[capture_id]

    def _taken(self, order: Mapping[str, Any]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (
            order["purchase_units"][0].get("payments", {}).get("captures", [])
        )
        return found

    def _told_capture(self, capture: Mapping[str, Any]) -> dict[str, Any]:
        order_id = self._order_of(capture["id"])["id"]
        return {**capture, "supplementary_data": {"related_ids": {"order_id": order_id}}}

    def _disputes_of(self, capture_id: str) -> list[dict[str, Any]]:
        return [
            one
            for one in self.disputes.values()
            if one["disputed_transactions"][0]["seller_transaction_id"] == capture_id
        ]

    def _has_invoice(self, invoice_id: str) -> bool:
        units = [order["purchase_units"][0] for order in self.orders.values()]
        return any(one["invoice_id"] == invoice_id and "payments" in one for one in units)

    def _refuse_amount(self, amount: Mapping[str, str]) -> None:
        whole, _, decimals = amount["value"].partition(".")
        if amount["currency_code"] in WITHOUT_DECIMALS and decimals:
            raise Refused(422, "DECIMALS_NOT_SUPPORTED")
        if len(decimals) > 2:
            raise Refused(422, "DECIMAL_PRECISION")
        assert whole.isdigit()

    def _refund(
        self, capture: dict[str, Any], amount: Mapping[str, str], given: Mapping[str, str]
    ) -> dict[str, Any]:
        refund_id = self._next("1JU0860")
        refund = {
            "id": refund_id,
            "amount": dict(amount),
            "create_time": self._time(),
            "update_time": self._time(),
            "links": [
                self._link("self", f"/v2/payments/refunds/{refund_id}"),
                self._link("up", f"/v2/payments/captures/{capture['id']}"),
            ],
            **given,
            **self.next_refund,
        }
        self.refunds[refund_id] = refund
        order = self._order_of(capture["id"])
        order["purchase_units"][0]["payments"].setdefault("refunds", []).append(refund)
        back = sum(_number(one) for one in self.refunds.values() if _is_of(one, capture["id"]))
        is_all = back == _number(capture)
        capture["status"] = "REFUNDED" if is_all else "PARTIALLY_REFUNDED"
        is_done = refund["status"] == "COMPLETED"
        kind = "PAYMENT.CAPTURE.REFUNDED" if is_done else "PAYMENT.REFUND.PENDING"
        self._event(kind, "refund", refund)
        return refund

    def _event(self, kind: str, resource_type: str, resource: Mapping[str, Any]) -> None:
        event = {
            "id": self._next("WH-2WR32451HC0233532-"),
            "event_version": "1.0",
            "create_time": self._time(),
            "resource_type": resource_type,
            "resource_version": "2.0",
            "event_type": kind,
            "summary": "Es ist etwas geschehen: für 1.0 €",
            "resource": deepcopy(dict(resource)),
            "links": [],
        }
        self.faults += [f"{kind}: {one}" for one in event_faults(event)]
        self._deliveries.append(self.signed(event))


def signature(
    body: bytes,
    by: Certified,
    *,
    transmission_id: str,
    moment: str,
    webhook_id: str,
    url: str = CERTIFICATE_URL,
) -> dict[str, str]:
    """The headers with which PayPal sends `body`."""
    text = f"{transmission_id}|{moment}|{webhook_id}|{zlib.crc32(body)}"
    assert isinstance(by.key, RSAPrivateKey)
    made = by.key.sign(text.encode(), PKCS1v15(), SHA256())
    return {
        "paypal-transmission-id": transmission_id,
        "paypal-transmission-time": moment,
        "paypal-transmission-sig": base64.b64encode(made).decode(),
        "paypal-cert-url": url,
        "paypal-auth-algo": "SHA256withRSA",
    }


def _is_whole(call: Call) -> bool:
    return call.headers.get("prefer") == "return=representation"


def _place(path: str) -> tuple[str, str]:
    """The path with a star for the id in it, and that id."""
    parts = path.split("/")
    for n, part in enumerate(parts[:-1]):
        if part in ID_PLACES and parts[n + 1]:
            reference, parts[n + 1] = parts[n + 1], "*"
            return "/".join(parts), reference
    return path, ""


def _number(told: Mapping[str, Any]) -> int:
    if told.get("status") in {"FAILED", "CANCELLED"}:
        return 0
    return round(float(told["amount"]["value"]) * 100)


def _is_of(refund: Mapping[str, Any], capture_id: str) -> bool:
    return any(one["href"].endswith(f"/captures/{capture_id}") for one in refund["links"])


def _moment(order: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(order["create_time"])
