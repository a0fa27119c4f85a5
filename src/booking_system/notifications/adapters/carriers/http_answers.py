"""What any provider's HTTP status means, where its own codes do not say more."""

from collections.abc import Mapping
from datetime import UTC, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import orjson

from booking_system.notifications.domain.sending import Fault, NotSentError, OutcomeUnknownError
from booking_system.shared_kernel.clock import Clock

LONGEST_REST = timedelta(days=1)
LONGEST_CODE = 80


def refuse(
    response: httpx.Response, clock: Clock, *, fault: Fault | None = None, code: str = ""
) -> NotSentError:
    """Return what a status that is no 2xx means; `fault` and `code` are the provider's own words.

    Raises `OutcomeUnknownError` for 504: somebody in front of the provider waited for its answer in
    vain, as we might have. A 500 is the provider's own no.
    """
    status = response.status_code
    if status == 504:
        raise OutcomeUnknownError("504")
    told = f"{status} {code}".strip()[:LONGEST_CODE]
    if status in {408, 425, 429} or status >= 500:
        return NotSentError(Fault.TEMPORARY, told, again_after=rest_asked_for(response, clock))
    return NotSentError(fault or by_status(status), told)


def by_status(status: int) -> Fault:
    """Return what a status below 500 says by itself."""
    return Fault.POLICY if status in {400, 413, 422} else Fault.REFUSED


def rest_asked_for(response: httpx.Response, clock: Clock) -> timedelta | None:
    """Return how long `Retry-After` asks to be left alone, at most a day."""
    said = response.headers.get("Retry-After", "").strip()
    if said.isascii() and said.isdigit():
        return min(timedelta(seconds=int(said[:9])), LONGEST_REST)
    try:
        until = parsedate_to_datetime(said)
    except ValueError:
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return min(max(until - clock.now(), timedelta()), LONGEST_REST)


def object_in(response: httpx.Response) -> Mapping[str, Any]:
    """Return the JSON object of an answer; an empty one where it holds none."""
    try:
        value = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}
