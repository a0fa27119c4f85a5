"""Routes that cannot exist without a policy, and that document what they refuse."""

from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from typing import Any, get_args, get_origin

from fastapi import Request, Response, params
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.routing import Match
from starlette.types import Receive, Scope, Send

from booking_system.platform.http.budgets import Budgets
from booking_system.platform.http.caller import Policy
from booking_system.platform.http.documentation import Habits, Problems, documented
from booking_system.platform.http.idempotency import HEADER, Again, Idempotency, Work, check_form
from booking_system.platform.http.input import (
    LARGEST_BODY_BYTES,
    BodyTooLarge,
    StrictRequest,
    UnsupportedMediaType,
    check_text,
    query_of,
)
from booking_system.platform.http.validation import unknown_parameters
from booking_system.shared_kernel.errors import Invalid, Refusal, Unauthenticated

Handler = Callable[[Request], Coroutine[Any, Any, Response]]
SIGNING_IN = "/v1/auth/"
"""What lies below hands out tokens, or ends them: nothing of it may be given twice."""
Shortcut = Callable[[StrictRequest], Coroutine[Any, Any, Response | None]]


class GuardedRoute(APIRoute):
    """A route that asks its policy first, then reads the input strictly."""

    def __init__(  # noqa: PLR0913
        self,
        path: str,
        endpoint: Callable[..., Any],
        *,
        policy: Policy,
        asks_who: bool = True,
        shortcut: Shortcut | None = None,
        runs_once: bool = False,
        again: Again | None = None,
        is_counted: bool = True,
        **kw: Any,
    ) -> None:
        """`policy` sees the caller before the query or the body is looked at.

        The `shortcut` is asked first and may leave the request to FastAPI, by None: for hot paths,
        whose usual requests need none of the ceremony.
        One that `runs_once` does so for all requests with the same `Idempotency-Key`; `again` shows
        what the first of them made, where that cannot be read at its address.
        Where a route does not ask who calls, an expired token in the header disturbs nobody.
        A request of a route that `is_counted` is charged to the caller's budget.
        """
        self.policy = policy
        self.is_public = not needs_token(policy)
        self.others: frozenset[str] = frozenset()
        """Paths that fit it, but are somebody else's."""
        self._asks_who = asks_who
        self._shortcut = shortcut
        self._runs_once = runs_once
        self._again = again
        self._is_counted = is_counted
        super().__init__(path, endpoint, **kw)
        self._writes = "GET" not in (self.methods or ())
        queries = list(_queries(self.dependant))
        self._parameters = frozenset(field.alias for field in queries)
        self._lists = frozenset(field.alias for field in queries if _takes_several(field))
        self.takes_form = self.body_field is not None and isinstance(
            self.body_field.field_info, params.Form
        )

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Take HEAD where GET is known (RFC 9110, section 9.3.2); the server drops the body."""
        if self.others and scope.get("path") in self.others:
            return Match.NONE, {}
        return super().matches(self._as_read(scope))

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the request; what the shortcut answers never gets to FastAPI."""
        scope = self._as_read(scope)
        if self._shortcut is not None and scope["method"] in (self.methods or ()):
            request = StrictRequest(scope, receive)
            await self._admit(request)
            answer = await self._shortcut(request)
            if answer is not None:
                await answer(scope, receive, send)
                return
        await super().handle(scope, receive, send)

    def place_of(self, pointer: str) -> str:
        """Say where a wrong field is that is known by its pointer alone: `in` of a problem."""
        name = pointer.removeprefix("/").partition("/")[0]
        if name in self.param_convertors:
            return "path"
        return "query" if name in self._parameters or self.body_field is None else "body"

    def _as_read(self, scope: Scope) -> Scope:
        if scope["type"] == "http" and scope["method"] == "HEAD" and "GET" in (self.methods or ()):
            return {**scope, "method": "GET"}
        return scope

    def get_route_handler(self) -> Handler:
        """Wrap FastAPI's handler."""
        handler = super().get_route_handler()

        async def handle(request: Request) -> Response:
            scope = request.scope
            if self._shortcut is None:
                await self._admit(request)
            if scope["query_string"] or request.path_params:
                self._check_parameters(request)
            if self.body_field is not None:
                self._check_body(request)
            strict = StrictRequest(scope, request.receive)
            if self._runs_once and (key := request.headers.get(HEADER)) is not None:
                check_form(key)
                if not _only_tries(scope):
                    return await self._once(strict, lambda: answered(strict))
            return await answered(strict)

        async def answered(request: StrictRequest) -> Response:
            try:
                return await handler(request)
            except HTTPException as error:
                # FastAPI turns whatever reading the body raises into a 400 of its own.
                if isinstance(error.__cause__, Refusal):
                    raise error.__cause__ from None
                raise

        return handle

    async def _once(self, request: StrictRequest, work: Work) -> Response:
        idempotency: Idempotency = request.scope["app"].state.idempotency
        key = await idempotency.key_of(
            request, operation=self.name, reads_body=self.body_field is not None
        )
        assert key is not None, "asked only where there is a header"
        return await idempotency.run(request, key, work, self._again)

    async def _admit(self, request: Request) -> None:
        """Find out who calls and ask the policy."""
        caller = None
        if self._asks_who:
            authenticate = request.scope["app"].state.authenticate
            caller = await authenticate(request.headers.get("authorization"))
        request.scope["caller"] = caller
        if self._is_counted:
            budgets: Budgets = request.scope["app"].state.budgets
            budgets.charge(request.scope, caller, writes=self._writes)
        self.policy(caller)

    def _check_parameters(self, request: Request) -> None:
        seen: set[str] = set()
        asked = query_of(request.scope["query_string"])
        if unknown := [name for name in dict(asked) if name not in self._parameters]:
            raise Invalid(errors=unknown_parameters(unknown))
        for name, value in asked:
            if name in seen and name not in self._lists:
                raise Invalid.field(f"/{name}", "the query names a parameter twice")
            seen.add(name)
            check_text(value, f"/{name}")
        for name, value in request.path_params.items():
            check_text(str(value), f"/{name}")

    def _check_body(self, request: Request) -> None:
        length = request.headers.get("content-length")
        if length is not None and int(length) > LARGEST_BODY_BYTES:
            raise BodyTooLarge
        if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
            detail = "The body must be sent without a content encoding."
            raise UnsupportedMediaType(detail)
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        expected = "application/x-www-form-urlencoded" if self.takes_form else "application/json"
        if kind != expected and (length not in {None, "0"} or kind):
            detail = f"The body must be sent as {expected}."
            raise UnsupportedMediaType(detail)


class Routes:
    """Collects the routes of one part of the API."""

    def __init__(self, tag: str) -> None:
        """`tag` groups the operations in the OpenAPI document."""
        self._tag = tag
        self._routes: list[GuardedRoute] = []

    def __iter__(self) -> Iterator[GuardedRoute]:
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
        keeps_key: bool = False,
        only_reads: bool = False,
        again: Again | None = None,
        problems: Problems | None = None,
    ) -> None:
        """Add one operation; its id is the endpoint's name, its text the docstring.

        `answers` is the model of the body that goes out (None: no body, or no JSON), `refuses`
        what this operation may say beyond what every operation of its shape may, `also` further
        statuses: what one without a body means, or the model of its body. One that is not `shown`
        stays out of the document; without `asks_who` there is no caller. `always_answered`: refused
        to nobody; without `is_counted` it costs no budget; `only_reads` says that a POST stores
        nothing. `tag` places it in the document, `problems` are models of refusals, by status.

        One that `knows_caller` serves everybody, but not everybody alike: signing in is up to them.
        A POST of a caller who is known runs once for each `Idempotency-Key`. One that `keeps_key`
        sees to that itself; `again` shows what was made where no GET of its address does.
        """
        token = needs_token(policy)
        is_somebodys = asks_who and (token or knows_caller)
        is_idempotent = method == "POST" and is_somebodys and not path.startswith(SIGNING_IN)
        route = GuardedRoute(
            path,
            endpoint,
            policy=policy,
            asks_who=asks_who,
            shortcut=shortcut,
            runs_once=is_idempotent and not keeps_key,
            again=again,
            is_counted=is_counted,
            methods=[method],
            tags=[tag or self._tag],
            status_code=status,
            response_description="Done"
            if answers is None
            else answers.__doc__ or "A page of a list",
            operation_id=endpoint.__name__,
            response_model=answers,
            include_in_schema=shown,
            responses={code: _described(more) for code, more in (also or {}).items()},
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
        )
        documented(route, answers, refuses, habits, problems or {})
        self._routes.append(route)


def needs_token(policy: Policy) -> bool:
    """Say whether the policy turns an anonymous caller away."""
    try:
        policy(None)
    except Unauthenticated:
        return True
    return False


def _described(also: str | type[BaseModel]) -> dict[str, Any]:
    if isinstance(also, str):
        return {"description": also}
    return {"description": also.__doc__, "model": also}


def _only_tries(scope: Scope) -> bool:
    """What is only tried has no effect that a second request could repeat."""
    asked = dict(query_of(scope["query_string"]))
    return asked.get("dry_run", "").lower() in {"true", "1", "on", "t", "yes", "y"}


def _queries(dependant: Dependant) -> Iterator[Any]:
    yield from dependant.query_params
    for child in dependant.dependencies:
        yield from _queries(child)


def _takes_several(field: Any) -> bool:
    kind = field.field_info.annotation
    return list in {get_origin(one) for one in (kind, *get_args(kind))}
