"""The page that a payer comes back to: it tells what we know, not what the way back says."""

from enum import StrEnum

from booking_system.booking.domain.lifecycle import AppointmentStatus, PaymentStatus

STYLE = """:root{color-scheme:light dark}
body{font:16px/1.5 system-ui,sans-serif;max-width:34rem;margin:2rem auto;padding:0 1rem}"""
PAGE = """<!doctype html><html lang="{language}"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">{again}<title>{heading}</title>
<style>{style}</style></head><body><main><h1>{heading}</h1><p role="status">{words}</p></main>
</body></html>"""
SECONDS = 3
"""Between two looks, while we wait for the provider's word."""


class Outcome(StrEnum):
    """What there is to tell."""

    CHECKING = "checking"
    CONFIRMED = "confirmed"
    OWED = "owed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    DONE = "done"


WORDS = {
    "en": {
        Outcome.CHECKING: (
            "We are checking your payment",
            "This page looks again by itself. You can close it: we write to you when we know.",
        ),
        Outcome.CONFIRMED: (
            "Your appointment is confirmed",
            "Thank you, your payment has arrived.",
        ),
        Outcome.OWED: ("Your appointment is confirmed", "Nothing has been paid yet."),
        Outcome.EXPIRED: (
            "Not paid in time",
            "The appointment was let go. What you paid all the same goes back to you, all of it.",
        ),
        Outcome.CANCELLED: (
            "Your appointment was cancelled",
            "What you paid goes back to you as the clinic's terms say.",
        ),
        Outcome.DONE: ("Thank you", "There is nothing to pay here."),
    },
    "de": {
        Outcome.CHECKING: (
            "Wir prüfen Ihre Zahlung",
            "Diese Seite sieht von selbst wieder nach. Sobald wir es wissen, schreiben wir Ihnen.",
        ),
        Outcome.CONFIRMED: (
            "Ihr Termin ist bestätigt",
            "Vielen Dank, Ihre Zahlung ist eingegangen.",
        ),
        Outcome.OWED: ("Ihr Termin ist bestätigt", "Bisher wurde nichts bezahlt."),
        Outcome.EXPIRED: (
            "Nicht rechtzeitig bezahlt",
            "Der Termin wurde freigegeben. Was Sie dennoch bezahlt haben, erhalten Sie zurück.",
        ),
        Outcome.CANCELLED: (
            "Ihr Termin wurde abgesagt",
            "Was Sie bezahlt haben, erhalten Sie nach den Bedingungen der Praxis zurück.",
        ),
        Outcome.DONE: ("Vielen Dank", "Hier ist nichts zu bezahlen."),
    },
}


def page_of_result(status: AppointmentStatus, payment: PaymentStatus, language: str) -> str:
    """Return the page; while money is waited for, it comes again by itself.

    `language` is one of `spoken.LANGUAGES`.
    """
    outcome = outcome_of(status, payment)
    heading, words = WORDS[language][outcome]
    waits = outcome is Outcome.CHECKING
    again = f'<meta http-equiv="refresh" content="{SECONDS}">' if waits else ""
    return PAGE.format(language=language, again=again, style=STYLE, heading=heading, words=words)


def outcome_of(status: AppointmentStatus, payment: PaymentStatus) -> Outcome:
    """Return what there is to tell of an appointment that stands so."""
    match status:
        case AppointmentStatus.PENDING_PAYMENT:
            return Outcome.CHECKING
        case AppointmentStatus.EXPIRED:
            return Outcome.EXPIRED
        case AppointmentStatus.CANCELLED:
            return Outcome.CANCELLED
        case AppointmentStatus.CONFIRMED | AppointmentStatus.CHECKED_IN:
            return Outcome.OWED if payment is PaymentStatus.UNPAID else Outcome.CONFIRMED
        case _:
            return Outcome.DONE
