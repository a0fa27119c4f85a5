"""The ledger as CSV (RFC 4180): one line for each of its lines, amounts as numbers."""

import csv
from collections.abc import Iterable
from datetime import UTC
from io import StringIO
from typing import Final

from booking_system.payments.domain.amounts import ISO_EXPONENTS, Counting
from booking_system.payments.domain.export import Entry
from booking_system.scheduling.domain.local_time import wall_clock

ISO: Final = Counting(exponents=ISO_EXPONENTS)
FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
"""A table program computes what begins like this."""
COLUMNS: Final = (
    "date",
    "settled_at",
    "kind",
    "amount_minor",
    "amount",
    "currency",
    "receipt_number",
    "corrects_number",
    "booking_reference",
    "booking_id",
    "payment_id",
    "provider",
    "method",
    "provider_id",
    "is_live",
)


def heading() -> str:
    """Return the first line."""
    return _csv([COLUMNS])


def lines_of(entries: Iterable[Entry], time_zone: str) -> str:
    """Return a line for each entry; dates are those of the clinic's wall clock, instants UTC."""
    return _csv(_cells(one, time_zone) for one in entries)


def _cells(entry: Entry, time_zone: str) -> list[str | int]:
    line = entry.line
    local = wall_clock(line.settled_at, time_zone)
    return [
        local.date().isoformat(),
        line.settled_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        line.kind.value,
        line.money.amount,
        # A number as well: it begins with a minus where money went, and is no formula.
        ISO.written(line.money),
        line.money.currency,
        _text(entry.document),
        _text(entry.corrects),
        _text(entry.reference),
        str(line.appointment_id),
        str(line.payment_id),
        _text(line.account.provider),
        _text(line.method),
        _text(line.provider_id),
        "true" if line.account.is_live else "false",
    ]


def _text(value: str | None) -> str:
    """Return a text that stays one: with an apostrophe in front where it would be a formula."""
    text = value or ""
    return f"'{text}" if text.startswith(FORMULAS) else text


def _csv(rows: Iterable[Iterable[str | int]]) -> str:
    written = StringIO(newline="")
    csv.writer(written, lineterminator="\r\n").writerows(rows)
    return written.getvalue()
