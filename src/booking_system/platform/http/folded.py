"""The OpenAPI document for a page that people read: errors are folded away.

Each of a dozen errors of each operation would stand there with an example of its own.
"""

from html import escape
from typing import Any

from booking_system.platform.http.problems import MEDIA_TYPE

FIRST_ERROR = 400
REST = "default"
"""What OpenAPI calls all statuses that an operation does not name."""


def folded(document: dict[str, Any]) -> dict[str, Any]:
    """Return the document with one answer for all errors of an operation: a list that opens."""
    return {
        **document,
        "paths": {
            path: {
                method: {**operation, "responses": _folded(operation["responses"])}
                for method, operation in operations.items()
            }
            for path, operations in document["paths"].items()
        },
    }


def _folded(responses: dict[str, Any]) -> dict[str, Any]:
    errors = {status: answer for status, answer in responses.items() if int(status) >= FIRST_ERROR}
    told = [
        f'<li><a href="/problems/{code}"><code>{code}</code></a> ({status}) {meaning}</li>'
        for status, answer in sorted(errors.items())
        for code, meaning in _codes(answer)
    ]
    if not told:
        return responses
    text = (
        f"<details><summary>{len(told)} codes of errors</summary>"
        f"<p>As <code>{MEDIA_TYPE}</code>:</p><ul>{''.join(told)}</ul></details>"
    )
    kept = {status: answer for status, answer in responses.items() if status not in errors}
    return {**kept, REST: {"description": text}}


def _codes(answer: dict[str, Any]) -> list[tuple[str, str]]:
    """The codes of one status, each with what it means, as the answer's description has them."""
    meanings = dict(
        part.removeprefix("`").split("`: ", 1)
        for part in answer["description"].removesuffix(".").split("; `")
        if "`: " in part
    )
    named = answer.get("content", {}).get(MEDIA_TYPE, {}).get("examples", {})
    return [(code, escape(meanings.get(code, ""))) for code in named]
