"""Bodies that go out: JSON of models, or of the plain values that a hot path builds."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import orjson
from fastapi import Response
from pydantic import BaseModel


def json_bytes(value: object) -> bytes:
    """Return the JSON of models, dicts and lists; instants in UTC end with `Z`."""
    return orjson.dumps(value, default=_plain, option=orjson.OPT_UTC_Z)


def json_answer(
    value: object, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Answer with JSON."""
    return Response(
        json_bytes(value), status_code=status, headers=headers, media_type="application/json"
    )


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
