"""WebSockets (RFC 6455): who may open one, and the route that opens it.

A browser opens sockets to any site and tells nobody but that site from which page: so the page's
origin is looked at before anything is accepted. It can send no `Authorization`: the ticket, or the
access token, comes as a subprotocol, which no log and no proxy writes down as it does addresses.
A browser learns nothing of a refusal before the handshake is over, so who is refused for want of
rights is accepted and then told by the close code.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Protocol

from starlette.routing import Match, WebSocketRoute
from starlette.types import Message, Receive, Scope, Send

from booking_system.platform.http.budgets import Budgets
from booking_system.platform.http.caller import Policy
from booking_system.platform.http.lives import Authority, Life, Lives
from booking_system.platform.http.open_socket import Socket, SocketLimits, refused
from booking_system.platform.http.page_origins import PageOrigins
from booking_system.platform.http.problems import response_to
from booking_system.platform.observability.exchange import note_problem
from booking_system.platform.postgres.faults import DependencyUnavailable
from booking_system.shared_kernel.errors import (
    Invalid,
    Malformed,
    NotFound,
    NotPermitted,
    Refusal,
    Transient,
    Unauthenticated,
)

KIND = "socket"
Endpoint = Callable[[Socket], Awaitable[None]]


class ClientGone(OSError):
    """The client has gone before its socket was closed."""


class Admission(Protocol):
    """Finds out who opens a socket."""

    prefix: str
    """The ticket is offered as a subprotocol behind it: `ticket.` in `ticket.dGlja2V0`."""

    async def admit(self, scope: Scope, ticket: str | None) -> Any:
        """Return the caller; None for somebody unknown. Raises `Unauthenticated`."""
        ...

    def authority(self, scope: Scope, ticket: str | None, caller: Any) -> Authority | None:
        """Return what tells who the caller is by now; None where nothing can change."""
        ...


class ByAccessToken:
    """Admits by an access token, as all other operations do.

    Programs send `Authorization`; pages offer `bearer.<access token>` as a subprotocol.
    """

    prefix = "bearer."

    async def admit(self, scope: Scope, ticket: str | None) -> Any:
        """Ask as for any request."""
        return await scope["app"].state.authenticate(self._authorization(scope, ticket))

    def authority(self, scope: Scope, ticket: str | None, caller: Any) -> Authority | None:
        """Ask again with the same token."""
        if caller is None:
            return None

        async def again() -> Any:
            return await self.admit(scope, ticket)

        return again

    def _authorization(self, scope: Scope, ticket: str | None) -> str | None:
        if ticket is not None:
            return f"Bearer {ticket}"
        for name, value in scope["headers"]:
            if name == b"authorization":
                text: str = value.decode("latin-1")
                return text
        return None


class SocketRoute(WebSocketRoute):
    """A route that opens a socket: for pages of known origins, by a policy, within limits."""

    def __init__(  # noqa: PLR0913
        self,
        path: str,
        endpoint: Endpoint,
        *,
        policy: Policy,
        protocol: str,
        admission: Admission,
        limits: SocketLimits,
    ) -> None:
        """`protocol` is the subprotocol that is spoken: no other is ever echoed."""
        super().__init__(path, endpoint)
        self.policy = policy
        self.is_public = False
        self._endpoint = endpoint
        self._protocol = protocol
        self._admission = admission
        self._limits = limits

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Say in the scope which route it is, for the log and the metrics."""
        match, child = super().matches(scope)
        return match, {**child, "route": self} if match is Match.FULL else child

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse the handshake with a problem, or accept it and serve the socket to its end."""
        with suppress(ClientGone):
            await self._opened(scope, receive, _noticing(send))

    async def _opened(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        try:
            self._check(scope)
            caller, no = await self._admitted(scope)
            life = None if no is not None else self._life(scope, caller)
        except Refusal as refusal:
            note_problem(scope, refusal.code)
            answer = response_to(
                refusal,
                request_id=scope["request_id"],
                public_url=scope["app"].state.rejection.public_url,
            )
            await answer(scope, receive, send)
            return
        if life is None:
            assert no is not None, "either it lives or it was refused"
            note_problem(scope, no.code)
            await send({"type": "websocket.accept", "subprotocol": self._protocol})
            await refused(no, send)
            return
        await self._serve(life, scope, receive, send)

    async def _serve(self, life: Life, scope: Scope, receive: Receive, send: Send) -> None:
        lives: Lives = scope["app"].state.lives
        try:
            await send({"type": "websocket.accept", "subprotocol": self._protocol})
            lives.begin(life, scope)
            await Socket(life, scope, receive, send, self._limits).serve(self._endpoint)
        finally:
            lives.close(life, scope)

    def _check(self, scope: Scope) -> None:
        origins = [value for name, value in scope["headers"] if name == b"origin"]
        known: PageOrigins = scope["app"].state.page_origins
        # Programs have no origin, and nothing that a page could make them send.
        if len(origins) > 1 or not all(map(known.allow, origins)):
            detail = "Pages of this origin may not open it."
            raise NotPermitted(detail)
        if scope["query_string"]:
            raise Invalid.field("", "it takes no query", "unknown_parameter")
        if self._protocol not in scope["subprotocols"]:
            detail = f"Offer the subprotocol {self._protocol}."
            raise Malformed(detail)

    async def _admitted(self, scope: Scope) -> tuple[Any, Refusal | None]:
        """Return the caller, and what they are refused for once a browser can hear of it."""
        caller = None
        try:
            caller = await self._admission.admit(scope, self._ticket(scope))
            scope["caller"] = caller
            budgets: Budgets = scope["app"].state.budgets
            budgets.charge(scope, caller, writes=False)
            self.policy(caller)
        except (Unauthenticated, NotPermitted, NotFound) as no:
            return caller, no
        except Transient:
            raise DependencyUnavailable(retry_after=1) from None
        return caller, None

    def _ticket(self, scope: Scope) -> str | None:
        prefix = self._admission.prefix
        tickets = [one for one in scope["subprotocols"] if one.startswith(prefix)]
        if len(tickets) > 1:
            raise Unauthenticated
        return tickets[0].removeprefix(prefix) if tickets else None

    def _life(self, scope: Scope, caller: Any) -> Life:
        again = self._admission.authority(scope, self._ticket(scope), caller)

        async def authority() -> Any:
            assert again is not None, "asked only where there is one"
            now = await again()
            self.policy(now)
            return now

        lives: Lives = scope["app"].state.lives
        return lives.open(KIND, scope, caller, None if again is None else authority)


def _noticing(send: Send) -> Send:
    """Name what the server raises where nobody is there any more."""

    async def noticed(message: Message) -> None:
        try:
            await send(message)
        except OSError as error:
            raise ClientGone from error

    return noticed
