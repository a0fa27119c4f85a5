"""Reads what providers answer, of which any part may be missing or of another kind."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import orjson
import structlog

from booking_system.payments.application.provider_port import ProviderUnsure

log = structlog.get_logger("booking_system.payments")
LONGEST = 255
"""Characters of any id, code or word of a provider's."""


class UnreadableAnswer(ProviderUnsure):
    """A yes without what a yes consists of."""


def object_in(raw: bytes) -> Mapping[str, Any] | None:
    """Return the JSON object of a body; None where it holds none."""
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None


def object_of(value: object) -> Mapping[str, Any]:
    """Return an object; an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def objects_of(value: object) -> list[Mapping[str, Any]]:
    """Return the objects of a list; none for anything else."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def below(told: Mapping[str, Any], *names: str) -> Mapping[str, Any]:
    """Go down from member to member; to an empty object where there is none."""
    for name in names:
        told = object_of(told.get(name))
    return told


def text_of(told: Mapping[str, Any], name: str) -> str | None:
    """Return a member that is a text of usual length."""
    value = told.get(name)
    return value if isinstance(value, str) and 0 < len(value) <= LONGEST else None


def words_of(told: Mapping[str, Any], name: str) -> str | None:
    """Return a member that is a text of any length, such as an address or a secret."""
    value = told.get(name)
    return value if isinstance(value, str) and value else None


def texts_of(value: object) -> list[str]:
    """Return the texts of a list; none for anything else."""
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def id_of(value: object) -> str | None:
    """Return an id that stands there alone, or the id of the object that stands in its place."""
    return text_of({"id": value}, "id") or text_of(object_of(value), "id")


def needed(told: Mapping[str, Any], name: str) -> str:
    """Return a text without which the answer means nothing. Raises `UnreadableAnswer`."""
    value = text_of(told, name)
    if value is None:
        raise UnreadableAnswer(f"no {name}")
    return value


def whole(told: Mapping[str, Any], name: str) -> int:
    """Return a number without decimals. Raises `UnreadableAnswer`."""
    value = told.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise UnreadableAnswer(f"no {name}")
    return value


def seconds_of(value: object) -> datetime | None:
    """Return an instant that is told in seconds since 1970."""
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    try:
        return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def moment_of(value: object) -> datetime | None:
    """Return an instant that is told in RFC 3339, in UTC."""
    try:
        told = datetime.fromisoformat(value if isinstance(value, str) else "")
        return told.astimezone(UTC) if told.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


def known(provider: str, about: str, word: str | None, words: Mapping[str, Any]) -> Any:
    """Return what a provider's word means; None for a new one, of which a line in the log tells."""
    meaning = words.get(word or "")
    if meaning is None:
        log.warning("provider_says_unknown_word", provider=provider, about=about, word=word)
    return meaning


def members(told: Mapping[str, Any], *names: str) -> Iterator[Mapping[str, Any]]:
    """Return the objects of a list below; none where there is none."""
    *way, last = names
    yield from objects_of(below(told, *way).get(last))
