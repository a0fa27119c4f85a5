"""The names that templates may use, and what they stand for."""

import re
from collections.abc import Sequence
from typing import Any, Final
from zoneinfo import ZoneInfo

from booking_system.notifications.adapters.words.amounts import amount_in
from booking_system.notifications.adapters.words.languages import Language
from booking_system.notifications.adapters.words.one_line import greeted, one_line, shortened
from booking_system.notifications.adapters.words.times import TimeWords
from booking_system.notifications.domain.facts import (
    AccountMessage,
    AppointmentFacts,
    AppointmentMessage,
    ChoiceFacts,
    ClinicFacts,
    MoneyFacts,
)
from booking_system.notifications.domain.message import Kind

LONGEST_IN_SMS: Final = 40
"""Characters of a clinic's name."""
COLOURS: Final = {
    Kind.CONFIRMATION: "#1b7f4b",
    Kind.CHANGE: "#b86e00",
    Kind.CANCELLATION: "#b3261e",
    Kind.PAYMENT_REQUEST: "#b86e00",
    Kind.PAYMENT_REMINDER: "#b86e00",
    Kind.PAYMENT_EXPIRED: "#b3261e",
    Kind.PAYMENT_LATE: "#b3261e",
    Kind.PAYMENT_RECEIPT: "#1b7f4b",
}
OTHER_COLOUR: Final = "#0b5c8e"
OF_MONEY: Final = ("amount", "pay_until", "paid", "left", "receipt_numbers")
"""What is listed of money, each where it is told."""
MISFIT: Final = "misfit"
NO_DIGIT: Final = re.compile(r"[^\d+]")


def values_of(
    message: AppointmentMessage | AccountMessage,
    language: Language,
    site_name: str,
    *,
    is_for_sms: bool = False,
) -> dict[str, Any]:
    """Return what the templates are rendered with: texts in one line each, or None."""
    about = {
        "kind": message.kind.value,
        "lang": str(language.locale).replace("_", "-"),
        "dir": "rtl" if language.locale.character_order == "right-to-left" else "ltr",
        "name": greeted(message.recipient_name),
        "site_name": one_line(site_name),
        "colour": COLOURS.get(message.kind, OTHER_COLOUR),
        "labels": language.words["labels"],
    }
    if isinstance(message, AccountMessage):
        return about | _of_account(message, language)
    return (
        about
        | _of_clinic(message.clinic)
        | _of_appointment(message, language, is_for_sms=is_for_sms)
    )


def _of_account(message: AccountMessage, language: Language) -> dict[str, Any]:
    times = TimeWords(language.locale, ZoneInfo(message.time_zone))
    name = one_line(message.clinic_name or "") or None
    return {
        # An invitation is the clinic's; its address is told once somebody is of the staff.
        "clinic_name": name,
        "clinic_short": name and shortened(name, LONGEST_IN_SMS),
        "clinic_lines": [],
        "clinic_address": None,
        "clinic_phone": None,
        "clinic_phone_digits": None,
        "clinic_email": None,
        "role": language.words["roles"].get(message.role or ""),
        "link": message.link,
        "url": message.link,
        "until": message.expires_at and times.moment(message.expires_at),
        "details": [],
    }


def _of_clinic(clinic: ClinicFacts) -> dict[str, Any]:
    lines = [told for one in (clinic.address or "").splitlines() if (told := one_line(one))]
    name, phone = one_line(clinic.name), one_line(clinic.phone or "") or None
    return {
        "clinic_name": name,
        "clinic_short": shortened(name, LONGEST_IN_SMS),
        "clinic_lines": lines,
        "clinic_address": ", ".join(lines) or None,
        "clinic_phone": phone,
        "clinic_phone_digits": phone and NO_DIGIT.sub("", phone),
        "clinic_email": one_line(clinic.email or "") or None,
    }


def _of_appointment(
    message: AppointmentMessage, language: Language, *, is_for_sms: bool
) -> dict[str, Any]:
    facts, clinic = message.appointment, message.clinic
    times = TimeWords(language.locale, ZoneInfo(clinic.time_zone))
    values = {
        "when": times.span(facts.starts_at, facts.ends_at),
        "short_when": times.short_moment(facts.starts_at),
        "date": times.date(facts.starts_at),
        "time": times.time(facts.starts_at),
        "zone": times.zone_name(facts.starts_at),
        "duration": times.minutes(int((facts.ends_at - facts.starts_at).total_seconds() // 60)),
        "doctor": one_line(f"{facts.doctor_title or ''} {facts.doctor_name}"),
        "service": one_line(facts.service_name or "") or None,
        "mode": facts.mode,
        "where": _where(facts, clinic, language),
        "manage_url": message.manage_url,
        "pay_url": message.pay_url,
        "url": message.pay_url or message.manage_url,
        "can_reply": message.can_reply,
        "choices": [_choice(one, message.choices, language) for one in message.choices],
        "told": message.told,
        "happened": _happened(message, language),
        **_of_money(message, language, times, is_for_sms=is_for_sms),
    }
    labels = language.words["labels"]
    told = ("when", "duration", "doctor", "service", "where", *OF_MONEY)
    return values | {"details": [(labels[one], values[one]) for one in told if values[one]]}


def _happened(message: AppointmentMessage, language: Language) -> str:
    """Say in a few words what a notice to the clinic is about."""
    happened = None if message.money is None else message.money.happened
    if message.kind is Kind.DISPUTE_NOTICE and happened is not None:
        return language.words["disputes"][happened]
    if message.kind is Kind.MATTER_NOTICE:
        matters = language.words["matters"]
        return matters.get(happened or MISFIT, matters[MISFIT])
    return language.words["told"][message.told or "booked"]


def _of_money(
    message: AppointmentMessage, language: Language, times: TimeWords, *, is_for_sms: bool
) -> dict[str, Any]:
    money, kind = message.money or MoneyFacts(), message.kind
    amounts = {"amount": money.amount, "paid": money.paid, "left": money.left}
    until = money.pay_until
    return {
        **{
            name: amount_in(language.locale, one, is_for_sms=is_for_sms)
            for name, one in amounts.items()
        },
        "pay_until": until and times.moment(until),
        "pay_until_short": until and times.short_moment(until),
        "receipt_numbers": ", ".join(one.number for one in money.receipts) or None,
        "dispute": money.happened if kind is Kind.DISPUTE_NOTICE else None,
        "matter": money.happened if kind is Kind.MATTER_NOTICE else None,
        "is_correction": money.is_correction,
    }


def _choice(one: ChoiceFacts, choices: Sequence[ChoiceFacts], language: Language) -> dict[str, Any]:
    times = TimeWords(language.locale, ZoneInfo(one.time_zone))
    is_of_one_clinic = len({each.clinic_id for each in choices}) == 1
    clinic = None if is_of_one_clinic else shortened(one_line(one.clinic_name), LONGEST_IN_SMS)
    return {"number": one.number, "when": times.short_moment(one.starts_at), "clinic": clinic}


def _where(facts: AppointmentFacts, clinic: ClinicFacts, language: Language) -> str | None:
    if facts.mode in language.words["modes"]:
        return language.words["modes"][str(facts.mode)]
    lines = [one_line(clinic.name), *map(one_line, (clinic.address or "").splitlines())]
    return ", ".join(one for one in lines if one)
