"""Collects the routes of one part of the API, which document what they refuse."""

from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from inspect import cleandoc
from typing import Any

from pydantic import BaseModel
from starlette.responses import Response
from starlette.routing import BaseRoute

from booking_system.platform.http.caller import Policy
from booking_system.platform.http.documentation import Problems, documented
from booking_system.platform.http.event_stream import EXAMPLE, EventStream, StreamRoute
from booking_system.platform.http.guarded import GuardedRoute, Shortcut, needs_token
from booking_system.platform.http.habits import Habits
from booking_system.platform.http.hooks import HookRoute
from booking_system.platform.http.input import USUAL_BODY, BodyLimit
from booking_system.platform.http.once import Once
from booking_system.platform.http.open_socket import SocketLimits
from booking_system.platform.http.signatures import InvalidSignature, Signature
from booking_system.platform.http.sockets import Admission, ByAccessToken, Endpoint, SocketRoute
from booking_system.platform.http.titles import title_of
from booking_system.shared_kernel.errors import Refusal

SIGNING_IN = "/v1/auth/"
"""What lies below hands out tokens, or ends them: nothing of it may be given twice."""


PART_OF_IT = 206
NOT_DONE_YET = 202
"""What was asked for follows; often there is nothing to show yet."""


class UndecidedRouteError(Exception):
    """A route does not say in which way a request with a key has its effect once, or says too much.

    The program refuses to start.
    """


class Routes:
    """Collects the routes of one part of the API."""

    def __init__(self, tag: str) -> None:
        """`tag` groups the operations in the OpenAPI document."""
        self._tag = tag
        self._routes: list[BaseRoute] = []

    def __iter__(self) -> Iterator[BaseRoute]:
        """The routes, in the order in which they were added."""
        return iter(self._routes)

    def add(  # noqa: PLR0913
        self,
        method: str,
        path: str,
        endpoint: Callable[..., Any],
        *,
        policy: Policy,
        answers: type[BaseModel] | None,
        status: int = 200,
        refuses: Sequence[type[Refusal]] = (),
        asks_who: bool = True,
        knows_caller: bool = False,
        needs_database: bool = True,
        always_answered: bool = False,
        is_counted: bool = True,
        also: Mapping[int, str | type[BaseModel]] | None = None,
        shortcut: Shortcut | None = None,
        shown: bool = True,
        tag: str | None = None,
        only_reads: bool = False,
        once: Once | None = None,
        body_limit: BodyLimit = USUAL_BODY,
        problems: Problems | None = None,
        media: Mapping[str, Any] | None = None,
        has_tagged_bytes: bool = False,
    ) -> None:
        """Add one operation; its id is the endpoint's name, its text the docstring.

        How that begins is its title (`platform.http.titles`).

        `answers` is the model of the body that goes out (None: no body, or no JSON), `refuses`
        what this operation may say beyond what every operation of its shape may, `also` further
        statuses: what one without a body means, or the model of its body. One that is not `shown`
        stays out of the document; without `asks_who` there is no caller. `always_answered`: refused
        to nobody; without `is_counted` it costs no budget; `only_reads` says that a POST stores
        nothing. `tag` places it in the document, `problems` are models of refusals, by status.
        `body_limit` is for bodies that are larger, or have to be smaller, than others. `media` says
        what a body that goes out and is no JSON is, by its media type, as the document has it.
        An operation that `has_tagged_bytes` sends an `ETag` of what it sends, not of a version.

        One that `knows_caller` serves everybody, but not everybody alike: signing in is up to them.
        A POST of a caller who is known has one effect for each `Idempotency-Key`: `once` says in
        which way (`platform.http.once`). Raises `UndecidedRouteError` where it does not.
        """
        token = needs_token(policy)
        is_somebodys = asks_who and (token or knows_caller)
        is_idempotent = method == "POST" and is_somebodys and not path.startswith(SIGNING_IN)
        if is_idempotent is not (once is not None):
            raise UndecidedRouteError(f"{method} {path}")
        has_nothing_to_show = answers is None and status == NOT_DONE_YET
        route = GuardedRoute(
            path,
            endpoint,
            policy=policy,
            asks_who=asks_who,
            shortcut=shortcut,
            once=once,
            is_counted=is_counted,
            body_limit=body_limit,
            methods=[method],
            tags=[tag or self._tag],
            status_code=status,
            response_description="Done"
            if answers is None
            else cleandoc(answers.__doc__ or "A page of a list"),
            operation_id=endpoint.__name__,
            summary=title_of(endpoint) if shown else None,
            response_model=answers,
            include_in_schema=shown,
            responses={code: _described(more) for code, more in (also or {}).items()},
            # Else the document promises JSON of any kind.
            **({"response_class": Response} if has_nothing_to_show or media else {}),
        )
        habits = Habits(
            asks_who=asks_who,
            needs_token=token,
            knows_caller=knows_caller,
            needs_database=needs_database,
            always_answered=always_answered,
            is_counted=is_counted,
            writes=method != "GET" and not only_reads,
            is_idempotent=is_idempotent,
            body_limit=body_limit,
            reads_raw_body=route.reads_raw_body,
            has_tagged_bytes=has_tagged_bytes,
        )
        documented(route, answers, refuses, habits, problems or {})
        if media is not None:
            for code in {status, PART_OF_IT} & route.responses.keys():
                route.responses[code]["content"] = dict(media)
        self._routes.append(route)

    def hook(  # noqa: PLR0913
        self,
        path: str,
        endpoint: Callable[..., Any],
        *,
        signature: Signature,
        status: int = 200,
        refuses: Sequence[type[Refusal]] = (),
        body_limit: BodyLimit = USUAL_BODY,
        shown: bool = True,
    ) -> None:
        """Add an address that another machine calls by POST with a body that it has signed.

        The `signature` is the policy. The endpoint takes a `RawBody`, the bytes that were signed,
        and knows by the sender's ids what it has been told before. A hook that is not `shown` stays
        out of the document: what comes is described by its sender.
        """
        route = HookRoute(
            path,
            endpoint,
            signature=signature,
            body_limit=body_limit,
            methods=["POST"],
            tags=[self._tag],
            status_code=status,
            response_description="Taken",
            operation_id=endpoint.__name__,
            summary=title_of(endpoint) if shown else None,
            response_model=None,
            include_in_schema=shown,
        )
        habits = Habits(
            asks_who=False,
            needs_token=False,
            knows_caller=False,
            needs_database=True,
            always_answered=False,
            is_counted=False,
            writes=True,
            is_idempotent=False,
            body_limit=body_limit,
            reads_raw_body=True,
        )
        documented(route, None, [InvalidSignature, *refuses], habits, {})
        self._routes.append(route)

    def stream(  # noqa: PLR0913
        self,
        path: str,
        endpoint: Callable[..., Coroutine[Any, Any, EventStream]],
        *,
        policy: Policy,
        refuses: Sequence[type[Refusal]] = (),
        asks_who: bool = True,
        knows_caller: bool = False,
    ) -> None:
        """Add an operation that answers GET with events for up to ten minutes.

        The `policy` is asked when it is opened and as long as it is open. How many may be open is
        said in `platform.http.lives`: `503 overloaded` and `429 rate_limited` beyond.
        """
        token = needs_token(policy)
        route = StreamRoute(
            path,
            endpoint,
            policy=policy,
            asks_who=asks_who,
            methods=["GET"],
            tags=[self._tag],
            response_description="Events, the last one called `end`",
            status_code=200,
            operation_id=endpoint.__name__,
            summary=title_of(endpoint),
            response_model=None,
            # One without a media type: what the stream is, is said below.
            response_class=Response,
        )
        habits = Habits(
            asks_who=asks_who,
            needs_token=token,
            knows_caller=knows_caller,
            needs_database=True,
            always_answered=False,
            is_counted=True,
            writes=False,
            is_idempotent=False,
        )
        documented(route, None, refuses, habits, {})
        route.responses[200]["content"] = {
            # An object: tools hold single events against it, as OpenAPI 3.2 does.
            EventStream.media_type: {
                "schema": {"anyOf": [{"type": "string"}, {"type": "object"}]},
                "example": EXAMPLE,
            }
        }
        self._routes.append(route)

    def socket(  # noqa: PLR0913
        self,
        path: str,
        endpoint: Endpoint,
        *,
        policy: Policy,
        protocol: str,
        admission: Admission | None = None,
        limits: SocketLimits | None = None,
    ) -> None:
        """Add a WebSocket that speaks the subprotocol `protocol`, like `booking.v1`.

        Who opens it is found out by the `admission`, by access token without one; the `policy` is
        asked then and as long as it is open. OpenAPI has no words for it.
        """
        self._routes.append(
            SocketRoute(
                path,
                endpoint,
                policy=policy,
                protocol=protocol,
                admission=admission or ByAccessToken(),
                limits=limits or SocketLimits(),
            )
        )


def _described(also: str | type[BaseModel]) -> dict[str, Any]:
    if isinstance(also, str):
        return {"description": also}
    return {"description": cleandoc(also.__doc__ or ""), "model": also}
