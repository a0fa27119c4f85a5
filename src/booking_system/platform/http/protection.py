"""Headers that keep answers from being kept, guessed at or framed by anybody they are not for."""

import re
from base64 import b64encode
from collections.abc import Iterable, Mapping
from hashlib import sha256

from fastapi import Response
from starlette.types import Scope

NOT_GUESSED = (b"x-content-type-options", b"nosniff")
NOT_KEPT = (b"cache-control", b"no-store")
INLINE = re.compile(rb"<script>(.*?)</script>", re.DOTALL)
NOTHING = {
    "default-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
}


def protecting(
    scope: Scope, status: int, headers: Iterable[tuple[bytes, bytes]]
) -> list[tuple[bytes, bytes]]:
    """Return the headers that an answer lacks (RFC 9111, section 5.2.2.5).

    What is not for everybody is kept by nobody, unless the operation itself has said by whom; an
    answer to somebody who named themselves is not for everybody, and a refusal may be another one
    the next time.
    """
    if any(name.lower() == b"cache-control" for name, _ in headers):
        return [NOT_GUESSED]
    route = scope.get("route")
    is_for_all = status < 400 and getattr(route, "is_public", False)
    if is_for_all and not any(name == b"authorization" for name, _ in scope["headers"]):
        return [NOT_GUESSED]
    return [NOT_GUESSED, NOT_KEPT]


def as_page(answer: Response, **allowed: str) -> Response:
    """Say what a page may load and who may frame it: nobody, and nothing but what is `allowed`.

    `allowed` names directives with underscores, as `img_src`. The scripts that stand in the page
    run as well, by their hashes: those that somebody else puts there do not.
    """
    directives: Mapping[str, str] = NOTHING | {
        name.replace("_", "-"): sources for name, sources in allowed.items()
    }
    hashes = [
        f"'sha256-{b64encode(sha256(script).digest()).decode()}'"
        for script in INLINE.findall(bytes(answer.body))
    ]
    if hashes:
        directives = {
            **directives,
            "script-src": " ".join([directives.get("script-src", ""), *hashes]).strip(),
        }
    policy = "; ".join(f"{name} {sources}" for name, sources in directives.items())
    answer.headers["Content-Security-Policy"] = policy
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer
