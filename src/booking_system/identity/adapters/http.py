"""Identity over HTTP."""

from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Form, Request, Response

from booking_system.identity.adapters.models import (
    JwkSetOut,
    PasswordIn,
    ProfileIn,
    ProfileOut,
    SessionOut,
    TokenForm,
    TokensOut,
)
from booking_system.identity.application.change_password import ChangePassword
from booking_system.identity.application.end_session import EndSession, ListSessions, SignOut
from booking_system.identity.application.own_profile import ChangeProfile, ReadProfile
from booking_system.identity.application.refresh_session import RefreshSession
from booking_system.identity.application.sign_in import SignIn
from booking_system.identity.domain.account import Profile
from booking_system.identity.domain.actor import Actor
from booking_system.identity.domain.policies import public, signed_in
from booking_system.identity.domain.refusals import (
    InvalidCredentials,
    PasswordTooWeak,
    RateLimited,
)
from booking_system.identity.domain.throttling import Allowance
from booking_system.identity.domain.tokens import Tokens
from booking_system.platform.http.answers import json_answer
from booking_system.platform.http.caller import caller
from booking_system.platform.http.etag import IfMatch, etag_of, expected_version
from booking_system.platform.http.input import FORBIDDEN
from booking_system.platform.http.network import Networks
from booking_system.platform.http.once import InOneTransaction
from booking_system.platform.http.pagination import (
    CursorText,
    InvalidCursor,
    Limit,
    Page,
    cursor_after,
    link_to_next,
    position_of,
)
from booking_system.platform.http.routing import Routes
from booking_system.shared_kernel.errors import NotFound, Stale
from booking_system.shared_kernel.identifiers import SessionId

Caller = Annotated[Actor, Depends(caller)]
NEVER_STORED = {"Cache-Control": "no-store"}
KEYS_STORED = {"Cache-Control": "public, max-age=300", "Vary": "Origin"}


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityRoutes:
    """HTTP for tokens, sessions and one's own profile."""

    sign_in: SignIn
    refresh: RefreshSession
    sign_out: SignOut
    profile: ReadProfile
    change: ChangeProfile
    password: ChangePassword
    sessions: ListSessions
    end: EndSession
    key_set: dict[str, Any]
    networks: Networks

    def routes(self) -> Routes:
        """List the operations."""
        routes = Routes("Identity")
        self._add_tokens(routes)
        self._add_own_account(routes)
        return routes

    def _add_tokens(self, routes: Routes) -> None:
        routes.add(
            "POST",
            "/v1/auth/token",
            self.create_token,
            policy=public,
            asks_who=False,
            answers=TokensOut,
            refuses=[InvalidCredentials, RateLimited],
        )
        routes.add(
            "POST",
            "/v1/auth/sign-out",
            self.end_own_session,
            policy=signed_in,
            status=204,
            answers=None,
        )
        routes.add(
            "GET",
            "/.well-known/jwks.json",
            self.read_keys,
            policy=public,
            asks_who=False,
            needs_database=False,
            answers=JwkSetOut,
        )

    def _add_own_account(self, routes: Routes) -> None:
        routes.add("GET", "/v1/me", self.read_profile, policy=signed_in, answers=ProfileOut)
        routes.add(
            "PATCH",
            "/v1/me",
            self.change_profile,
            policy=signed_in,
            answers=ProfileOut,
            refuses=[Stale],
        )
        routes.add(
            "POST",
            "/v1/me/password",
            self.change_password,
            policy=signed_in,
            status=204,
            answers=None,
            refuses=[InvalidCredentials, PasswordTooWeak, RateLimited],
            once=InOneTransaction(),
        )
        routes.add(
            "GET",
            "/v1/sessions",
            self.list_sessions,
            policy=signed_in,
            answers=Page[SessionOut],
            refuses=[InvalidCursor],
        )
        routes.add(
            "DELETE",
            "/v1/sessions/{session_id}",
            self.end_session,
            policy=signed_in,
            status=204,
            answers=None,
            refuses=[NotFound],
        )

    async def create_token(self, form: Annotated[TokenForm, Form()], request: Request) -> Response:
        """Sign in, or trade a refresh token for new tokens.

        A refresh token presented again within 30 seconds gets the same successor once more; later
        it ends the session, because somebody must have copied it.
        """
        network = self.networks.name_of(request)
        if form.grant_type == "refresh_token":
            refreshed = await self.refresh(
                refresh_token=form.required("refresh_token"), network=network
            )
            return _tokens(refreshed)
        signed = await self.sign_in(
            username=form.required("username"),
            password=form.required("password"),
            network=network,
            user_agent=_user_agent(request),
        )
        return _tokens(signed.tokens, signed.allowance)

    async def end_own_session(self, actor: Caller) -> Response:
        """Sign out: end the session of this request, with all its tokens."""
        await self.sign_out(actor=actor)
        return Response(status_code=204)

    async def read_keys(self) -> Response:
        """List the public keys of access tokens (RFC 7517).

        An access token can be checked with them.
        """
        return json_answer(self.key_set, headers=KEYS_STORED)

    async def read_profile(self, actor: Caller) -> Response:
        """Read who you are and what you may do."""
        return _profile(await self.profile(actor=actor))

    async def change_profile(
        self, body: ProfileIn, actor: Caller, if_match: IfMatch = None
    ) -> Response:
        """Change your name, language or time zone; what is absent stays as it is."""
        version = expected_version(if_match)
        return _profile(await self.change(change=body.change(), version=version, actor=actor))

    async def change_password(self, body: PasswordIn, actor: Caller) -> Response:
        """Change your password. All your other sessions end."""
        await self.password(
            current_password=body.current_password,
            new_password=body.new_password,
            actor=actor,
        )
        return Response(status_code=204)

    async def list_sessions(
        self, request: Request, actor: Caller, limit: Limit = 50, cursor: CursorText = None
    ) -> Response:
        """List your sessions: those that could still be used, the newest first."""
        owner = {"user_id": actor.user_id}
        after = position_of(cursor, owner)
        found = await self.sessions(actor=actor, after=after, limit=limit)
        following = None
        if len(found) > limit:
            last = found[limit - 1]
            following = cursor_after(last.created_at, last.id, owner)
        page = Page[SessionOut](
            items=[SessionOut.of(session, actor) for session in found[:limit]],
            next_cursor=following,
        )
        return json_answer(page, headers=link_to_next(request, following))

    async def end_session(self, session_id: UUID, actor: Caller) -> Response:
        """End one of your sessions: on this device or another."""
        await self.end(session_id=SessionId(session_id), actor=actor)
        return Response(status_code=204)


def _tokens(tokens: Tokens, allowance: Allowance | None = None) -> Response:
    headers = NEVER_STORED | ({} if allowance is None else _rate_limit(allowance))
    return json_answer(TokensOut.of(tokens), headers=headers)


def _rate_limit(allowance: Allowance) -> dict[str, str]:
    """Say what is left of the quota (draft-ietf-httpapi-ratelimit-headers-10)."""
    name = f'"{allowance.policy}"'
    return {
        "RateLimit-Policy": f"{name};q={allowance.quota};w={allowance.window}",
        "RateLimit": f"{name};r={allowance.remaining};t={allowance.reset}",
    }


def _profile(profile: Profile) -> Response:
    tag = {"ETag": etag_of(profile.account.version)}
    return json_answer(ProfileOut.of(profile), headers=tag)


def _user_agent(request: Request) -> str | None:
    return FORBIDDEN.sub("", request.headers.get("user-agent", "")) or None
