"""Keyset paging: an opaque cursor that neither skips nor repeats while rows change."""

import base64
import binascii
import hashlib
import struct
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

from fastapi import Query, Request
from pydantic import BaseModel, Field

from booking_system.shared_kernel.errors import RuleViolation

Item = TypeVar("Item")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LAYOUT = struct.Struct(">4sq16s")
LONGEST = 100

Limit = Annotated[
    int,
    Query(ge=1, le=200, description="How many entries a page has at most; `next_cursor` leads on"),
]
CursorText = Annotated[str | None, Query(description="`next_cursor` of the page before")]


class InvalidCursor(RuleViolation):
    """This list has not given out the cursor.

    Send `next_cursor` of the page before, unchanged, with the same filters; or begin at the first
    page without a cursor.
    """

    code = "invalid_cursor"


class Page(BaseModel, Generic[Item]):
    """One page of a list."""

    items: list[Item]
    next_cursor: str | None = Field(description="Pass as `cursor` for the next page; null: the end")


def fingerprint(filters: Mapping[str, Any]) -> bytes:
    """Return four bytes that tell one list from another, so that cursors cannot be mixed up."""
    text = repr(sorted((name, str(value)) for name, value in filters.items()))
    return hashlib.blake2b(text.encode(), digest_size=4).digest()


def cursor_after(moment: datetime | None, identity: UUID, filters: Mapping[str, Any]) -> str:
    """Return the cursor that continues behind the row with this sort key."""
    micros = 0 if moment is None else (moment - EPOCH) // timedelta(microseconds=1)
    packed = LAYOUT.pack(fingerprint(filters), micros, identity.bytes)
    return base64.urlsafe_b64encode(packed).rstrip(b"=").decode()


def position_of(cursor: str | None, filters: Mapping[str, Any]) -> tuple[datetime, UUID] | None:
    """Return the sort key behind which the page begins; None: at the start.

    Raises `InvalidCursor` for text that `cursor_after` did not make for the same filters.
    """
    if cursor is None:
        return None
    if len(cursor) > LONGEST:
        raise InvalidCursor
    try:
        packed = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        mark, micros, identity = LAYOUT.unpack(packed)
        moment = EPOCH + timedelta(microseconds=micros)
    except (binascii.Error, struct.error, ValueError, OverflowError):
        raise InvalidCursor from None
    if mark != fingerprint(filters):
        raise InvalidCursor
    return moment, UUID(bytes=identity)


def link_to_next(request: Request, cursor: str | None) -> dict[str, str]:
    """Return the `Link` header of a page (RFC 8288); empty on the last one."""
    if cursor is None:
        return {}
    address = request.url.include_query_params(cursor=cursor)
    return {"Link": f'<{address.path}?{address.query}>; rel="next"'}
