"""The one layer that all input passes: strict JSON, known parameters, bounded text and times."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Any, NoReturn
from urllib.parse import parse_qsl

from fastapi import Request
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    StringConstraints,
)
from starlette.datastructures import FormData

from booking_system.platform.http.heads import header_of
from booking_system.platform.http.plain_text import one_line
from booking_system.platform.http.waiting import Begun, begin
from booking_system.shared_kernel.errors import Invalid, Malformed, TooLarge

BODY = "booking_system.body"
"""Where a request's scope keeps the body, for whoever reads it next."""
DEEPEST = 16
MOST_FORM_FIELDS = 20
LARGEST_NUMBER = 2**53
FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
LATEST = datetime(2100, 1, 1, tzinfo=UTC)
LAST_DAY = date(2099, 12, 30)
RFC_3339 = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyLimit:
    """How many bytes the body of one route may have, and how many seconds it may take to arrive.

    A body that is read as a whole is in memory, and requests that wait for theirs have no place at
    the entrance: where the limit is large, read it by `StrictRequest.pieces`.
    """

    most_bytes: int = 64 * 1024
    seconds: float = 5.0


USUAL_BODY = BodyLimit()
DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


class BodyTooLarge(TooLarge):
    """The body is larger than this service reads.

    Bodies are at most 64 KiB, unless the operation says otherwise. Send long lists in several
    requests.
    """

    code = "body_too_large"

    @classmethod
    def beyond(cls, limit: BodyLimit) -> "BodyTooLarge":
        """Say how large it may be, where that is not what all others say."""
        if limit is USUAL_BODY:
            return cls()
        return cls(f"The body may have at most {limit.most_bytes:,} bytes.")


class UnsupportedMediaType(Malformed):
    """The body must be sent as application/json.

    `detail` names the `Content-Type` that this operation reads.
    """

    code = "unsupported_media_type"


class StrictRequest(Request):
    """A request whose JSON is read strictly (RFC 8259, and I-JSON, RFC 7493)."""

    async def body(self) -> bytes:
        """Return the bytes. Raises what `pieces` raises; asked again, it has them still."""
        known: bytes | None = self.scope.get(BODY)
        if known is not None:
            return known
        read = bytearray()
        async for piece in self.pieces():
            read += piece
        body = self.scope[BODY] = bytes(read)
        return body

    async def pieces(self) -> AsyncIterator[bytes]:
        """Return the bytes as they come, once. The route's `BodyLimit` says how many at most.

        Raises `BodyTooLarge` before more is read, for any announced length, and `Malformed`
        for a body that breaks off or takes too long.
        """
        limit: BodyLimit = getattr(self.scope.get("route"), "body_limit", USUAL_BODY)
        deadline, read, more = asyncio.get_running_loop().time() + limit.seconds, 0, True
        while more:
            message = begin(self.receive())
            if isinstance(message, Begun):
                try:
                    async with asyncio.timeout_at(deadline):
                        message = await message
                except TimeoutError:
                    detail = "The body did not arrive in time."
                    raise Malformed(detail) from None
            if message["type"] == "http.disconnect":
                detail = "The body broke off."
                raise Malformed(detail)
            piece, more = message.get("body", b""), message.get("more_body", False)
            read += len(piece)
            if read > limit.most_bytes:
                raise BodyTooLarge.beyond(limit)
            yield piece

    @property
    def is_plain_json(self) -> bool:
        """Say whether a JSON body came and nothing that needs a closer look, as it usually does."""
        scope = self.scope
        return (
            header_of(scope, b"content-type") == "application/json"
            and header_of(scope, b"content-encoding") is None
            and not scope["query_string"]
        )

    async def json(self) -> Any:
        """Return the body.

        Raises `Malformed` for what is no JSON, `Invalid` for JSON that carries what no field can
        hold: lone surrogates, control characters, NaN, huge numbers, duplicate keys, deep nesting.
        """
        return strict_json(await self.body())

    async def form(self, **_: Any) -> FormData:  # type: ignore[override]
        """Return the fields of an `application/x-www-form-urlencoded` body.

        Raises `Malformed` for what is not UTF-8, `Invalid` for what no field can hold. Starlette's
        own parser reads bytes that are not percent-encoded as Latin-1 and bends broken UTF-8.
        """
        raw = await self.body()
        try:
            pairs = parse_qsl(
                raw.decode("utf-8"),
                keep_blank_values=True,
                errors="strict",
                max_num_fields=MOST_FORM_FIELDS,
            )
        except ValueError:
            detail = "The body is not a valid form in UTF-8."
            raise Malformed(detail) from None
        for text in (text for pair in pairs for text in pair):
            check_text(text, "")
        if len({name for name, _ in pairs}) != len(pairs):
            raise Invalid.field("", "the form names the same field twice", "duplicate_key")
        return FormData(dict(pairs))


def strict_json(raw: bytes) -> Any:
    """Return the value of a text that came in. Raises as `StrictRequest.json` does."""
    try:
        value = json.loads(
            raw.decode("utf-8"), parse_constant=_refuse, object_pairs_hook=_without_duplicates
        )
    except (ValueError, RecursionError):
        detail = "The body is not valid JSON in UTF-8."
        raise Malformed(detail) from None
    _check(value, depth=0)
    return value


def query_of(raw: bytes) -> list[tuple[str, str]]:
    """Return the parameters of a query. Raises `Invalid` for what is not UTF-8."""
    try:
        return parse_qsl(raw.decode("ascii"), keep_blank_values=True, errors="strict")
    except ValueError:
        wrong = {"pointer": "", "in": "query", "detail": "the query is not UTF-8"}
        raise Invalid(errors=[wrong | {"code": "forbidden_text"}]) from None


def check_text(value: str, where: str) -> None:
    """Raise `Invalid` where `value` holds a character that no field accepts."""
    if FORBIDDEN.search(value):
        raise Invalid.field(where, "contains a character that is not allowed", "forbidden_text")


def _refuse(_: str) -> NoReturn:
    raise Invalid.field("", "NaN and Infinity are not JSON numbers", "number_out_of_range")


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Invalid.field("", "an object names the same key twice", "duplicate_key")
    return found


def _check(value: object, depth: int) -> None:
    if depth > DEEPEST or (depth == DEEPEST and isinstance(value, dict | list)):
        raise Invalid.field("", f"nested deeper than {DEEPEST} levels", "too_deep")
    if isinstance(value, str):
        check_text(value, "")
    elif isinstance(value, dict):
        for key, item in value.items():
            check_text(key, "")
            _check(item, depth + 1)
    elif isinstance(value, list):
        for item in value:
            _check(item, depth + 1)
    elif isinstance(value, int | float) and not -LARGEST_NUMBER <= value <= LARGEST_NUMBER:
        raise Invalid.field("", "a number is out of range", "number_out_of_range")


def _only_text(value: object) -> object:
    if isinstance(value, str) and RFC_3339.fullmatch(value):
        return value.upper()
    message = "expected an RFC 3339 date-time with an offset, like 2027-03-01T09:00:00Z"
    if isinstance(value, str) and RFC_3339.fullmatch(value.replace(" ", "+")):
        message = "has a space where an offset begins: in an address, + is written %2B"
    raise ValueError(message)


def _only_day(value: object) -> object:
    if isinstance(value, str) and DAY.fullmatch(value):
        return value
    message = "must be a date like 2027-03-01"
    raise ValueError(message)


def _near_enough(value: date) -> date:
    if not EARLIEST.date() <= value <= LAST_DAY:
        message = "must lie between the years 2000 and 2100"
        raise ValueError(message)
    return value


def _in_range(value: datetime) -> datetime:
    try:
        instant = value.astimezone(UTC)
    except OverflowError:
        instant = EARLIEST.replace(year=1)
    if not EARLIEST <= instant < LATEST:
        message = "must lie between the years 2000 and 2100"
        raise ValueError(message)
    return instant


Instant = Annotated[AwareDatetime, BeforeValidator(_only_text), AfterValidator(_in_range)]
"""An instant as RFC 3339 text with an offset; arrives in UTC."""

Day = Annotated[date, BeforeValidator(_only_day)]
"""A calendar day as RFC 3339 text, like 2027-03-01; never a number."""

NearDay = Annotated[Day, AfterValidator(_near_enough)]
"""One whose instants are all accepted as well, whatever the time zone."""

ShortText = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200),
    AfterValidator(one_line),
]
"""One line: what is shown beside other things must not break, turn round or hide any of them."""

LongText = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]


class Input(BaseModel):
    """The base of every body that comes in: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _without_defaults(schema: dict[str, Any]) -> None:
    for field in schema.get("properties", {}).values():
        field.pop("default", None)


class Change(Input):
    """The base of every PATCH body: what is absent stays as it is (RFC 7396).

    Give each field the type that it has when present, and any default: it is never used.
    """

    model_config = ConfigDict(json_schema_extra=_without_defaults)

    def given(self) -> dict[str, Any]:
        """Return just the fields that the body names."""
        return self.model_dump(exclude_unset=True)
