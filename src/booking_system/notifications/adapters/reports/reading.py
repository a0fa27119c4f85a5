"""Reads what providers tell, of which any part may be missing or of another kind than described."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson

from booking_system.shared_kernel.errors import Malformed

LONGEST = 320
"""Characters of any address, id or code."""


def json_of(raw: bytes | str) -> Any:
    """Return the value of a JSON text. Raises `Malformed`."""
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        detail = "The body is not valid JSON in UTF-8."
        raise Malformed(detail) from None


def object_of(value: object) -> Mapping[str, Any]:
    """Return an object; an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def objects_of(value: object) -> list[Mapping[str, Any]]:
    """Return the objects of a list; none for anything else."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def text_of(told: Mapping[str, Any], *names: str) -> str | None:
    """Return the first of these members that is a text of usual length."""
    for name in names:
        value = told.get(name)
        if isinstance(value, str) and 0 < len(value) <= LONGEST and value.isprintable():
            return value
    return None


def id_of(value: object) -> UUID | None:
    """Return an id of ours, where it is one."""
    try:
        return UUID(value) if isinstance(value, str) and len(value) == 36 else None
    except ValueError:
        return None


def moment_of(value: object, otherwise: datetime) -> datetime:
    """Return an instant, told in ISO 8601 with an offset or in seconds since 1970, in UTC."""
    try:
        if isinstance(value, int):
            return datetime.fromtimestamp(value, UTC)
        told = datetime.fromisoformat(value if isinstance(value, str) else "")
        return told.astimezone(UTC) if told.tzinfo is not None else otherwise
    except (ValueError, OverflowError, OSError):
        return otherwise
