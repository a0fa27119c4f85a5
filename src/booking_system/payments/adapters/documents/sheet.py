"""What stands on a document, in the words of its language: the same for all its forms.

It says what an invoice has to say and an insurer asks for: who, for whom, what the clinic calls the
service, when, how much. Of the doctor, their specialty or any reason it says nothing.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_time

from booking_system.payments.adapters.documents.words import Words, words_for
from booking_system.payments.adapters.shown_money import spelled
from booking_system.payments.domain.receipts import Document, DocumentKind, Occasion
from booking_system.shared_kernel.money import Money

JOINERS: Final = "\u200c\u200d"
"""Some scripts are written with them."""
TESTING: Final = "sandbox"


@dataclass(frozen=True, slots=True)
class Amount:
    """A line of the sum; `is_main` is what the document is about."""

    label: str
    text: str
    is_main: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """All texts of a document, each in one line but for the issuer's address."""

    language: str
    title: str
    number: str
    issuer: str
    address: Sequence[str]
    facts: Sequence[tuple[str, str]]
    amounts: Sequence[Amount]
    notes: Sequence[str]
    issued_at: datetime


def sheet_of(document: Document, language: str | None = None) -> Sheet:
    """Return what stands on a document, in its own language or in another."""
    occasion = document.occasion
    own = () if occasion is None else occasion.languages
    words = words_for(own if language is None else (language, *own))
    facts = words.of["facts"]
    address = [_line(one) for one in (document.issuer_address or "").splitlines()]
    if document.issuer_tax_number:
        address.append(f"{facts['tax_number']}: {_line(document.issuer_tax_number)}")
    is_test = document.is_live is False or document.provider == TESTING
    notes = words.of["notes"]
    return Sheet(
        language=words.tag,
        title=words.of["titles"][document.kind],
        number=document.name,
        issuer=_line(document.issuer_name),
        address=[one for one in address if one],
        facts=[(facts[name], _line(text)) for name, text in _facts(document, words)],
        amounts=list(_amounts(document, words)),
        notes=[*([notes["test"]] if is_test else []), notes["made"]],
        issued_at=document.issued_at,
    )


def _facts(document: Document, words: Words) -> Iterator[tuple[str, str]]:
    zone, occasion = ZoneInfo(document.time_zone or "UTC"), document.occasion
    yield "number", document.name
    yield "issued", _date(document.issued_at, zone, words)
    if document.corrects_name is not None:
        yield "corrects", document.corrects_name
    if occasion is not None:
        if occasion.recipient:
            yield "recipient", occasion.recipient
        if occasion.service:
            yield "service", occasion.service
        time = format_time(occasion.starts_at.astimezone(zone), "short", locale=words.locale)
        yield "appointment", f"{_date(occasion.starts_at, zone, words)}, {time} ({zone.key})"
        yield "reference", occasion.reference
    else:
        yield "reference", document.title
    way = document.method or document.provider
    yield "paid_by", words.of["ways"].get(way, way)
    yield "settled", _date(document.settled_at, zone, words)


def _amounts(document: Document, words: Words) -> Iterator[Amount]:
    labels, money, occasion = words.of["amounts"], document.money, document.occasion

    def shown(amount: int) -> str:
        return spelled(Money(amount, money.currency), words.locale)

    if occasion is not None and occasion.price is not None:
        yield Amount(labels["price"], shown(occasion.price))
    yield Amount(labels[_about(document)], shown(money.amount), is_main=True)
    if occasion is not None:
        yield Amount(labels["in_all"], shown(occasion.received))
        if occasion.price is not None:
            yield Amount(labels["left"], shown(max(0, occasion.price - occasion.received)))


def _about(document: Document) -> str:
    if document.kind is DocumentKind.CORRECTION:
        return "returned" if document.money.amount < 0 else "came_back"
    occasion = document.occasion
    return "deposit" if occasion is not None and _is_deposit(occasion) else "received"


def _is_deposit(occasion: Occasion) -> bool:
    return occasion.deposit is not None and occasion.received <= occasion.deposit


def _date(at: datetime, zone: ZoneInfo, words: Words) -> str:
    return format_date(at.astimezone(zone), "long", locale=words.locale)


def _line(text: str) -> str:
    """Return it in one line: without signs that nobody sees and that turn or hide others."""
    kept = "".join(" " if _is_unseen(one) else one for one in unicodedata.normalize("NFC", text))
    return " ".join(kept.split())


def _is_unseen(one: str) -> bool:
    return unicodedata.category(one) in {"Cc", "Cf", "Cs", "Zl", "Zp"} and one not in JOINERS
