"""Parts of a representation that a client asks for by bytes (RFC 9110, section 14)."""

import re

from booking_system.platform.http.problems import RangeNotSatisfiable

ONE_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)


def range_of(
    asked: str | None, *, if_range: str | None, length: int, etag: str
) -> tuple[int, int] | None:
    """Return the first byte that is asked for and the one behind the last; None: all of them.

    Several ranges, other units and what is no range are answered with everything, as the standard
    lets a server do; so is a range of another version (`If-Range`). Raises `RangeNotSatisfiable`.
    """
    one = ONE_RANGE.fullmatch((asked or "").replace(" ", ""))
    is_other = if_range is not None and if_range.strip() != etag
    if one is None or one.group(0) == "bytes=-" or is_other:
        return None
    first, last = one.groups()
    if not first:
        start, end = max(length - int(last), 0), length
    else:
        start, end = int(first), min(int(last) + 1, length) if last else length
        if last and int(last) < int(first):
            return None
    if start >= length or start >= end:
        raise RangeNotSatisfiable(length=length)
    return start, end


def range_headers(part: tuple[int, int] | None, *, length: int) -> dict[str, str]:
    """Return what an answer says of its part of `length` bytes, and of ranges at all."""
    start, end = part or (0, length)
    headers = {"Accept-Ranges": "bytes", "Content-Length": str(end - start)}
    if part is not None:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{length}"
    return headers
