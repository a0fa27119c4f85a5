"""What the OpenAPI document says of the headers of answers."""

from typing import Any

from pydantic import BaseModel

from booking_system.platform.http.habits import Habits

HEADERS = {
    "ETag": "Strong tag of this version: send it as `If-Match` with a change",
    "Location": "Address of what was made",
    "Link": 'The next page, as `rel="next"`; absent on the last one (RFC 8288)',
    "Idempotent-Replayed": "`true`: the answer to an earlier request with the same key",
    "WWW-Authenticate": "`Bearer` (RFC 6750)",
    "Retry-After": "Seconds to wait before the next try",
}
HEADERS_OF_STATUS = {
    201: "Location",
    401: "WWW-Authenticate",
    429: "Retry-After",
    503: "Retry-After",
}


def headers_of(
    status: int, answers: type[BaseModel] | None, habits: Habits | None = None
) -> dict[str, Any]:
    """Return the headers that an answer with this status carries, as references into the document.

    `answers` is its model, None where it has none.
    """
    fields = {} if answers is None else answers.model_fields
    wanted = []
    if status in HEADERS_OF_STATUS:
        wanted.append(HEADERS_OF_STATUS[status])
    if "version" in fields and fields["version"].annotation is int:
        wanted.append("ETag")
    if "next_cursor" in fields:
        wanted.append("Link")
    if habits is not None and habits.is_idempotent:
        wanted.append("Idempotent-Replayed")
    return {name: {"$ref": f"#/components/headers/{name}"} for name in wanted}
