"""Entity tags: versions of resources, and preconditions on them (RFC 9110, section 13)."""

import re
from typing import Annotated

from fastapi import Header

from booking_system.shared_kernel.errors import Invalid

_ONE = r'(?:W/)?"([\x21\x23-\x7e\x80-\xff]*)"'
TAG = re.compile(_ONE)
SEVERAL_TAGS = re.compile(rf"{_ONE}(\s*,\s*{_ONE})+")
LONGEST = 9
"""Digits of a version."""
_PLACE = {"pointer": "/If-Match", "in": "header", "code": "etag"}
MALFORMED = {**_PLACE, "detail": 'must be an ETag as you read it, with its quotes, like "7"'}
SEVERAL = {**_PLACE, "detail": "takes one ETag here"}

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

    -1 stands for a tag that no version of ours ever had. A weak tag is read as a strong one: a
    proxy that packs an answer weakens its tag, and a version tells all of a resource. Raises
    `Invalid` for what is no tag, and for several of them.
    """
    if if_match is None or (text := if_match.strip()) == "*":
        return None
    found = TAG.fullmatch(text)
    if found is None:
        raise Invalid(errors=[SEVERAL if SEVERAL_TAGS.fullmatch(text) else MALFORMED])
    number = found[1]
    is_ours = number.isascii() and number.isdigit() and len(number) <= LONGEST
    return int(number) if is_ours else -1
