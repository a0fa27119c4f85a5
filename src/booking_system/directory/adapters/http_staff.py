"""Staff of clinics, and the invitations that make them, over HTTP."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request, Response

from booking_system.directory.adapters import answers
from booking_system.directory.adapters.models_staff import (
    AddedOut,
    InvitationOut,
    NewInvitationOut,
    StaffIn,
    StaffListOut,
    StaffOut,
)
from booking_system.directory.application.add_staff import AddStaff
from booking_system.directory.application.invite_staff import (
    Invited,
    InviteStaff,
    ListInvitations,
    RevokeInvitation,
    ShowInvitation,
)
from booking_system.directory.application.keep_staff import ListStaff, RemoveStaff
from booking_system.directory.domain.refusals import InvitationOver
from booking_system.identity.domain.actor import Actor, Role
from booking_system.identity.domain.policies import signed_in
from booking_system.identity.domain.refusals import EmailTaken, PasswordTooWeak, RateLimited
from booking_system.platform.http.answers import json_answer, making_answer
from booking_system.platform.http.caller import caller
from booking_system.platform.http.input import StrictRequest
from booking_system.platform.http.once import InOneTransaction
from booking_system.platform.http.pagination import (
    CursorText,
    InvalidCursor,
    Limit,
    Page,
    position_of,
)
from booking_system.platform.http.routing import Routes
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.errors import NotFound, NotPermitted
from booking_system.shared_kernel.identifiers import ClinicId, InvitationId, UserId

Caller = Annotated[Actor, Depends(caller)]
STAFF, INVITATIONS = "/v1/clinics/{clinic_id}/staff", "/v1/clinics/{clinic_id}/invitations"


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffRoutes:
    """HTTP for administrators who give and take back roles in a clinic.

    `accept_page` is the address of the page on which an invitation is accepted. With
    `hands_links_over` administrators are shown the link of a new one, beside the mail.
    """

    add: AddStaff
    invite: InviteStaff
    list: ListStaff
    remove: RemoveStaff
    list_invited: ListInvitations
    show_invited: ShowInvitation
    revoke: RevokeInvitation
    accept_page: str
    hands_links_over: bool
    clock: Clock

    def routes(self) -> Routes:
        """List the operations."""
        routes, usual = Routes("Staff"), [NotFound, NotPermitted]
        routes.add(
            "POST",
            STAFF,
            self.create_staff,
            policy=signed_in,
            status=201,
            answers=AddedOut,
            refuses=[*usual, RateLimited, PasswordTooWeak, EmailTaken],
            once=InOneTransaction(again=self.show_staff_again),
        )
        routes.add(
            "GET", STAFF, self.list_staff, policy=signed_in, answers=StaffListOut, refuses=usual
        )
        routes.add(
            "DELETE",
            f"{STAFF}/{{user_id}}",
            self.delete_staff,
            policy=signed_in,
            status=204,
            answers=None,
            refuses=usual,
        )
        self._invitations(routes)
        return routes

    def _invitations(self, routes: Routes) -> None:
        usual, one = [NotFound, NotPermitted], f"{INVITATIONS}/{{invitation_id}}"
        routes.add(
            "GET",
            INVITATIONS,
            self.list_invitations,
            policy=signed_in,
            answers=Page[InvitationOut],
            refuses=[*usual, InvalidCursor],
        )
        routes.add(
            "GET", one, self.read_invitation, policy=signed_in, answers=InvitationOut, refuses=usual
        )
        routes.add(
            "DELETE",
            one,
            self.delete_invitation,
            policy=signed_in,
            status=204,
            answers=None,
            refuses=[*usual, InvitationOver],
        )

    async def create_staff(self, clinic_id: UUID, body: StaffIn, actor: Caller) -> Response:
        """Invite somebody to a role in the clinic; with a password, make them an account.

        The invited get a mail. An invitation is accepted by its link, within 72 hours, signed in to
        any account or with a password for a new one. Nothing is told about accounts that there are.
        A new invitation of the same address for the same role takes the place of the open one.
        """
        clinic, staff = ClinicId(clinic_id), body.new()
        if body.password is None:
            invited = await self.invite(clinic_id=clinic, staff=staff, actor=actor)
            return self._with_link(invited)
        member = await self.add(clinic_id=clinic, staff=staff, password=body.password, actor=actor)
        location = {"Location": f"/v1/clinics/{clinic_id}/staff"}
        return making_answer(StaffOut.of(member), [member.user_id], headers=location)

    async def show_staff_again(self, request: StrictRequest, made: Sequence[UUID]) -> Response:
        """Show what the very same body has made, without its link. Raises `NotFound`."""
        asked = StaffIn.model_validate(await request.json())
        clinic_id = ClinicId(UUID(request.path_params["clinic_id"]))
        actor = request.scope["caller"]
        if asked.password is None:
            invitation = await self.show_invited(
                clinic_id=clinic_id, invitation_id=InvitationId(made[0]), actor=actor
            )
            return json_answer(NewInvitationOut.with_link(invitation, None, self.clock.now()))
        for member in await self.list(clinic_id=clinic_id, actor=actor):
            role = member.role, member.doctor_id
            if member.user_id in made and role == (Role(asked.role), asked.doctor_id):
                return json_answer(StaffOut.of(member))
        raise NotFound

    async def list_staff(self, clinic_id: UUID, actor: Caller) -> Response:
        """List the staff of a clinic: one entry for each role."""
        found = await self.list(clinic_id=ClinicId(clinic_id), actor=actor)
        return json_answer(StaffListOut(items=[StaffOut.of(member) for member in found]))

    async def delete_staff(self, clinic_id: UUID, user_id: UUID, actor: Caller) -> Response:
        """Take all roles in a clinic away from somebody: within a second."""
        await self.remove(clinic_id=ClinicId(clinic_id), user_id=UserId(user_id), actor=actor)
        return Response(status_code=204)

    async def list_invitations(
        self,
        request: Request,
        clinic_id: UUID,
        actor: Caller,
        limit: Limit = 50,
        cursor: CursorText = None,
    ) -> Response:
        """List a clinic's invitations: those of the last three months, the oldest first."""
        filters = {"clinic_id": str(clinic_id)}
        place = position_of(cursor, filters)
        found = await self.list_invited(
            clinic_id=ClinicId(clinic_id),
            after=place and place[1],
            limit=limit,
            actor=actor,
        )
        now = self.clock.now()
        return answers.page(
            request, found, lambda one: InvitationOut.of(one, now), limit=limit, filters=filters
        )

    async def read_invitation(
        self, clinic_id: UUID, invitation_id: UUID, actor: Caller
    ) -> Response:
        """Read one invitation; its link is not shown again."""
        invitation = await self.show_invited(
            clinic_id=ClinicId(clinic_id), invitation_id=InvitationId(invitation_id), actor=actor
        )
        return json_answer(InvitationOut.of(invitation, self.clock.now()))

    async def delete_invitation(
        self, clinic_id: UUID, invitation_id: UUID, actor: Caller
    ) -> Response:
        """Take an invitation back: its link does nothing from now on."""
        await self.revoke(
            clinic_id=ClinicId(clinic_id), invitation_id=InvitationId(invitation_id), actor=actor
        )
        return Response(status_code=204)

    def _with_link(self, invited: Invited) -> Response:
        # Behind `#`, which no browser sends anywhere.
        link = f"{self.accept_page}#{invited.token}" if self.hands_links_over else None
        at = INVITATIONS.format(clinic_id=invited.invitation.clinic_id)
        return making_answer(
            NewInvitationOut.with_link(invited.invitation, link, self.clock.now()),
            [invited.invitation.id],
            headers={"Location": f"{at}/{invited.invitation.id}"},
        )
