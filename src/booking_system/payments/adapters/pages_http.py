"""Pages for payers: the sandbox's checkout, and the page to come back to."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import uuid4

from fastapi import Response

from booking_system.identity.domain.policies import public
from booking_system.payments.adapters.providers.sandbox import SandboxProvider
from booking_system.payments.adapters.providers.sandbox_checkout import SandboxCheckout
from booking_system.payments.adapters.result_links import PATH, ResultLinks
from booking_system.payments.adapters.result_page import page_of_result
from booking_system.payments.adapters.results import Results
from booking_system.payments.adapters.sandbox.page import CHECKOUT, page_of
from booking_system.payments.application.provider_port import ProviderGone, ProviderRefused
from booking_system.payments.application.take_event import TakeEvent
from booking_system.platform.http.protection import as_page
from booking_system.platform.http.routing import Routes
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.errors import NotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentPages:
    """Pages without a sign-in: their addresses are for one payer each."""

    sandbox: SandboxProvider
    take: TakeEvent
    results: Results
    links: ResultLinks
    clock: Clock
    is_offered: Callable[[], bool]

    def routes(self) -> Routes:
        """List them; in production the sandbox is none."""
        routes = Routes("Payments")
        checkout = f"{CHECKOUT}/{{reference}}"
        for method, path, endpoint in (
            ("GET", f"{PATH}/{{token}}", self.show_payment_result),
            ("GET", checkout, self.show_sandbox_checkout),
            ("POST", f"{checkout}/{{deed}}", self.play_sandbox_checkout),
        ):
            routes.add(
                method,
                path,
                endpoint,
                policy=public,
                asks_who=False,
                answers=None,
                shown=False,
            )
        return routes

    async def show_payment_result(self, token: str) -> Response:
        """Say what became of a payer's appointment, as we know it."""
        appointment_id = self.links.appointment_of(token)
        found = None if appointment_id is None else await self.results(appointment_id)
        if found is None:
            raise NotFound
        return _page(page_of_result(*found))

    async def show_sandbox_checkout(self, reference: str) -> Response:
        """Show a checkout where nobody pays."""
        return await self._shown(await self._checkout(reference))

    async def play_sandbox_checkout(self, reference: str, deed: str) -> Response:
        """Do what a payer or a bank would do, and tell of it as a provider does."""
        await self._checkout(reference)
        change = self._change(deed)
        try:
            changed = await self.sandbox.books.change(reference, change)
        except ProviderRefused:
            changed = await self.sandbox.books.find(reference)
        if changed is None:
            raise NotFound
        body, headers = self.sandbox.signed(f"evt_{uuid4().hex}", f"checkout.{deed}", changed)
        await self.take(self.sandbox, body, headers)
        return await self._shown(changed)

    def _change(self, deed: str) -> Callable[[SandboxCheckout], SandboxCheckout]:
        now = self.clock.now()
        changes: dict[str, Callable[[SandboxCheckout], SandboxCheckout]] = {
            "pay": lambda one: one.paid(now),
            "pay_again": lambda one: one.paid_again(now),
            "pay_late": lambda one: one.paid_late(now),
            "decline": lambda one: one.declined_once(now),
            "begin": lambda one: one.begun(now),
            "settle": lambda one: one.settled(now, succeeds=True),
            "fail": lambda one: one.settled(now, succeeds=False),
            "end": SandboxCheckout.ended,
        }
        if deed not in changes:
            raise NotFound
        return changes[deed]

    async def _checkout(self, reference: str) -> SandboxCheckout:
        found = await self.sandbox.books.find(reference) if self.is_offered() else None
        if found is None:
            raise NotFound
        return found

    async def _shown(self, checkout: SandboxCheckout) -> Response:
        try:
            seen = await self.sandbox.read(checkout.reference)
        except ProviderGone:
            raise NotFound from None
        return _page(page_of(checkout, seen))


def _page(html: str) -> Response:
    answer = Response(html, media_type="text/html", headers={"Cache-Control": "no-store"})
    return as_page(answer, style_src="'unsafe-inline'", form_action="'self'")
