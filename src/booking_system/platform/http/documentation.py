"""What an operation says about itself in the OpenAPI document: security and refusals."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict, Field

from booking_system.platform.http.input import BodyTooLarge, UnsupportedMediaType
from booking_system.platform.http.problems import MEDIA_TYPE, InternalError, status_of
from booking_system.platform.postgres.faults import DependencyUnavailable, Overloaded
from booking_system.shared_kernel.errors import Invalid, Malformed, Refusal, Unauthenticated


class FieldProblem(BaseModel):
    """One thing that is wrong with the input."""

    pointer: str = Field(description="JSON pointer (RFC 6901) to the field; empty: the whole")
    detail: str
    code: str


class Problem(BaseModel):
    """Why a request was refused (RFC 9457)."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(description="Address of the page that explains the code")
    title: str
    status: int
    detail: str
    instance: str = Field(description="Names this occurrence by its request id")
    code: str = Field(description="Stable, from a closed list: branch on this")
    errors: list[FieldProblem] | None = None


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


def components() -> dict[str, Any]:
    """Return the parts of the OpenAPI document that every operation refers to."""
    problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    return {
        "schemas": {**problem.pop("$defs"), "Problem": problem},
        "securitySchemes": SECURITY_SCHEMES,
    }


def documented(route: APIRoute, refuses: Sequence[type[Refusal]], *, needs_token: bool) -> None:
    """Attach security and error responses to the route."""
    route.openapi_extra = {"security": WAYS_TO_SIGN_IN if needs_token else []}
    by_status: dict[int, list[type[Refusal]]] = defaultdict(list)
    for refusal in [*refuses, *_usual(route, needs_token=needs_token)]:
        if refusal.code not in {known.code for known in by_status[status_of(refusal)]}:
            by_status[status_of(refusal)].append(refusal)
    for status, kinds in sorted(by_status.items()):
        route.responses[status] = _response(status, kinds)


def _usual(route: APIRoute, *, needs_token: bool) -> list[type[Refusal]]:
    usual: list[type[Refusal]] = [InternalError, Overloaded, DependencyUnavailable]
    if needs_token:
        usual.append(Unauthenticated)
    if route.body_field is not None:
        usual += [Malformed, BodyTooLarge, UnsupportedMediaType]
    # Every operation refuses unknown query parameters.
    usual.append(Invalid)
    return usual


def _response(status: int, kinds: Sequence[type[Refusal]]) -> dict[str, Any]:
    examples = {
        kind.code: {
            "summary": kind.title(),
            "value": {
                "type": f"https://booking.example/problems/{kind.code}",
                "title": kind.title(),
                "status": status,
                "detail": kind.title(),
                "instance": "urn:request:0190f2b27d3c",
                "code": kind.code,
            },
        }
        for kind in kinds
    }
    return {
        "description": "; ".join(f"`{kind.code}`: {kind.title()}" for kind in kinds),
        "content": {
            MEDIA_TYPE: {
                "schema": {"$ref": "#/components/schemas/Problem"},
                "examples": examples,
            }
        },
    }
