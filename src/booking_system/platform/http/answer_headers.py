"""What the OpenAPI document says of the headers of answers."""

from collections.abc import Collection
from typing import Any, get_args

from pydantic import BaseModel, RootModel

from booking_system.platform.http.habits import Habits
from booking_system.shared_kernel.errors import Refusal
from booking_system.shared_kernel.idempotency import IdempotencyKeyInUse

HEADERS = {
    "X-Request-ID": "Names the request in logs: what you sent, or a new one. Quote it when you ask",
    "ETag": "Strong tag of this version: send it as `If-Match` with a change",
    "ETagOfBytes": "Strong tag of what is sent: `If-None-Match` asks whether it is still the same",
    "ETagOfChange": "Strong tag of this version; absent where nothing was changed, by `dry_run`",
    "ETagOfPresent": "Strong tag of the present version, where there is one",
    "Location": "Address of what was made",
    "Link": 'The next page, as `rel="next"`; absent on the last one (RFC 8288)',
    "Idempotent-Replayed": "`true`: the answer to an earlier request with the same key",
    "WWW-Authenticate": "`Bearer` (RFC 6750)",
    "Retry-After": "Seconds to wait before the next try",
    "RetryAfterOfWork": "Seconds to wait, where the request with this key is still worked on",
    "RateLimit": "What is left of the caller's minute (draft-ietf-httpapi-ratelimit-headers-10):"
    " `r` requests, and `t` seconds until there is more. Sent once less than half is left, with"
    " refusals, too",
    "RateLimit-Policy": "What the caller may ask for (the same draft): `q` requests in `w` seconds,"
    " `reads` and `writes` apart; beside `RateLimit`",
}
"""By their names in the document's components."""
BUDGET = ("RateLimit", "RateLimit-Policy")
SOMETIMES = {
    "ETagOfChange",
    "ETagOfPresent",
    "Link",
    "Idempotent-Replayed",
    "RetryAfterOfWork",
    *BUDGET,
}
STALE, TOO_MANY = 412, 429
HEADERS_OF_STATUS = {
    201: "Location",
    401: "WWW-Authenticate",
    429: "Retry-After",
    503: "Retry-After",
}


def header_components() -> dict[str, Any]:
    """Return the parts of the document that answers refer to."""
    return {
        name: {
            "description": text,
            "required": name not in SOMETIMES,
            "schema": {"type": "string"},
        }
        for name, text in HEADERS.items()
    }


def headers_of(
    status: int, answers: type[BaseModel] | None, habits: Habits | None = None
) -> dict[str, Any]:
    """Return the headers that an answer with this status carries, as references into the document.

    `answers` is its model, None where it has none.
    """
    fields = {} if answers is None else answers.model_fields
    wanted = {"X-Request-ID": "X-Request-ID"}
    if status in HEADERS_OF_STATUS:
        wanted[HEADERS_OF_STATUS[status]] = HEADERS_OF_STATUS[status]
    if status == STALE:
        wanted["ETag"] = "ETagOfPresent"
    elif tag := _tag_of(answers):
        wanted["ETag"] = tag
    if habits is not None and habits.has_tagged_bytes:
        wanted["ETag"] = "ETagOfBytes"
    if "next_cursor" in fields:
        wanted["Link"] = "Link"
    if habits is not None and habits.is_idempotent:
        wanted["Idempotent-Replayed"] = "Idempotent-Replayed"
    if habits is not None and habits.is_counted:
        wanted |= {name: name for name in BUDGET}
    return _named(wanted)


def headers_of_refusal(
    status: int, kinds: Collection[type[Refusal]], habits: Habits
) -> dict[str, Any]:
    """Return those of a refusal: what is left of a budget, where that is what refuses.

    Other refusals tell it as well; to list it at each of them would hide what differs.
    """
    wanted: dict[str, str] = {}
    if status == TOO_MANY and habits.is_counted:
        wanted |= {name: name for name in BUDGET}
    if status not in HEADERS_OF_STATUS and IdempotencyKeyInUse in kinds:
        wanted["Retry-After"] = "RetryAfterOfWork"
    return headers_of(status, None) | _named(wanted)


def _named(wanted: dict[str, str]) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{part}"} for name, part in wanted.items()}


def _tag_of(answers: type[BaseModel] | None) -> str | None:
    """Of a model with a version its tag; one of several that have one is not always there."""
    if answers is None:
        return None
    if issubclass(answers, RootModel):
        choices = get_args(answers.model_fields["root"].annotation)
        return "ETagOfChange" if any(map(_has_version, choices)) else None
    return "ETag" if _has_version(answers) else None


def _has_version(model: Any) -> bool:
    fields = getattr(model, "model_fields", {})
    return "version" in fields and fields["version"].annotation in {int, int | None}
