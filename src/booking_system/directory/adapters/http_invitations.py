"""Invitations over HTTP, for the invited."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request, Response

from booking_system.directory.adapters.invitation_page import PAGES
from booking_system.directory.adapters.models_staff import AcceptIn, OfferOut, TokenIn
from booking_system.directory.application.accept_invitation import (
    AcceptInvitation,
    LookAtInvitation,
    ShowAccepted,
)
from booking_system.directory.domain.refusals import InvitationOver
from booking_system.identity.domain.actor import Actor
from booking_system.identity.domain.policies import public
from booking_system.identity.domain.refusals import EmailTaken, PasswordTooWeak, RateLimited
from booking_system.platform.http.answers import json_answer, making_answer
from booking_system.platform.http.caller import caller
from booking_system.platform.http.input import StrictRequest
from booking_system.platform.http.languages import page_answer
from booking_system.platform.http.network import Networks
from booking_system.platform.http.once import InOneTransaction
from booking_system.platform.http.protection import as_page
from booking_system.platform.http.routing import Routes
from booking_system.shared_kernel.errors import NotFound, NotPermitted, Unauthenticated
from booking_system.shared_kernel.identifiers import InvitationId

ACCEPT_PAGE = "/invitation"
MaybeCaller = Annotated[Actor | None, Depends(caller)]


@dataclass(frozen=True, slots=True, kw_only=True)
class InvitationRoutes:
    """HTTP for accepting. The token travels in bodies only: addresses end up in logs."""

    look: LookAtInvitation
    accept: AcceptInvitation
    show: ShowAccepted
    networks: Networks

    def routes(self) -> Routes:
        """List the operations, and the page on which a link ends."""
        routes = Routes("Staff")
        routes.add(
            "POST",
            "/v1/invitations/look-up",
            self.look_up_invitation,
            policy=public,
            asks_who=False,
            only_reads=True,
            answers=OfferOut,
            refuses=[RateLimited, NotFound, InvitationOver],
        )
        routes.add(
            "POST",
            "/v1/invitations/accept",
            self.accept_invitation,
            policy=public,
            knows_caller=True,
            answers=OfferOut,
            refuses=[
                RateLimited,
                NotFound,
                InvitationOver,
                Unauthenticated,
                NotPermitted,
                PasswordTooWeak,
                EmailTaken,
            ],
            once=InOneTransaction(again=self.show_again),
        )
        routes.add(
            "GET",
            ACCEPT_PAGE,
            self.read_page,
            policy=public,
            answers=None,
            asks_who=False,
            needs_database=False,
            shown=False,
        )
        return routes

    async def look_up_invitation(self, request: Request, body: TokenIn) -> Response:
        """See what an invitation offers: before accepting it."""
        shown = await self.look(token=body.token, network=self.networks.name_of(request))
        return json_answer(OfferOut.of(shown))

    async def accept_invitation(
        self, request: Request, body: AcceptIn, actor: MaybeCaller
    ) -> Response:
        """Accept an invitation: signed in, for your account, or with a password, for a new one.

        It works once. A new account has the address that the invitation names; then sign in.
        """
        accepted = await self.accept(
            token=body.token,
            password=body.password,
            actor=actor,
            network=self.networks.name_of(request),
        )
        return making_answer(OfferOut.of(accepted), [accepted.invitation.id], status=200)

    async def show_again(self, _: StrictRequest, made: Sequence[UUID]) -> Response:
        """Show what was accepted. Raises `NotFound`, `InvitationOver`."""
        return json_answer(OfferOut.of(await self.show(invitation_id=InvitationId(made[0]))))

    async def read_page(self, request: Request) -> Response:
        """Show the page on which the link of an invitation ends."""
        return as_page(
            page_answer(PAGES, request), style_src="'unsafe-inline'", connect_src="'self'"
        )
