"""An emulator of Stripe: Checkout Sessions, and what follows from them.

Requests are held against the parameter types of Stripe's own library, answers against its classes.
Events are signed as Stripe signs.
"""

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import stripe

from tests.payments.emulators.loopback import Answer, Call, Delivery, Emulator, Hands, as_json
from tests.payments.emulators.sdk_types import misfits, unknown_members

FIXTURES = Path(__file__).parents[1] / "contracts" / "stripe_fixtures.json"
VERSION = "2026-10-28.endive"
KEYS_LIVE = 24 * 3600
PARAMETERS = {
    "POST /v1/checkout/sessions": (
        "stripe.params.checkout._session_create_params",
        "SessionCreateParams",
    ),
    "GET /v1/checkout/sessions": (
        "stripe.params.checkout._session_list_params",
        "SessionListParams",
    ),
    "GET /v1/checkout/sessions/*": (
        "stripe.params.checkout._session_retrieve_params",
        "SessionRetrieveParams",
    ),
    "POST /v1/checkout/sessions/*/expire": (
        "stripe.params.checkout._session_expire_params",
        "SessionExpireParams",
    ),
    "POST /v1/refunds": ("stripe.params._refund_create_params", "RefundCreateParams"),
    "GET /v1/refunds": ("stripe.params._refund_list_params", "RefundListParams"),
    "GET /v1/charges": ("stripe.params._charge_list_params", "ChargeListParams"),
    "GET /v1/charges/*": ("stripe.params._charge_retrieve_params", "ChargeRetrieveParams"),
    "GET /v1/account": (
        "stripe.params._account_retrieve_current_params",
        "AccountRetrieveCurrentParams",
    ),
    "GET /v1/webhook_endpoints": (
        "stripe.params._webhook_endpoint_list_params",
        "WebhookEndpointListParams",
    ),
    "GET /v1/disputes": ("stripe.params._dispute_list_params", "DisputeListParams"),
}
CLASSES: dict[str, type] = {
    "account": stripe.Account,
    "webhook_endpoint": stripe.WebhookEndpoint,
    "balance_transaction": stripe.BalanceTransaction,
    "charge": stripe.Charge,
    "checkout.session": stripe.checkout.Session,
    "dispute": stripe.Dispute,
    "event": stripe.Event,
    "payment_intent": stripe.PaymentIntent,
    "refund": stripe.Refund,
}
LEAST = 30 * 60
MOST = 24 * 3600
ID_PLACES = {"sessions", "charges"}


class Refused(Exception):
    """An error of Stripe's."""

    def __init__(
        self, status: int, message: str, *, kind: str = "invalid_request_error", **more: str
    ) -> None:
        super().__init__(message)
        self.status = status
        self.error = {"message": message, "type": kind, **more}


@dataclass(slots=True)
class _Kept:
    at: float
    told: bytes
    answer: Answer


class StripeEmulator(Emulator):
    """One account at Stripe, or a platform with accounts that are connected."""

    def __init__(
        self,
        clock: Hands | None = None,
        *,
        key: str = "sk_test_emulator",
        secret: str = "whsec_emulator",
        is_live: bool = False,
        connected: str | None = None,
        name: str = "acct_1Emulator",
    ) -> None:
        super().__init__(clock)
        self.name = name
        self.forbidden: set[str] = set()
        """What a restricted key may not do, such as `GET /v1/account`."""
        self.endpoints: dict[str, dict[str, Any]] = {}
        self.key, self.secrets = key, [secret]
        self.is_live, self.connected = is_live, connected
        self.api_version = VERSION
        """Of the endpoint of webhooks, which has one of its own."""
        self.sessions: dict[str, dict[str, Any]] = {}
        self.intents: dict[str, dict[str, Any]] = {}
        self.charges: dict[str, dict[str, Any]] = {}
        self.refunds: dict[str, dict[str, Any]] = {}
        self.disputes: dict[str, dict[str, Any]] = {}
        self.pays_at_once = False
        """Payers pay before the answer to what made their session is on its way."""
        self.next_refund: dict[str, Any] = {}
        """What refunds are from now on, such as `{"status": "pending"}`."""
        self._of_intents: dict[str, dict[str, str]] = {}
        """Metadata for the payment intent of a session, by the session."""
        self._kept: dict[str, _Kept] = {}
        self._fails: list[tuple[str, bool]] = []

    # What payers and others do.

    def pay(self, reference: str, *, method: str = "card") -> str | None:
        """The payer pays; a method other than a card only begins. Returns the charge's id."""
        session = self._open(reference)
        intent = self._intent(session)
        session |= {"status": "complete", "url": None}
        if method != "card":
            intent |= {"status": "processing"}
            self._event("checkout.session.completed", session)
            return None
        charge = self._money(session, intent)
        self._event("checkout.session.completed", session)
        return charge

    def decline(self, reference: str) -> None:
        """The payer's card is declined; they may try another."""
        session = self._open(reference)
        intent = self._intent(session)
        failed = self._charge(intent, paid=False)
        intent |= {"status": "requires_payment_method", "latest_charge": failed["id"]}
        self._event("payment_intent.payment_failed", intent)

    def settle(self, reference: str, *, succeeds: bool = True) -> str | None:
        """What a delayed method comes to."""
        session = self.sessions[reference]
        intent = self.intents[session["payment_intent"]]
        if succeeds:
            charge = self._money(session, intent)
            self._event("checkout.session.async_payment_succeeded", session)
            return charge
        intent |= {"status": "requires_payment_method"}
        self._event("checkout.session.async_payment_failed", session)
        return None

    def expire(self, reference: str) -> None:
        """The session runs out."""
        session = self._open(reference)
        session |= {"status": "expired", "url": None}
        self._event("checkout.session.expired", session)

    def pay_again(self, reference: str) -> str:
        """A second charge for one session, which should not be."""
        session = self.sessions[reference]
        return self._money(session, self.intents[session["payment_intent"]])

    def refund_in_dashboard(self, reference: str, amount: int | None = None) -> str:
        """Staff give money back in Stripe's own pages."""
        (charge,) = self._paid(reference)
        rest = charge["amount_captured"] - charge["amount_refunded"]
        refund = self._refund(charge, amount or rest, {})
        return str(refund["id"])

    def turn_refund(self, refund_id: str, status: str, **more: Any) -> None:
        """A refund becomes `succeeded`, `failed` or `canceled` later."""
        refund = self.refunds[refund_id]
        charge = self.charges[refund["charge"]]
        refund |= {"status": status, **more}
        if status in {"failed", "canceled"}:
            charge["amount_refunded"] -= refund["amount"]
            charge["refunded"] = False
        # That one was cancelled comes as an update only.
        self._event("refund.failed" if status == "failed" else "refund.updated", refund)

    def dispute(
        self,
        reference: str,
        *,
        status: str = "needs_response",
        fee: int = 1500,
        amount: int | None = None,
    ) -> str:
        """The payer complains, of all or of a part; an inquiry (`warning_…`) takes no money."""
        charge, *_ = self._paid(reference)
        amount = amount or charge["amount_captured"]
        dispute = {
            "id": self._next("du_"),
            "object": "dispute",
            "amount": amount,
            "balance_transactions": [],
            "charge": charge["id"],
            "created": self._now(),
            "currency": charge["currency"],
            "enhanced_eligibility_types": [],
            "evidence": {},
            "evidence_details": {"has_evidence": False, "past_due": False, "submission_count": 0},
            "is_charge_refundable": status.startswith("warning"),
            "livemode": self.is_live,
            "metadata": {},
            "payment_intent": charge["payment_intent"],
            "reason": "fraudulent",
            "status": status,
        }
        charge["disputed"] = True
        self.disputes[dispute["id"]] = dispute
        self._event("charge.dispute.created", dispute)
        if not status.startswith("warning"):
            self.move(dispute["id"], -amount, fee=fee)
        return str(dispute["id"])

    def move(
        self, dispute_id: str, amount: int, *, fee: int = 0, currency: str | None = None
    ) -> None:
        """A complaint takes money, or gives it back."""
        dispute = self.disputes[dispute_id]
        dispute["balance_transactions"].append(
            {
                "id": self._next("txn_"),
                "object": "balance_transaction",
                "amount": amount,
                "available_on": self._now(),
                "created": self._now(),
                "currency": currency or dispute["currency"],
                "fee": fee,
                "fee_details": [],
                "net": amount - fee,
                "reporting_category": "dispute" if amount < 0 else "dispute_reversal",
                "status": "available",
                "type": "adjustment",
            }
        )
        kind = "withdrawn" if amount < 0 else "reinstated"
        self._event(f"charge.dispute.funds_{kind}", dispute)

    def close_dispute(self, dispute_id: str, *, won: bool) -> None:
        """The bank decides; won gives the money back, and the fee stays."""
        dispute = self.disputes[dispute_id]
        dispute |= {"status": "won" if won else "lost", "is_charge_refundable": won}
        self._event("charge.dispute.closed", dispute)
        if won:
            self.move(dispute_id, dispute["amount"])

    def fail_and_save(self, on: str, *, does: bool) -> None:
        """The next request that fits ends in a 500 that is kept under its key for a day."""
        self._fails.append((on, does))

    def listens(self, url: str, *kinds: str, status: str = "enabled") -> str:
        """An endpoint at this address, subscribed to these types, in Stripe's own pages."""
        endpoint = {
            "id": self._next("we_"),
            "object": "webhook_endpoint",
            "api_version": self.api_version,
            "application": None,
            "created": self._now(),
            "description": None,
            "enabled_events": list(kinds),
            "livemode": self.is_live,
            "metadata": {},
            "status": status,
            "url": url,
        }
        self.endpoints[endpoint["id"]] = endpoint
        return str(endpoint["id"])

    def rotate(self, secret: str) -> None:
        """A new secret for webhooks; the old one signs beside it until `retire`."""
        self.secrets.append(secret)

    def retire(self) -> None:
        """The oldest secret signs no more."""
        self.secrets.pop(0)

    def signed(self, event: Mapping[str, Any]) -> Delivery:
        """An event as it arrives."""
        body = as_json(event)
        moment = self._now()
        texts = [
            hmac.new(one.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
            for one in self.secrets
        ]
        header = ",".join([f"t={moment}", *(f"v1={one}" for one in texts), f"v0={'0' * 64}"])
        return Delivery(event["id"], event["type"], body, {"stripe-signature": header})

    def thin(self, kind: str, related: Mapping[str, Any] | None) -> Delivery:
        """A thin event, signed."""
        event = {
            "id": self._next("evt_test_"),
            "object": "v2.core.event",
            "type": kind,
            "created": "2027-03-01T09:00:00.000Z",
            "livemode": self.is_live,
            "related_object": related,
        }
        return self.signed(event)

    # The protocol.

    def key_of(self, headers: Mapping[str, str]) -> str | None:
        return headers.get("idempotency-key")

    def answer(self, call: Call) -> Answer:
        try:
            self._refuse_strangers(call)
            told = _nested(call.body.decode() if call.method == "POST" else None, call.query)
            place, reference = _place(call.path)
            self._check(f"{call.method} {place}", told)
            return self._once(call, lambda: self._do(f"{call.method} {place}", reference, told))
        except Refused as refusal:
            return Answer(refusal.status, as_json({"error": refusal.error}))

    def _refuse_strangers(self, call: Call) -> None:
        if call.headers.get("authorization") != f"Bearer {self.key}":
            raise Refused(401, "Invalid API Key provided")
        if call.headers.get("stripe-version") != VERSION:
            raise Refused(400, "no pinned version")
        if call.headers.get("stripe-account") != self.connected:
            raise Refused(403, "not this account", code="account_invalid")

    def _check(self, what: str, told: Mapping[str, Any]) -> None:
        if what in self.forbidden:
            raise Refused(403, "The provided key does not have the required permissions")
        module, name = PARAMETERS[what]
        kind = getattr(__import__(module, fromlist=[name]), name)
        found = list(misfits(dict(told), kind, module))
        if found:
            self.faults += [f"{what}: {one}" for one in found]
            raise Refused(400, found[0], code="parameter_unknown")

    def _once(self, call: Call, do: Callable[[], dict[str, Any]]) -> Answer:
        if call.method != "POST":
            return self._answered(do())
        key, now = call.key or "", self.clock.now().timestamp()
        kept = self._kept.get(key)
        if kept is not None and now - kept.at < KEYS_LIVE:
            if kept.told != call.path.encode() + b"?" + call.body:
                raise Refused(400, "Keys for idempotent requests …", kind="idempotency_error")
            return kept.answer
        fails = next((one for one in self._fails if one[0] in call.what), None)
        if fails is not None:
            self._fails.remove(fails)
            if fails[1]:
                do()
            answer = Answer(500, b'{"error":{"type":"api_error","message":"An error occurred"}}')
        else:
            answer = self._answered(do())
        self._kept[key] = _Kept(now, call.path.encode() + b"?" + call.body, answer)
        return answer

    def _answered(self, told: dict[str, Any]) -> Answer:
        objects = told["data"] if told.get("object") == "list" else [told]
        for one in objects:
            self.faults += unknown_members(one, CLASSES[one["object"]], f"{one['object']}: ")
        return Answer(200, as_json(told))

    def _do(self, what: str, reference: str, told: Mapping[str, Any]) -> dict[str, Any]:
        do: dict[str, Callable[[], dict[str, Any]]] = {
            "POST /v1/checkout/sessions": lambda: self._create(told),
            "GET /v1/checkout/sessions/*": lambda: self._shown(reference, told),
            "POST /v1/checkout/sessions/*/expire": lambda: self._ended(reference),
            "GET /v1/checkout/sessions": lambda: self._list(self.sessions, told, "payment_intent"),
            "POST /v1/refunds": lambda: self._refund_asked(told),
            "GET /v1/refunds": lambda: self._list(self.refunds, told, "payment_intent", "charge"),
            "GET /v1/charges": lambda: self._list(self.charges, told, "payment_intent"),
            "GET /v1/charges/*": lambda: self._known(self.charges, reference),
            "GET /v1/account": lambda: {
                "id": self.name,
                "object": "account",
                "charges_enabled": True,
                "email": "jane@example.org",
            },
            "GET /v1/webhook_endpoints": lambda: self._list(self.endpoints, told),
            "GET /v1/disputes": lambda: self._list(self.disputes, told, "payment_intent"),
        }
        return deepcopy(do[what]())

    def _ended(self, reference: str) -> dict[str, Any]:
        if self._known(self.sessions, reference)["status"] != "open":
            raise Refused(400, "Only Checkout Sessions with a status in [open] can be expired.")
        self.expire(reference)
        return self.sessions[reference]

    def _create(self, told: Mapping[str, Any]) -> dict[str, Any]:
        ends, now = int(told.get("expires_at", self._now() + MOST)), self._now()
        if not now + LEAST <= ends <= now + MOST:
            raise Refused(400, "The `expires_at` timestamp must be …", param="expires_at")
        embedded = told["ui_mode"] == "embedded_page"
        if embedded == ("success_url" in told) or embedded != ("return_url" in told):
            raise Refused(400, "the addresses do not fit `ui_mode`", param="success_url")
        (line,) = told["line_items"]
        price = line["price_data"]
        amount = int(price["unit_amount"]) * int(line["quantity"])
        self._refuse_amount(amount, price["currency"])
        session_id = self._next("cs_live_" if self.is_live else "cs_test_")
        session = {
            **_fixture("checkout.session"),
            "id": session_id,
            "adaptive_pricing": {"enabled": told["adaptive_pricing"]["enabled"] == "true"},
            "allowed_payment_method_types": told.get("allowed_payment_method_types"),
            "amount_subtotal": amount,
            "amount_total": amount,
            "cancel_url": told.get("cancel_url"),
            "client_reference_id": told.get("client_reference_id"),
            "client_secret": f"{session_id}_secret_{'x' * 400}" if embedded else None,
            "created": now,
            "currency": price["currency"],
            "expires_at": ends,
            "livemode": self.is_live,
            "metadata": dict(told.get("metadata", {})),
            "payment_intent": None,
            "payment_status": "unpaid",
            "return_url": told.get("return_url"),
            "status": "open",
            "success_url": told.get("success_url"),
            "ui_mode": told["ui_mode"],
            "url": None
            if embedded
            else f"https://checkout.stripe.com/c/pay/{session_id}#{'x' * 400}",
        }
        for name in ("after_expiration", "consent", "consent_collection", "currency_conversion"):
            session[name] = None
        self.sessions[session_id] = session
        self._of_intents[session_id] = dict(told.get("payment_intent_data", {}).get("metadata", {}))
        made = deepcopy(session)
        if self.pays_at_once:
            self.pay(session_id)
        return made

    def _refuse_amount(self, amount: int, currency: str) -> None:
        if currency in {"bhd", "jod", "kwd", "omr", "tnd"} and amount % 10:
            raise Refused(400, "must be divisible by 10", code="parameter_invalid_integer")
        if currency in {"isk", "ugx"} and amount % 100:
            raise Refused(400, "must be divisible by 100", code="parameter_invalid_integer")
        if currency in {"eur", "usd"} and amount < 50:
            raise Refused(400, "amount too small", code="amount_too_small")

    def _shown(self, reference: str, told: Mapping[str, Any]) -> dict[str, Any]:
        session = deepcopy(self._known(self.sessions, reference))
        intent = session["payment_intent"]
        if "payment_intent" in told.get("expand", ()) and intent is not None:
            session["payment_intent"] = deepcopy(self.intents[intent])
        return session

    def _refund_asked(self, told: Mapping[str, Any]) -> dict[str, Any]:
        charge = self._known(self.charges, told["charge"])
        held = [one for one in self.disputes.values() if one["charge"] == charge["id"]]
        if any(not one["is_charge_refundable"] for one in held):
            raise Refused(400, "charge disputed", code="charge_disputed")
        if charge["amount_refunded"] == charge["amount_captured"]:
            raise Refused(400, "already refunded", code="charge_already_refunded")
        amount = int(told["amount"])
        if amount > charge["amount_captured"] - charge["amount_refunded"]:
            raise Refused(400, "greater than the rest", code="refund_exceeds_charge")
        return self._refund(charge, amount, dict(told.get("metadata", {})))

    def _list(
        self, kept: Mapping[str, dict[str, Any]], told: Mapping[str, Any], *filters: str
    ) -> dict[str, Any]:
        found = [deepcopy(one) for one in reversed(kept.values())]
        for name in filters:
            if name in told:
                found = [one for one in found if one[name] == told[name]]
        span = told.get("created", {})
        found = [one for one in found if _within(one["created"], span)]
        if (after := told.get("starting_after")) is not None:
            ids = [one["id"] for one in found]
            found = found[ids.index(after) + 1 :]
        page = found[: int(told.get("limit", 10))]
        more = len(page) < len(found)
        return {"object": "list", "data": page, "has_more": more, "url": "/v1/checkout/sessions"}

    # What it keeps.

    def _now(self) -> int:
        return int(self.clock.now().timestamp())

    def _known(self, kept: dict[str, dict[str, Any]], reference: str) -> dict[str, Any]:
        if reference not in kept:
            raise Refused(404, f"No such object: {reference}", code="resource_missing")
        return kept[reference]

    def _open(self, reference: str) -> dict[str, Any]:
        session = self.sessions[reference]
        assert session["status"] == "open", session["status"]
        return session

    def _paid(self, reference: str) -> list[dict[str, Any]]:
        intent = self.sessions[reference]["payment_intent"]
        of_it = [one for one in self.charges.values() if one["payment_intent"] == intent]
        return [one for one in of_it if one["status"] == "succeeded"]

    def _intent(self, session: dict[str, Any]) -> dict[str, Any]:
        """Made when the payer first tries, not before."""
        if session["payment_intent"] is None:
            intent = {
                **_fixture("payment_intent"),
                "id": self._next("pi_"),
                "amount": session["amount_total"],
                "created": self._now(),
                "currency": session["currency"],
                "last_payment_error": None,
                "livemode": self.is_live,
                "metadata": self._of_intents[session["id"]],
                "next_action": None,
                "processing": None,
            }
            self.intents[intent["id"]] = intent
            session["payment_intent"] = intent["id"]
        return self.intents[session["payment_intent"]]

    def _charge(self, intent: dict[str, Any], *, paid: bool) -> dict[str, Any]:
        charge = {
            **_fixture("charge"),
            "id": self._next("ch_"),
            "amount": intent["amount"],
            "amount_captured": intent["amount"] if paid else 0,
            "amount_refunded": 0,
            # Fees are known later.
            "balance_transaction": None,
            "captured": paid,
            "created": self._now(),
            "currency": intent["currency"],
            "livemode": self.is_live,
            "metadata": intent["metadata"],
            "paid": paid,
            "payment_intent": intent["id"],
            "status": "succeeded" if paid else "failed",
        }
        charge.pop("refunds", None)
        self.charges[charge["id"]] = charge
        return charge

    def _money(self, session: dict[str, Any], intent: dict[str, Any]) -> str:
        charge = self._charge(intent, paid=True)
        intent |= {
            "status": "succeeded",
            "latest_charge": charge["id"],
            "amount_received": intent["amount"],
        }
        session["payment_status"] = "paid"
        self._event("payment_intent.succeeded", intent)
        self._event("charge.succeeded", charge)
        return str(charge["id"])

    def _refund(
        self, charge: dict[str, Any], amount: int, metadata: dict[str, str]
    ) -> dict[str, Any]:
        refund = {
            **_fixture("refund"),
            "id": self._next("re_"),
            "amount": amount,
            "charge": charge["id"],
            "created": self._now(),
            "currency": charge["currency"],
            "metadata": metadata,
            "payment_intent": charge["payment_intent"],
            "status": "succeeded",
            **self.next_refund,
        }
        self.refunds[refund["id"]] = refund
        charge["amount_refunded"] += amount
        charge["refunded"] = charge["amount_refunded"] == charge["amount_captured"]
        self._event("refund.created", refund)
        self._event("charge.refunded", charge)
        return refund

    def _event(self, kind: str, about: Mapping[str, Any]) -> None:
        event = {
            **_fixture("event"),
            "id": self._next("evt_"),
            "api_version": self.api_version,
            "created": self._now(),
            "data": {"object": deepcopy(dict(about))},
            "livemode": self.is_live,
            "type": kind,
        }
        if self.connected is not None:
            event["account"] = self.connected
        self.faults += unknown_members(event, stripe.Event, "event: ")
        self._deliveries.append(self.signed(event))


@cache
def _fixtures() -> dict[str, Any]:
    read: dict[str, Any] = json.loads(FIXTURES.read_text())["resources"]
    return read


def _fixture(name: str) -> dict[str, Any]:
    known = _fixtures()[name]
    kept: dict[str, Any] = deepcopy(known)
    return kept


def _place(path: str) -> tuple[str, str]:
    """The path with a star for the id in it, and that id."""
    parts = path.split("/")
    for n, part in enumerate(parts[:-1]):
        if part in ID_PLACES:
            reference, parts[n + 1] = parts[n + 1], "*"
            return "/".join(parts), reference
    return path, ""


def _within(created: int, span: Mapping[str, str]) -> bool:
    return int(span.get("gte", 0)) <= created <= int(span.get("lte", 2**40))


def _nested(form: str | None, query: Mapping[str, str]) -> dict[str, Any]:
    """The parameters of `a[b][0][c]=…` as objects and lists."""
    pairs = list(query.items())
    if form is not None:
        pairs += parse_qsl(form, keep_blank_values=True, strict_parsing=bool(form))
    made: dict[str, Any] = {}
    for name, value in pairs:
        parts = name.replace("]", "").split("[")
        spot = made
        for part in parts[:-1]:
            spot = spot.setdefault(part, {})
        if parts[-1] == "":
            parts[-1] = str(len(spot))
        spot[parts[-1]] = value
    lists: dict[str, Any] = _with_lists(made)
    return lists


def _with_lists(node: Any) -> Any:
    if not isinstance(node, dict):
        return node
    made = {name: _with_lists(value) for name, value in node.items()}
    if made and all(name.isdigit() for name in made):
        return list(made.values())
    return made
