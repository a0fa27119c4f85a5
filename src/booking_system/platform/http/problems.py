"""Refusals as RFC 9457 problem details: the only place that knows codes and HTTP statuses."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.routing import Match
from starlette.types import Scope

from booking_system.platform.http.answers import json_bytes
from booking_system.platform.http.etag import etag_of
from booking_system.platform.http.input import BodyTooLarge, UnsupportedMediaType
from booking_system.platform.http.validation import refusal_of
from booking_system.platform.observability.exchange import note_problem
from booking_system.shared_kernel import errors

MEDIA_TYPE = "application/problem+json"


class MethodNotAllowed(errors.Malformed):
    """This resource does not know that method.

    The header `Allow` lists the methods that it knows.
    """

    code = "method_not_allowed"


class RequestHeadTooLarge(errors.Malformed):
    """The head of the request is larger than this service reads.

    Its target and fields are at most 32 KiB, its fields at most 100. The connection is closed.
    """

    code = "request_head_too_large"


class RequestHeadTooSlow(errors.Malformed):
    """The head of the request took too long to arrive.

    It has ten seconds. The connection is closed; nothing was done.
    """

    code = "request_head_too_slow"


class RangeNotSatisfiable(errors.Malformed):
    """That part of the file is not there.

    `Range` asks for bytes behind its end. The header `Content-Range` says how long it is.
    """

    code = "range_not_satisfiable"


class InternalError(errors.Refusal):
    """Something went wrong on our side; the request id helps to find it.

    Tell the operator the request id, which is in `instance` and in `X-Request-ID`; the log has
    more. Whether a change was made is not known: look before you send it again.
    """

    code = "internal_error"


STATUS: Mapping[type[errors.Refusal], int] = {
    errors.Malformed: 400,
    errors.Unauthenticated: 401,
    errors.NotPermitted: 403,
    errors.NotFound: 404,
    MethodNotAllowed: 405,
    RequestHeadTooSlow: 408,
    errors.Conflict: 409,
    errors.Gone: 410,
    errors.Stale: 412,
    errors.TooLarge: 413,
    UnsupportedMediaType: 415,
    RangeNotSatisfiable: 416,
    errors.RuleViolation: 422,
    errors.TooMany: 429,
    RequestHeadTooLarge: 431,
    InternalError: 500,
    errors.Unavailable: 503,
}
"""The kind decides the status; the nearest class in the refusal's ancestry counts."""


def status_of(refusal: type[errors.Refusal]) -> int:
    """Return the HTTP status of a refusal."""
    return next(STATUS[kind] for kind in refusal.__mro__ if kind in STATUS)


def all_refusals() -> Iterator[type[errors.Refusal]]:
    """Every refusal that the loaded program can utter and that carries a code."""

    def below(kind: type[errors.Refusal]) -> Iterator[type[errors.Refusal]]:
        for child in kind.__subclasses__():
            yield child
            yield from below(child)

    yield from (kind for kind in below(errors.Refusal) if hasattr(kind, "code"))


def response_to(refusal: errors.Refusal, *, request_id: str, public_url: str) -> Response:
    """Render the refusal. Of its extras `retry_after` (seconds) and `version` become headers."""
    status = status_of(type(refusal))
    extras = dict(refusal.extras)
    headers = {}
    if (retry_after := extras.pop("retry_after", None)) is not None:
        headers["Retry-After"] = str(retry_after)
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if (allow := extras.pop("allow", None)) is not None:
        headers["Allow"] = ", ".join(allow)
    if (version := extras.pop("version", None)) is not None:
        headers["ETag"] = etag_of(version)
    if (length := extras.pop("length", None)) is not None:
        headers["Content-Range"] = f"bytes */{length}"
    body = {
        "type": f"{public_url}/problems/{refusal.code}",
        "title": refusal.title(),
        "status": status,
        "detail": refusal.detail,
        "instance": f"urn:request:{request_id}",
        "code": refusal.code,
        **extras,
    }
    return Response(
        json_bytes(body),
        status_code=status,
        headers=headers,
        media_type=MEDIA_TYPE,
    )


def install(app: FastAPI, *, public_url: str) -> None:
    """Answer every refusal, validation error and HTTP error of `app` with a problem."""

    def answer(request: Request, refusal: errors.Refusal) -> Response:
        return answer_to(request.scope, refusal, public_url=public_url)

    async def on_refusal(request: Request, error: Exception) -> Response:
        assert isinstance(error, errors.Refusal)
        return answer(request, error)

    async def on_validation(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return answer(request, refusal_of(error.errors()))

    async def on_http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return answer(request, _of_http(app, request, error))

    app.add_exception_handler(errors.Refusal, on_refusal)
    app.add_exception_handler(RequestValidationError, on_validation)
    app.add_exception_handler(HTTPException, on_http)


def answer_to(scope: Scope, refusal: errors.Refusal, *, public_url: str) -> Response:
    """Return the problem that answers the request, and note its code for the metrics."""
    _place(scope, refusal)
    if type(refusal).code == errors.Unavailable.code:
        refusal = _with_a_reason(scope, refusal)
    note_problem(scope, refusal.code)
    return response_to(refusal, request_id=scope.get("request_id", ""), public_url=public_url)


def _with_a_reason(scope: Scope, refusal: errors.Refusal) -> errors.Refusal:
    """Add what the application knows of where something does not answer and gave no reason."""
    shortage = getattr(scope["app"].state, "shortage", None)
    if refusal.detail != refusal.title() or shortage is None or not (reason := shortage()):
        return refusal
    return type(refusal)(f"{refusal.detail} {reason}", **refusal.extras)


def _place(scope: Scope, refusal: errors.Refusal) -> None:
    """Say of each wrong field where it is, wherever the refusal knew it by its name alone."""
    wrong: Sequence[Mapping[str, str]] = refusal.extras.get("errors", ())
    if wrong:
        given = scope["route"].given
        refusal.extras["errors"] = [{"in": given(one["pointer"]), **one} for one in wrong]


def _of_http(app: FastAPI, request: Request, error: HTTPException) -> errors.Refusal:
    if error.status_code == 404:
        return errors.NotFound()
    if error.status_code == 405:
        return MethodNotAllowed(allow=_methods(app, request))
    if error.status_code == 413:
        return BodyTooLarge()
    return errors.Malformed() if error.status_code < 500 else InternalError()


def _methods(app: FastAPI, request: Request) -> Sequence[str]:
    found: set[str] = set()
    for route in app.router.routes:
        match, _ = route.matches(request.scope)
        methods: Any = getattr(route, "methods", None)
        if match is not Match.NONE and methods:
            found.update(methods)
    # What can be read can be asked for its headers alone (RFC 9110, section 9.3.2).
    if "GET" in found:
        found.add("HEAD")
    return sorted(found)
