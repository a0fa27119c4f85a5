"""The sandbox's checkout page: where a person pays with nothing, or sees how a payment fails."""

from html import escape
from urllib.parse import quote

from booking_system.payments.adapters.providers.sandbox_checkout import SandboxCheckout
from booking_system.payments.adapters.shown_money import in_words
from booking_system.payments.domain.sighting import Sighting, Stage
from booking_system.shared_kernel.money import Money

STYLE = """:root{color-scheme:light dark}
body{font:16px/1.5 system-ui,sans-serif;max-width:34rem;margin:0 auto;padding:1rem}
.band{background:#7a4d00;color:#fff;padding:.5rem 1rem;border-radius:.5rem}
.sum{font-size:2rem;margin:.25rem 0}
button{font:inherit;display:block;width:100%;min-height:2.75rem;margin:.5rem 0;
padding:.5rem 1rem;border:1px solid;border-radius:.5rem;background:transparent;color:inherit}
button.pay{background:#0b5d3b;border-color:#0b5d3b;color:#fff}
fieldset{border:1px solid;border-radius:.5rem;margin:1rem 0}
a{color:inherit}[role=status]{font-weight:600}"""
PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1"><title>Sandbox checkout</title>
<style>{style}</style></head><body>
<p class="band">Sandbox: no money moves here.</p>
<main><h1>{title}</h1><p class="sum">{sum}</p><p role="status">{status}</p>
{forms}<p><a href="{back}">{back_words}</a></p></main></body></html>"""
STATUS = {
    Stage.OPEN: "Waiting for you to pay.",
    Stage.PROCESSING: "The bank has your order; the money comes later.",
    Stage.PAID: "Paid.",
    Stage.ENDED: "This checkout is over, nothing was paid.",
    Stage.FAILED: "The payment failed, nothing was paid.",
}
CHECKOUT = "/sandbox/checkout"
PAY = "pay"
DEEDS = {
    Stage.OPEN: (
        (PAY, "Pay"),
        ("decline", "Have the card declined"),
        ("begin", "Pay by a transfer that takes days"),
        ("end", "Let the checkout run out"),
    ),
    Stage.PROCESSING: (("settle", "The transfer arrives"), ("fail", "The transfer fails")),
    Stage.PAID: (("pay_again", "Pay a second time, as from another tab"),),
    Stage.ENDED: (("pay_late", "Pay too late"),),
    Stage.FAILED: (("pay_late", "Pay too late"),),
}
"""What can happen at each stage, and in which words."""


def page_of(checkout: SandboxCheckout, seen: Sighting) -> str:
    """Return the page; all that comes from elsewhere is escaped."""
    money = Money(checkout.amount, checkout.currency)
    status = STATUS[seen.stage]
    if checkout.declined and seen.stage is Stage.OPEN:
        status = "The card was declined. Try again, or another card."
    if len(checkout.charges) > 1:
        status = f"Paid {len(checkout.charges)} times."
    is_over = seen.stage in {Stage.PAID, Stage.PROCESSING}
    return PAGE.format(
        style=STYLE,
        title=escape(checkout.title),
        sum=escape(in_words(money, checkout.language)),
        status=status,
        forms=_forms(checkout.reference, seen.stage, in_words(money, checkout.language)),
        back=escape(checkout.return_url if is_over else checkout.cancel_url),
        back_words="Back to the clinic" if is_over else "Back without paying",
    )


def _forms(reference: str, stage: Stage, money: str) -> str:
    buttons = "".join(
        f'<button formaction="{CHECKOUT}/{quote(reference)}/{deed}"'
        f"{' class=pay' if deed == PAY else ''}>"
        f"{escape(f'{words} {money}' if deed == PAY else words)}</button>"
        for deed, words in DEEDS[stage]
    )
    return f'<form method="post">{buttons}</form>'
