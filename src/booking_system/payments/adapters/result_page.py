"""The page that a payer comes back to: it tells what we know, not what the way back says."""

from booking_system.booking.domain.lifecycle import AppointmentStatus, PaymentStatus

STYLE = """:root{color-scheme:light dark}
body{font:16px/1.5 system-ui,sans-serif;max-width:34rem;margin:2rem auto;padding:0 1rem}"""
PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">{again}<title>Payment</title>
<style>{style}</style></head><body><main><h1>{heading}</h1><p role="status">{words}</p></main>
</body></html>"""
SECONDS = 3
"""Between two looks, while we wait for the provider's word."""

CHECKING = (
    "We are checking your payment",
    "This page looks again by itself. You can close it: we write to you when we know.",
)
CONFIRMED = ("Your appointment is confirmed", "Thank you, your payment has arrived.")
OWED = ("Your appointment is confirmed", "Nothing has been paid yet.")
EXPIRED = (
    "Not paid in time",
    "The appointment was let go. If you paid all the same, the whole amount goes back to you.",
)
CANCELLED = (
    "Your appointment was cancelled",
    "What you paid goes back to you as the clinic's terms say.",
)
DONE = ("Thank you", "There is nothing to pay here.")


def page_of_result(status: AppointmentStatus, payment: PaymentStatus) -> str:
    """Return the page; while money is waited for, it comes again by itself."""
    heading, words = _said(status, payment)
    waits = (heading, words) == CHECKING
    again = f'<meta http-equiv="refresh" content="{SECONDS}">' if waits else ""
    return PAGE.format(again=again, style=STYLE, heading=heading, words=words)


def _said(status: AppointmentStatus, payment: PaymentStatus) -> tuple[str, str]:
    match status:
        case AppointmentStatus.PENDING_PAYMENT:
            return CHECKING
        case AppointmentStatus.EXPIRED:
            return EXPIRED
        case AppointmentStatus.CANCELLED:
            return CANCELLED
        case AppointmentStatus.CONFIRMED | AppointmentStatus.CHECKED_IN:
            return OWED if payment is PaymentStatus.UNPAID else CONFIRMED
        case _:
            return DONE
