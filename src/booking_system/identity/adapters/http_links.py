"""Lost passwords and unproved addresses over HTTP."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request, Response

from booking_system.identity.adapters import link_pages
from booking_system.identity.adapters.models import LinkIn, NewPasswordIn, ResetIn
from booking_system.identity.application.reset_password import RequestReset, ResetPassword
from booking_system.identity.application.verify_email import RequestVerification, VerifyEmail
from booking_system.identity.domain.actor import Actor
from booking_system.identity.domain.policies import public, signed_in
from booking_system.identity.domain.refusals import LinkOver, PasswordTooWeak, RateLimited
from booking_system.platform.http.caller import caller
from booking_system.platform.http.languages import page_answer
from booking_system.platform.http.network import Networks
from booking_system.platform.http.protection import as_page
from booking_system.platform.http.routing import Routes
from booking_system.shared_kernel.errors import NotFound

RESET_PAGE, VERIFICATION_PAGE = "/reset-password", "/verify-email"
Caller = Annotated[Actor, Depends(caller)]


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkRoutes:
    """HTTP for the links of mails. A token travels in bodies only: addresses end up in logs."""

    request_reset: RequestReset
    reset: ResetPassword
    verify: VerifyEmail
    request_verification: RequestVerification
    networks: Networks

    def routes(self) -> Routes:
        """List the operations, and the pages on which links end."""
        routes = Routes("Identity")
        routes.add(
            "POST",
            "/v1/auth/password-reset",
            self.request_password_reset,
            policy=public,
            asks_who=False,
            status=202,
            answers=None,
            refuses=[RateLimited],
        )
        routes.add(
            "POST",
            "/v1/auth/password-reset/confirm",
            self.reset_password,
            policy=public,
            asks_who=False,
            status=204,
            answers=None,
            refuses=[RateLimited, NotFound, LinkOver, PasswordTooWeak],
        )
        routes.add(
            "POST",
            "/v1/auth/verify-email",
            self.verify_email,
            policy=public,
            asks_who=False,
            status=204,
            answers=None,
            refuses=[RateLimited, NotFound, LinkOver],
        )
        routes.add(
            "POST",
            "/v1/auth/verify-email/resend",
            self.resend_verification,
            policy=signed_in,
            status=202,
            answers=None,
            refuses=[RateLimited],
        )
        for path, page in (
            (RESET_PAGE, self.read_reset_page),
            (VERIFICATION_PAGE, self.read_verification_page),
        ):
            routes.add(
                "GET",
                path,
                page,
                policy=public,
                answers=None,
                asks_who=False,
                needs_database=False,
                shown=False,
            )
        return routes

    async def request_password_reset(self, request: Request, body: ResetIn) -> Response:
        """Ask for a link to choose a new password; it goes to the address by mail.

        The answer is always the same: whether there is an account is not told. The link is good
        for an hour, and once.
        """
        await self.request_reset(email=body.email, network=self.networks.name_of(request))
        return Response(status_code=202)

    async def reset_password(self, request: Request, body: NewPasswordIn) -> Response:
        """Choose a new password with the token of a link. All sessions end.

        The mail has proved the address, too. A password that is too weak leaves the link as it is.
        """
        await self.reset(
            token=body.token, password=body.password, network=self.networks.name_of(request)
        )
        return Response(status_code=204)

    async def verify_email(self, request: Request, body: LinkIn) -> Response:
        """Prove that an e-mail address is yours: with the token of a link."""
        await self.verify(token=body.token, network=self.networks.name_of(request))
        return Response(status_code=204)

    async def resend_verification(self, actor: Caller) -> Response:
        """Ask for the mail to prove your address again; none is sent where it is proved already."""
        await self.request_verification(actor=actor)
        return Response(status_code=202)

    async def read_reset_page(self, request: Request) -> Response:
        """Show the page for a new password; without a token it asks for the address."""
        return _page(link_pages.RESET, request)

    async def read_verification_page(self, request: Request) -> Response:
        """Show the page on which an address is proved."""
        return _page(link_pages.VERIFICATION, request)


def _page(pages: Mapping[str, str], request: Request) -> Response:
    answer = page_answer(pages, request)
    return as_page(answer, style_src="'unsafe-inline'", connect_src="'self'")
