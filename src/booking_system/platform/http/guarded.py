"""The route of one operation: its policy is asked first, then the input is read strictly."""

from collections.abc import Callable, Coroutine, Iterator
from copy import copy
from typing import Any, get_args, get_origin

from fastapi import Request, Response, params
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.routing import Match
from starlette.types import Receive, Scope, Send

from booking_system.platform.http.budgets import Budgets
from booking_system.platform.http.caller import Policy
from booking_system.platform.http.claiming import new_outside_key
from booking_system.platform.http.heads import header_of
from booking_system.platform.http.idempotency import HEADER, Idempotency, check_form
from booking_system.platform.http.input import (
    USUAL_BODY,
    BodyLimit,
    BodyTooLarge,
    StrictRequest,
    UnsupportedMediaType,
    check_text,
    query_of,
)
from booking_system.platform.http.once import OUTSIDE_KEY, ByTheUseCase, ClaimedFirst, Once, Work
from booking_system.platform.http.remembered import Inputs, Reading, answers_itself, noting
from booking_system.platform.http.validation import MOST, described, unknown_parameters
from booking_system.shared_kernel.errors import Invalid, Refusal, Unauthenticated

Handler = Callable[[Request], Coroutine[Any, Any, Response]]
Shortcut = Callable[[StrictRequest], Coroutine[Any, Any, Response | None]]


ASKED = "booking_system.asked"
"""In the scope of a request that the shortcut has left to FastAPI."""


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
        once: Once | None = None,
        is_counted: bool = True,
        body_limit: BodyLimit = USUAL_BODY,
        **kw: Any,
    ) -> None:
        """`policy` sees the caller before the query or the body is looked at.

        The `shortcut` is asked first and may leave the request to FastAPI, by None: for hot paths,
        whose usual requests need none of the ceremony.
        `once` is the way in which all requests with the same `Idempotency-Key` have one effect.
        Where a route does not ask who calls, an expired token in the header disturbs nobody.
        A request of a route that `is_counted` is charged to the caller's budget.
        """
        self.policy = policy
        self.is_public = not needs_token(policy)
        self.others: frozenset[str] = frozenset()
        """Paths that fit it, but are somebody else's."""
        self.body_limit = body_limit
        self._only_reads: Handler | None = None
        self._asks_who = asks_who
        self._shortcut = shortcut
        self._once = None if isinstance(once, ByTheUseCase) else once
        self._is_counted = is_counted
        is_read = type(self) is GuardedRoute and kw["methods"] == ["GET"] and shortcut is None
        is_noted = is_read and answers_itself(endpoint)
        self._unnoted = endpoint
        super().__init__(path, noting(endpoint) if is_noted else endpoint, **kw)
        self.inputs = Inputs.of(self.dependant, endpoint) if is_noted else None
        """How a request is answered whose address was read before; None: as any other."""
        self._writes = "GET" not in (self.methods or ())
        queries = list(_queries(self.dependant))
        self._parameters = frozenset(field.alias for field in queries)
        self._lists = frozenset(field.alias for field in queries if _takes_several(field))
        self.takes_form = self.body_field is not None and isinstance(
            self.body_field.field_info, params.Form
        )

    @property
    def reads_raw_body(self) -> bool:
        """Say whether the endpoint reads the body by itself: it has a limit, and no model."""
        return self.body_field is None and self.body_limit is not USUAL_BODY

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Take HEAD where GET is known (RFC 9110, section 9.3.2); the server drops the body."""
        if self.others and scope.get("path") in self.others:
            return Match.NONE, {}
        return super().matches(self._as_read(scope))

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the request; what the shortcut answers never gets to FastAPI."""
        scope = self._as_read(scope)
        has_asked = scope.pop(ASKED, False)
        if self._shortcut is not None and not has_asked and scope["method"] in (self.methods or ()):
            answer = await self.at_once(scope, receive)
            scope.pop(ASKED)
            if answer is not None:
                await answer(scope, receive, send)
                return
        await super().handle(scope, receive, send)

    @property
    def has_shortcut(self) -> bool:
        """Say whether usual requests can be answered without FastAPI's ceremony."""
        return self._shortcut is not None

    async def at_once(self, scope: Scope, receive: Receive) -> Response | None:
        """Admit the request and ask the shortcut; None: it is left to FastAPI, and admitted."""
        assert self._shortcut is not None
        request = StrictRequest(scope, receive)
        scope[ASKED] = True
        await self._admit(request)
        return await self._shortcut(request)

    async def again(self, scope: Scope, receive: Receive, reading: Reading) -> Response:
        """Admit the request and answer it by what was read of its address before."""
        assert self.inputs is not None
        request = StrictRequest(scope, receive)
        await self._admit(request)
        answer: Response = await self._unnoted(**self.inputs.values(reading, request))
        return answer

    def given(self, pointer: str) -> str:
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
            if self.body_field is not None:
                self._check_body(request)
            elif self.reads_raw_body:
                self._check_size(request)
            strict = StrictRequest(scope, request.receive)
            if scope["query_string"] or request.path_params:
                await self._check_parameters(strict)
            if self._once is not None:
                return await self._run_once(strict, lambda: answered(strict))
            return await answered(strict)

        async def answered(request: StrictRequest) -> Response:
            try:
                return await handler(request)
            except HTTPException as error:
                # FastAPI turns each error of reading the body into a 400 of its own.
                if isinstance(error.__cause__, Refusal):
                    raise error.__cause__ from None
                raise

        return handle

    async def _run_once(self, request: StrictRequest, work: Work) -> Response:
        way, text = self._once, request.headers.get(HEADER)
        assert not isinstance(way, ByTheUseCase | None), "it runs in one of the other ways"
        if isinstance(way, ClaimedFirst):
            request.scope[OUTSIDE_KEY] = new_outside_key()
        if text is None:
            return await work()
        check_form(text)
        if _only_tries(request.scope):
            return await work()
        idempotency: Idempotency = request.scope["app"].state.idempotency
        key = await idempotency.key_of(
            request, operation=self.name, reads_body=self.body_field is not None
        )
        assert key is not None, "there is a header"
        return await idempotency.run(request, key, work, way)

    async def _admit(self, request: Request) -> None:
        """Find out who calls and ask the policy."""
        caller = None
        if self._asks_who:
            authenticate = request.scope["app"].state.authenticate
            caller = await authenticate(header_of(request.scope, b"authorization"))
        request.scope["caller"] = caller
        if self._is_counted:
            budgets: Budgets = request.scope["app"].state.budgets
            budgets.charge(request.scope, caller, writes=self._writes)
        self.policy(caller)

    async def _check_parameters(self, request: StrictRequest) -> None:
        """Raise `Invalid` for names that are not known here, with all else that is wrong.

        And for text that no parameter takes, and for what is named twice.
        """
        seen: set[str] = set()
        asked = query_of(request.scope["query_string"])
        unknown = [name for name in dict(asked) if name not in self._parameters]
        for name, value in asked:
            if name in unknown:
                continue
            if name in seen and name not in self._lists:
                raise Invalid.field(f"/{name}", "the query names a parameter twice")
            seen.add(name)
            check_text(value, f"/{name}")
        for name, value in request.path_params.items():
            check_text(str(value), f"/{name}")
        if unknown:
            wrong = unknown_parameters(unknown) + await self._also_wrong(request)
            raise Invalid(errors=wrong[:MOST])

    async def _also_wrong(self, request: StrictRequest) -> list[dict[str, str]]:
        """Return what FastAPI finds wrong beside an unknown parameter, doing nothing else."""
        if isinstance(self._once, ClaimedFirst):
            request.scope[OUTSIDE_KEY] = new_outside_key()
        if self._only_reads is None:
            self._only_reads = self._reading()
        try:
            await self._only_reads(request)
        except RequestValidationError as error:
            return described(error.errors())
        except Invalid as refusal:
            return list(refusal.extras.get("errors", ()))
        except (Refusal, HTTPException):
            # It is told once the rest fits.
            return []
        return []

    def _reading(self) -> Handler:
        """Return what reads a request as FastAPI does, and calls no endpoint."""
        kept, trial = self.dependant, copy(self.dependant)
        trial.call = _nothing
        self.dependant = trial
        try:
            return super().get_route_handler()
        finally:
            self.dependant = kept

    def _check_size(self, request: Request) -> None:
        """Refuse a body that says it is too large before any of it is read, and packed ones."""
        length = request.headers.get("content-length")
        if length is not None and int(length) > self.body_limit.most_bytes:
            raise BodyTooLarge.beyond(self.body_limit)
        if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
            detail = "The body must be sent without a content encoding."
            raise UnsupportedMediaType(detail)

    def _check_body(self, request: Request) -> None:
        self._check_size(request)
        length = request.headers.get("content-length")
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        expected = "application/x-www-form-urlencoded" if self.takes_form else "application/json"
        if kind != expected and (length not in {None, "0"} or kind):
            detail = f"The body must be sent as {expected}."
            raise UnsupportedMediaType(detail)


async def _nothing(**_: Any) -> Response:
    return Response()


def needs_token(policy: Policy) -> bool:
    """Say whether the policy turns an anonymous caller away."""
    try:
        policy(None)
    except Unauthenticated:
        return True
    return False


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
