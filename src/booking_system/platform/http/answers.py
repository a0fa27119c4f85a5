"""Bodies that go out: JSON of models, or of the plain values that a hot path builds."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import orjson
from fastapi import Response
from pydantic import BaseModel

RawHeader = tuple[bytes, bytes]
JSON_TYPE: RawHeader = (b"content-type", b"application/json")


def json_bytes(value: object) -> bytes:
    """Return the JSON of models, dicts and lists; instants in UTC end with `Z`."""
    return orjson.dumps(value, default=_plain, option=orjson.OPT_UTC_Z)


class JsonAnswer(Response):
    """JSON that is written already; its headers are made in one pass."""

    media_type = "application/json"

    def __init__(self, body: bytes, status: int, headers: Sequence[RawHeader] = ()) -> None:
        """`headers`: further ones, neither the length nor the type."""
        self.status_code, self.body, self.background = status, body, None
        self.raw_headers = [*headers, (b"content-length", b"%d" % len(body)), JSON_TYPE]


def raw_headers(headers: Mapping[str, str]) -> list[RawHeader]:
    """Return them as a server takes them."""
    return [
        (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()
    ]


def json_answer(
    value: object, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Answer with JSON; `status` is of an answer that has a body."""
    return JsonAnswer(json_bytes(value), status, raw_headers(headers) if headers else ())


class MakingAnswer(Response):
    """The answer to a request that has made something: `made` says what, beside the body."""

    made: Sequence[UUID] = ()


def making_answer(
    value: object,
    made: Sequence[UUID],
    *,
    status: int = 201,
    headers: Mapping[str, str] | None = None,
) -> MakingAnswer:
    """Answer with JSON, and say what was `made`: what a request sent again will be shown."""
    answer = MakingAnswer(
        json_bytes(value), status_code=status, headers=headers, media_type="application/json"
    )
    answer.made = made
    return answer


def _plain(value: object) -> Any:
    if isinstance(value, UUID):
        # The database driver's own kind of UUID.
        return str(value)
    if isinstance(value, BaseModel):
        return dict(value)
    raise TypeError
