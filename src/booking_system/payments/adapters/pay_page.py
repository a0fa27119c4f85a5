"""The page that a message leads to which asks for money: it names the sum, and who takes it.

A look at it begins nothing: programs look at links in mails before people do.
"""

from collections.abc import Sequence
from html import escape
from urllib.parse import quote

from booking_system.payments.adapters.result_links import PAY_PATH
from booking_system.payments.adapters.spoken import language_of

STYLE = """:root{color-scheme:light dark}
body{font:16px/1.5 system-ui,sans-serif;max-width:34rem;margin:2rem auto;padding:0 1rem}
.sum{font-size:2rem;margin:.25rem 0}
button{font:inherit;display:block;width:100%;min-height:2.75rem;margin:.75rem 0;
padding:.5rem 1rem;border:1px solid #0b5d3b;border-radius:.5rem;background:#0b5d3b;color:#fff}"""
PAGE = """<!doctype html><html lang="{language}"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1"><title>{heading}</title>
<style>{style}</style></head><body><main><h1>{heading}</h1><p>{clinic}</p>{body}</main>
</body></html>"""
WORDS = {
    "en": {
        "heading": "Pay for your appointment",
        "until": "Your time is kept for you until {until}.",
        "stripe": "Pay by card",
        "paypal": "Pay with PayPal",
        "sandbox": "Pay in the sandbox",
        "wait": "The payment cannot begin this moment. Please try again in a minute.",
    },
    "de": {
        "heading": "Termin bezahlen",
        "until": "Ihr Termin ist bis {until} für Sie reserviert.",
        "stripe": "Mit Karte bezahlen",
        "paypal": "Mit PayPal bezahlen",
        "sandbox": "In der Sandbox bezahlen",
        "wait": "Die Zahlung kann gerade nicht beginnen. Bitte gleich noch einmal versuchen.",
    },
}


def page_to_pay(  # noqa: PLR0913
    token: str,
    *,
    locale: str,
    clinic: str,
    amount: str,
    until: str | None,
    providers: Sequence[str],
    has_to_wait: bool = False,
) -> str:
    """Return the page; `amount` and `until` are written out, all that is given is escaped."""
    language = language_of(locale)
    words = WORDS[language]
    told = [f'<p class="sum">{escape(amount)}</p>']
    if until is not None:
        told.append(f"<p>{escape(words['until'].format(until=until))}</p>")
    if has_to_wait:
        told.append(f'<p role="alert">{words["wait"]}</p>')
    told += [
        f'<form method="post" action="{PAY_PATH}/{quote(token)}/{quote(one)}">'
        f"<button>{escape(words.get(one, one))}</button></form>"
        for one in providers
    ]
    return PAGE.format(
        language=language,
        heading=words["heading"],
        style=STYLE,
        clinic=escape(clinic),
        body="".join(told),
    )
