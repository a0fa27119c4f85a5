"""What an operation says about itself in the OpenAPI document: security, headers, refusals."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import cache
from typing import Any, Literal

from fastapi.routing import APIRoute
from pydantic import BaseModel, Field

from booking_system.platform.http.answer_headers import (
    header_components,
    headers_of,
    headers_of_refusal,
)
from booking_system.platform.http.habits import Habits
from booking_system.platform.http.idempotency import HEADER
from booking_system.platform.http.input import USUAL_BODY, BodyTooLarge, UnsupportedMediaType
from booking_system.platform.http.problems import (
    MEDIA_TYPE,
    InternalError,
    MethodNotAllowed,
    RequestHeadTooLarge,
    RequestHeadTooSlow,
    all_refusals,
    status_of,
)
from booking_system.platform.postgres.faults import (
    DependencyUnavailable,
    OutcomeUnknown,
    Overloaded,
)
from booking_system.shared_kernel.errors import (
    Invalid,
    Malformed,
    NotFound,
    Refusal,
    TokenExpired,
    TooMany,
    Unauthenticated,
)
from booking_system.shared_kernel.idempotency import IdempotencyKeyInUse, IdempotencyKeyReused

CODE_OF_PROBLEM = "Stable, from a closed list: branch on this"


class FieldProblem(BaseModel):
    """One thing that is wrong with the input."""

    pointer: str = Field(description="JSON pointer (RFC 6901) to the field; empty: the whole")
    place: Literal["body", "query", "path", "header"] = Field(
        alias="in", description="Part of the request that it is in"
    )
    detail: str = Field(description="The same in words, for people")
    code: str = Field(
        description="What is wrong, in a word that stays the same: branch on it, show `detail`",
        examples=["unknown_field"],
    )


class Problem(BaseModel):
    """Why a request was refused (RFC 9457)."""

    type: str = Field(description="Address of the page that explains the code")
    title: str = Field(description="What the code means, in a sentence")
    status: int = Field(description="The status of the answer, once more")
    detail: str = Field(
        description="What happened here, in words for people; of the input nothing is repeated"
    )
    instance: str = Field(description="Names this occurrence by its request id")
    code: str = Field(description=CODE_OF_PROBLEM)
    errors: list[FieldProblem] = Field(
        default=[],
        description="What is wrong with the input, one by one; absent where that is not the reason",
    )


Problems = Mapping[int, type[Problem]]
"""By status: what the problems of an operation carry beyond what all do."""


SCHEMAS = "#/components/schemas/"

SECURITY_SCHEMES = {
    "password": {
        "type": "oauth2",
        "description": "Sign in with e-mail address and password",
        "flows": {
            "password": {
                "tokenUrl": "/v1/auth/token",
                "refreshUrl": "/v1/auth/token",
                "scopes": {},
            }
        },
    },
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "The `access_token` of a sign-in or a registration",
    },
}
WAYS_TO_SIGN_IN: list[dict[str, list[str]]] = [{name: []} for name in SECURITY_SCHEMES]

KEY_PARAMETER = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "description": "Names this request, as a new UUID does. Sent again with the same body within "
    "72 hours, it gets the same answer and has no second effect. Without a token it has at least "
    "22 characters, which nobody can guess",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]{1,255}$"},
}

ANY_BODY = {
    "description": "The bytes, as they are",
    "required": True,
    "content": {"*/*": {"schema": {"type": "string", "format": "binary"}}},
}
"""Bytes that the endpoint reads by itself."""

OF_NO_OPERATION = (
    Malformed,
    NotFound,
    MethodNotAllowed,
    RequestHeadTooLarge,
    RequestHeadTooSlow,
    InternalError,
    Overloaded,
)
"""What is said before an operation is found: unknown paths and methods, heads that are too large or
too slow, and a full house."""


def components(paths: dict[str, Any]) -> dict[str, Any]:
    """Return the parts of the OpenAPI document that the operations in its `paths` refer to."""
    said = json.dumps(paths)
    kinds: list[type[Problem]] = [Problem]
    kinds += (kind for kind in Problem.__subclasses__() if _reference(kind) in said)
    problems = [kind.model_json_schema(ref_template=f"{SCHEMAS}{{model}}") for kind in kinds]
    for problem in problems:
        for field in problem["properties"].values():
            # Absent where there is none, never null.
            field.pop("default", None)
        problem["properties"]["code"] = {
            "$ref": f"{SCHEMAS}ProblemCode",
            "description": CODE_OF_PROBLEM,
        }
    always = {kind.code for kind in OF_NO_OPERATION}
    codes = [kind.code for kind in _by_code() if kind.code in always or _is_said(kind, said)]
    return {
        "schemas": {
            **{name: part for problem in problems for name, part in problem.pop("$defs").items()},
            **{kind.__name__: problem for kind, problem in zip(kinds, problems, strict=True)},
            "ProblemCode": {
                "type": "string",
                "enum": codes,
                "description": CODE_OF_PROBLEM,
            },
        },
        "securitySchemes": SECURITY_SCHEMES,
        "headers": header_components(),
        "examples": {kind.code: _example(kind) for kind in _by_code() if kind.code in codes},
    }


def documented(
    route: APIRoute,
    answers: type[BaseModel] | None,
    refuses: Sequence[type[Refusal]],
    habits: Habits,
    problems: Problems,
) -> None:
    """Attach security, the headers of an answer, and the refusals to the route."""
    optional: list[dict[str, list[str]]] = [{}] if habits.knows_caller else []
    is_known = habits.needs_token or habits.knows_caller
    route.openapi_extra = {"security": [*optional, *WAYS_TO_SIGN_IN] if is_known else []}
    if habits.is_idempotent:
        route.openapi_extra["parameters"] = [KEY_PARAMETER]
    if habits.reads_raw_body:
        route.openapi_extra["requestBody"] = ANY_BODY
    assert route.status_code is not None, "every operation names its status"
    done = route.responses[route.status_code] = {"description": route.response_description}
    done["headers"] = headers_of(route.status_code, answers, habits)
    for status, also in route.responses.items():
        also.setdefault("headers", headers_of(int(status), None, habits))
    by_status: dict[int, list[type[Refusal]]] = defaultdict(list)
    for refusal in [*refuses, *_shared(route, habits)]:
        if refusal.code not in {known.code for known in by_status[status_of(refusal)]}:
            by_status[status_of(refusal)].append(refusal)
    for status, kinds in sorted(by_status.items()):
        problem = problems.get(status, Problem)
        route.responses[status] = {**_response(status, (*kinds,), problem, habits)}
    if habits.body_limit is not USUAL_BODY and BodyTooLarge in by_status[413]:
        route.responses[413]["description"] += f" At most {habits.body_limit.most_bytes:,} bytes."


def _reference(kind: type[Problem]) -> str:
    return f"{SCHEMAS}{kind.__name__}"


def _is_said(kind: type[Refusal], said: str) -> bool:
    return any(
        text in said for text in (f'"#/components/examples/{kind.code}"', f'"code": "{kind.code}"')
    )


def _by_code() -> Iterable[type[Refusal]]:
    first: dict[str, type[Refusal]] = {}
    for kind in all_refusals():
        first.setdefault(kind.code, kind)
    return [first[code] for code in sorted(first)]


def _shared(route: APIRoute, habits: Habits) -> list[type[Refusal]]:
    # Every operation refuses unknown query parameters.
    shared: list[type[Refusal]] = [Invalid, InternalError]
    if habits.asks_who:
        shared += [Unauthenticated, TokenExpired]
    if route.body_field is not None or habits.reads_raw_body:
        shared += [Malformed, BodyTooLarge, UnsupportedMediaType]
    if not habits.always_answered:
        shared.append(Overloaded)
    if habits.is_counted:
        shared.append(TooMany)
    if habits.needs_database:
        shared.append(DependencyUnavailable)
    if habits.needs_database and habits.writes:
        shared.append(OutcomeUnknown)
    if habits.is_idempotent:
        shared += [IdempotencyKeyInUse, IdempotencyKeyReused]
    return shared


@cache
def _response(
    status: int, kinds: tuple[type[Refusal], ...], problem: type[Problem], habits: Habits
) -> dict[str, Any]:
    """Return a part that is the same wherever these may be refused: nobody changes it."""
    more = problem.model_fields.keys() - Problem.model_fields.keys()
    return {
        "description": "; ".join(f"`{kind.code}`: {kind.title().rstrip('.')}" for kind in kinds)
        + ".",
        "content": {
            MEDIA_TYPE: {
                "schema": {"$ref": _reference(problem)},
                "examples": {kind.code: _example_with(kind, more) for kind in kinds},
            }
        },
        "headers": headers_of_refusal(status, kinds, habits),
    }


def _example_with(kind: type[Refusal], more: AbstractSet[str]) -> dict[str, Any]:
    """Return the example, with as much of `more` as the page of the code tells of, to be filled."""
    told = [name for name in sorted(more) if f"`{name}`" in kind.advice()]
    if not told:
        return {"$ref": f"#/components/examples/{kind.code}"}
    example = _example(kind)
    return {**example, "value": {**example["value"], **{name: [] for name in told}}}


def _example(kind: type[Refusal]) -> dict[str, Any]:
    value = {
        "type": f"https://booking.example.com/problems/{kind.code}",
        "title": kind.title(),
        "status": status_of(kind),
        "detail": kind.title(),
        "instance": "urn:request:0192f0c12b3c7d4e8f50617283940099",
        "code": kind.code,
    }
    if kind is Invalid:
        wrong = {"in": "body", "detail": "is required", "code": "required"}
        value["errors"] = [{"pointer": "/field", **wrong}]
    return {"summary": kind.title(), "value": value}
