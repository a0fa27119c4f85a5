"""Entity tags: versions of resources, and preconditions on them (RFC 9110, section 13)."""

from typing import Annotated

from fastapi import Header

from booking_system.shared_kernel.errors import Stale

IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match",
        max_length=200,
        description="The `ETag` that you read; `412` when the resource has changed since",
    ),
]


def etag_of(version: int) -> str:
    """Return the strong entity tag of a version."""
    return f'"{version}"'


def expected_version(if_match: str | None) -> int | None:
    """Return the version that the caller has seen; None where any will do.

    Raises `Stale` for a tag that no version of ours ever had.
    """
    if if_match is None or if_match.strip() == "*":
        return None
    tag = if_match.strip()
    number = tag[1:-1] if len(tag) > 2 and tag[0] == tag[-1] == '"' else ""
    if not number.isascii() or not number.isdigit() or len(number) > 9:
        raise Stale
    return int(number)
