"""Rows of payments as the domain has them, and back."""

from collections.abc import Mapping
from typing import Any

from booking_system.payments.domain.attempt import (
    Attempt,
    AttemptState,
    Frozen,
    PaymentId,
    Presentation,
)
from booking_system.payments.domain.export import Entry
from booking_system.payments.domain.ledger import Line, LineKind
from booking_system.payments.domain.matters import Matter, MatterKind
from booking_system.payments.domain.receipts import (
    Document,
    DocumentId,
    DocumentKind,
    Occasion,
    printed_number,
)
from booking_system.payments.domain.refunds import Refund, RefundId, RefundReason, RefundState
from booking_system.payments.domain.sighting import Account
from booking_system.shared_kernel.identifiers import AppointmentId, ClinicId, UserId
from booking_system.shared_kernel.money import Money

Row = Mapping[str, Any]


def money_of(row: Row) -> Money:
    """Return the row's amount and currency."""
    return Money(row["amount"], row["currency"])


def account_of(row: Row) -> Account:
    """Return the account that the row names."""
    return Account(row["provider"], row["account_key"], row["is_live"])


def _user(value: Any) -> UserId | None:
    return None if value is None else UserId(value)


def attempt_of(row: Row) -> Attempt:
    """Return the attempt of a row with all columns."""
    asked = Frozen(
        id=PaymentId(row["id"]),
        appointment_id=AppointmentId(row["appointment_id"]),
        clinic_id=ClinicId(row["clinic_id"]),
        account=account_of(row),
        amount=money_of(row),
        presentation=Presentation(row["presentation"]),
        title=row["title"],
        language=row["language"],
        return_url=row["return_url"],
        cancel_url=row["cancel_url"],
        window_end=row["window_end"],
        ends_at=row["ends_at"],
        started_by=_user(row["started_by"]),
        created_at=row["created_at"],
    )
    return Attempt(
        asked=asked,
        state=AttemptState(row["state"]),
        **{name: row[name] for name in MOVING if name != "state"},
    )


MOVING = (
    "state",
    "reference",
    "checkout_url",
    "client_secret",
    "publishable_key",
    "problem",
    "captured",
    "claimed",
    "captures",
    "is_refundable",
    "version",
)
"""What of an attempt changes."""


def moving(attempt: Attempt) -> dict[str, Any]:
    """Return the values of the columns that change; a secret lasts as long as the attempt."""
    values = {name: getattr(attempt, name) for name in MOVING}
    return values if attempt.is_live else {**values, "client_secret": None}


def frozen(attempt: Attempt) -> dict[str, Any]:
    """Return the values of the columns that never change."""
    asked = attempt.asked
    return {
        "id": asked.id,
        "appointment_id": asked.appointment_id,
        "clinic_id": asked.clinic_id,
        "provider": asked.account.provider,
        "account_key": asked.account.key,
        "is_live": asked.account.is_live,
        "amount": asked.amount.amount,
        "currency": asked.amount.currency,
        "presentation": asked.presentation,
        "title": asked.title,
        "language": asked.language,
        "return_url": asked.return_url,
        "cancel_url": asked.cancel_url,
        "window_end": asked.window_end,
        "ends_at": asked.ends_at,
        "started_by": asked.started_by,
        "created_at": asked.created_at,
    }


def line_of(row: Row) -> Line:
    """Return the ledger's line of a row."""
    return Line(
        kind=LineKind(row["kind"]),
        appointment_id=AppointmentId(row["appointment_id"]),
        clinic_id=ClinicId(row["clinic_id"]),
        payment_id=PaymentId(row["payment_id"]),
        account=account_of(row),
        provider_id=row["provider_id"],
        charge_id=row["charge_id"],
        money=money_of(row),
        settled_at=row["settled_at"],
        recorded_by=_user(row["recorded_by"]),
        method=row["method"],
    )


def entry_of(row: Row) -> Entry:
    """Return the entry of a row of a line, with what is beside it."""
    return Entry(
        id=row["id"],
        line=line_of(row),
        reference=row["reference"],
        document=_printed(row["year"], row["number"]),
        corrects=_printed(row["corrected_year"], row["corrected_number"]),
    )


def _printed(year: int | None, number: int | None) -> str | None:
    return None if year is None or number is None else printed_number(year, number)


def values_of_line(line: Line) -> dict[str, Any]:
    """Return the values of its columns, but for its id and when it is recorded."""
    return {
        "kind": line.kind,
        "appointment_id": line.appointment_id,
        "clinic_id": line.clinic_id,
        "payment_id": line.payment_id,
        "provider": line.account.provider,
        "account_key": line.account.key,
        "is_live": line.account.is_live,
        "provider_id": line.provider_id,
        "charge_id": line.charge_id,
        "amount": line.money.amount,
        "currency": line.money.currency,
        "settled_at": line.settled_at,
        "recorded_by": line.recorded_by,
        "method": line.method,
    }


def refund_of(row: Row) -> Refund:
    """Return the refund of a row."""
    return Refund(
        id=RefundId(row["id"]),
        payment_id=PaymentId(row["payment_id"]),
        appointment_id=AppointmentId(row["appointment_id"]),
        clinic_id=ClinicId(row["clinic_id"]),
        charge_id=row["charge_id"],
        money=money_of(row),
        reason=RefundReason(row["reason"]),
        state=RefundState(row["state"]),
        provider_id=row["provider_id"],
        problem=row["problem"],
        requested_by=_user(row["requested_by"]),
        note=row["note"],
        created_at=row["created_at"],
    )


def values_of_refund(refund: Refund) -> dict[str, Any]:
    """Return the values of its columns."""
    return {
        "id": refund.id,
        "payment_id": refund.payment_id,
        "appointment_id": refund.appointment_id,
        "clinic_id": refund.clinic_id,
        "charge_id": refund.charge_id,
        "amount": refund.money.amount,
        "currency": refund.money.currency,
        "reason": refund.reason,
        "state": refund.state,
        "provider_id": refund.provider_id,
        "problem": refund.problem,
        "requested_by": refund.requested_by,
        "note": refund.note,
        "created_at": refund.created_at,
    }


def matter_of(row: Row) -> Matter:
    """Return the matter of a row."""
    return Matter(
        kind=MatterKind(row["kind"]),
        clinic_id=ClinicId(row["clinic_id"]),
        appointment_id=AppointmentId(row["appointment_id"]),
        payment_id=PaymentId(row["payment_id"]),
        about=row["about"],
        money=money_of(row),
        found_at=row["found_at"],
    )


def values_of_matter(matter: Matter) -> dict[str, Any]:
    """Return the values of its columns, but for its id."""
    return {
        "kind": matter.kind,
        "clinic_id": matter.clinic_id,
        "appointment_id": matter.appointment_id,
        "payment_id": matter.payment_id,
        "about": matter.about,
        "amount": matter.money.amount,
        "currency": matter.money.currency,
        "found_at": matter.found_at,
    }


def document_of(row: Row) -> Document:
    """Return the document of a row, which also has the number of what it corrects."""
    return Document(
        id=DocumentId(row["id"]),
        kind=DocumentKind(row["kind"]),
        number=row["number"],
        year=row["year"],
        clinic_id=ClinicId(row["clinic_id"]),
        appointment_id=AppointmentId(row["appointment_id"]),
        payment_id=PaymentId(row["payment_id"]),
        corrects=None if row["corrects"] is None else DocumentId(row["corrects"]),
        money=money_of(row),
        provider=row["provider"],
        method=row["method"],
        title=row["title"],
        issuer_name=row["issuer_name"],
        issuer_address=row["issuer_address"],
        issuer_tax_number=row["issuer_tax_number"],
        time_zone=row["time_zone"],
        is_live=row["is_live"],
        settled_at=row["settled_at"],
        issued_at=row["issued_at"],
        corrects_name=_printed(row["corrected_year"], row["corrected_number"]),
        occasion=None if row["reference"] is None else _occasion(row),
    )


def _occasion(row: Row) -> Occasion:
    return Occasion(
        reference=row["reference"],
        starts_at=row["starts_at"],
        service=row["service_name"],
        recipient=row["recipient_name"],
        languages=tuple(row["languages"]),
        price=row["price_amount"],
        deposit=row["deposit_amount"],
        received=row["received_amount"],
    )
