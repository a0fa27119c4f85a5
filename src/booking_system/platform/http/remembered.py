"""What an address asks for is read once: the same address asks for the same again.

FastAPI takes a query apart anew for each request, and that was half of what such a read cost. What
an endpoint was given is remembered by path and query, letter by letter; who asks is not part of it.
Only what was read without a complaint is: everything else is FastAPI's to explain each time.
"""

import inspect
from collections import OrderedDict
from collections.abc import Callable
from functools import wraps
from typing import Any, NamedTuple

from fastapi import Request, Response
from fastapi.dependencies.models import Dependant
from starlette.types import Scope

from booking_system.platform.http.caller import caller

MOST_REMEMBERED = 2000
LONGEST_ADDRESS = 1000
"""Bytes of path and query; what is read of them takes about as much again."""
NOTES = "booking_system.notes"
"""In the scope of a request whose reading may be noted: where."""

Address = tuple[str, bytes]
Endpoint = Callable[..., Any]


class Reading(NamedTuple):
    """What the route's endpoint was given, but for the request and its caller."""

    route: Any
    path_params: dict[str, Any]
    values: dict[str, Any]


class Inputs(NamedTuple):
    """By which names an endpoint takes the request and its caller; all else is in the address."""

    request: str | None
    callers: frozenset[str]

    @classmethod
    def of(cls, dependant: Dependant, endpoint: Endpoint) -> "Inputs | None":
        """Return None where it takes something that is neither."""
        parts = [one for one in dependant.dependencies if one.call is not caller]
        if not all(map(_is_in_address, [dependant, *parts])) or any(
            part.dependencies or part.request_param_name for part in parts
        ):
            return None
        own = inspect.signature(endpoint).parameters
        callers = (one.name for one in dependant.dependencies if one.call is caller)
        request = dependant.request_param_name
        return cls(request if request in own else None, frozenset(filter(None, callers)))

    def values(self, reading: Reading, request: Request) -> dict[str, Any]:
        """Return what the endpoint takes for this request."""
        values = dict(reading.values)
        if self.request is not None:
            values[self.request] = request
        for name in self.callers:
            values[name] = request.scope["caller"]
        return values


class Readings:
    """The addresses that were asked for last."""

    def __init__(self) -> None:
        """None at first."""
        self._known: OrderedDict[Address, Reading] = OrderedDict()

    def find(self, scope: Scope) -> Reading | None:
        """Return what the request asks for, where its address was read before."""
        address = scope["path"], scope["query_string"]
        found = self._known.get(address)
        if found is not None:
            self._known.move_to_end(address)
        return found

    def note(self, scope: Scope, reading: Reading) -> None:
        """Remember it, and forget what was not asked for longest."""
        path, query = scope["path"], scope["query_string"]
        if len(path) + len(query) <= LONGEST_ADDRESS:
            self._known[path, query] = reading
            if len(self._known) > MOST_REMEMBERED:
                self._known.popitem(last=False)


def noting(endpoint: Endpoint) -> Endpoint:
    """Return the same endpoint, which notes what it is given where the scope says so."""
    signature = inspect.signature(endpoint)
    given = list(signature.parameters.values())
    own = next((one.name for one in given if one.annotation is Request), None)
    name = own or "noted_request"

    @wraps(endpoint)
    async def noted(**values: Any) -> Any:
        scope = values[name].scope
        inputs: Inputs | None = scope["route"].inputs
        if inputs is not None and NOTES in scope:
            left_out = {name, *inputs.callers}
            read = {key: value for key, value in values.items() if key not in left_out}
            reading = Reading(scope["route"], scope["path_params"], read)
            scope[NOTES].note(scope, reading)
        if own is None:
            del values[name]
        return await endpoint(**values)

    if own is None:
        more = inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=Request)
        signature = signature.replace(parameters=[*given, more])
    noted.__signature__ = signature  # type: ignore[attr-defined]
    return noted


def answers_itself(endpoint: Endpoint) -> bool:
    """Say whether it makes the whole answer, so that nothing is left to be done about it."""
    made = inspect.signature(endpoint).return_annotation
    return inspect.isclass(made) and issubclass(made, Response)


def _is_in_address(part: Dependant) -> bool:
    return not (
        part.header_params
        or part.cookie_params
        or part.body_params
        or part.websocket_param_name
        or part.http_connection_param_name
        or part.response_param_name
        or part.background_tasks_param_name
        or part.security_scopes_param_name
    )
