"""Paying by a link that was sent in a message, without a sign-in."""

from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from babel.dates import format_datetime, get_timezone_name
from fastapi import Response

from booking_system.identity.domain.policies import public
from booking_system.payments.adapters.pay_page import page_to_pay
from booking_system.payments.adapters.payable import Payable, Payables
from booking_system.payments.adapters.result_links import PAY_PATH, PayLinks, ResultLinks
from booking_system.payments.adapters.result_page import page_of_result
from booking_system.payments.adapters.shown_money import in_words
from booking_system.payments.adapters.spoken import language_of
from booking_system.payments.application.provider_port import Presentation
from booking_system.payments.application.start_payment import PaymentWish, StartPayment
from booking_system.payments.domain.refusals import PaymentInProgress
from booking_system.platform.http.protection import as_page
from booking_system.platform.http.routing import Routes
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.errors import NotFound, Refusal, Unavailable
from booking_system.shared_kernel.identifiers import AppointmentId


@dataclass(frozen=True, slots=True, kw_only=True)
class PayPages:
    """The page of a sealed link: a look shows what is owed, a POST begins to pay."""

    start: StartPayment
    payables: Payables
    links: PayLinks
    results: ResultLinks
    clock: Clock
    offered: Sequence[str]

    def routes(self) -> Routes:
        """List them."""
        routes = Routes("Payments")
        for method, path, endpoint, status in (
            ("GET", f"{PAY_PATH}/{{token}}", self.show_what_to_pay, 200),
            ("POST", f"{PAY_PATH}/{{token}}/{{provider}}", self.pay_by_link, 303),
        ):
            routes.add(
                method,
                path,
                endpoint,
                policy=public,
                asks_who=False,
                status=status,
                answers=None,
                shown=False,
            )
        return routes

    async def show_what_to_pay(self, token: str) -> Response:
        """Show it; nothing begins, however often somebody or something looks."""
        _, payable = await self._found(token)
        return self._shown(token, payable)

    async def pay_by_link(self, token: str, provider: str) -> Response:
        """Begin to pay, or go on: the same payment while it is under way."""
        appointment_id, payable = await self._found(token)
        if provider not in self.offered:
            raise NotFound
        wish = PaymentWish(
            appointment_id=appointment_id,
            provider=provider,
            presentation=Presentation.REDIRECT,
            title=payable.title,
            language=language_of(payable.locale),
            return_url=self.results.link(appointment_id),
            cancel_url=self.links.link(appointment_id),
        )
        try:
            checkout = (await self.start(wish, None)).attempt.checkout_url
        except PaymentInProgress:
            checkout = None
        except Unavailable:
            raise
        except Refusal:
            # It was paid, or ended, since somebody looked.
            return self._shown(token, (await self._found(token))[1])
        if checkout is None:
            return self._shown(token, payable, has_to_wait=True)
        return _page("", status=303, headers={"Location": checkout})

    async def _found(self, token: str) -> tuple[AppointmentId, Payable]:
        appointment_id = self.links.appointment_of(token)
        if appointment_id is None:
            raise NotFound
        payable = await self.payables(appointment_id, now=self.clock.now())
        if payable is None:
            raise NotFound
        return appointment_id, payable

    def _shown(self, token: str, payable: Payable, *, has_to_wait: bool = False) -> Response:
        if payable.money is None:
            language = language_of(payable.locale)
            return _page(page_of_result(payable.status, payable.payment_status, language))
        return _page(
            page_to_pay(
                token,
                locale=payable.locale,
                clinic=payable.clinic_name,
                amount=in_words(payable.money, language_of(payable.locale)),
                until=_moment(payable),
                providers=self.offered,
                has_to_wait=has_to_wait,
            )
        )


def _moment(payable: Payable) -> str | None:
    """In the clinic's zone, with its name."""
    if payable.until is None:
        return None
    locale = {"en": "en_GB"}.get(language_of(payable.locale), language_of(payable.locale))
    at = payable.until.astimezone(ZoneInfo(payable.time_zone))
    return f"{format_datetime(at, 'short', locale=locale)} {get_timezone_name(at, locale=locale)}"


def _page(html: str, *, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    answer = Response(
        html,
        status,
        media_type="text/html",
        headers={"Cache-Control": "no-store", **(headers or {})},
    )
    # Browsers hold a form to its policy also where its answer leads elsewhere.
    return as_page(answer, style_src="'unsafe-inline'", form_action="'self' https:")
