"""What is wrong with an answer to a hostile request."""

import json
import re
from collections.abc import Iterator

from tests.hostile.draft import Kind
from tests.hostile.operations import Operation
from tests.hostile.wire import Answer

MARKS = re.compile(rb"zqx[0-9]{5}", re.IGNORECASE)
PROTOCOL = {400, 404, 405, 413, 415, 431}
"""What may be said of any request, whatever its operation documents."""
TO_STRANGERS = {400, 401, 404, 405, 431}
"""What somebody without credentials may be told where they are needed."""
NAMING = {"unknown_field", "unknown_parameter"}
PLAIN = re.compile(r"[A-Za-z0-9_.-]{1,64}")
INSIDES = re.compile(
    rb"Input should|invalid character|pydantic|sqlalchemy|asyncpg|Traceback|duplicate key|SELECT "
)
"""Words of libraries, whose texts may quote the input, and of the database."""
REACHING = {"body", "field", "query", "header"}
"""Groups that leave the credentials alone."""
OURS = {"body", "field"}
"""Groups that are fine HTTP, so that the server has no word of its own for them."""


def complaints(
    operation: Operation, kind: Kind, answer: Answer, *, is_known: bool
) -> Iterator[str]:
    """Yield all that is wrong with one answer."""
    if MARKS.search(answer.head):
        yield f"the head repeats the input: {answer.head!r}"
    if answer.is_bare and kind.group not in OURS:
        return
    seen = f"{answer.status} {answer.body[:300]!r}"
    yield from (f"{one}: {seen}" for one in _form(operation, answer))
    if is_known:
        yield from (f"{one}: {seen}" for one in _to_callers(operation, kind, answer))
    is_believed = is_known and kind.group != "credentials"
    if operation.needs_token and not is_believed and answer.status not in TO_STRANGERS:
        yield f"lets a stranger in: {seen}"


def _form(operation: Operation, answer: Answer) -> Iterator[str]:
    if answer.status >= 500:
        yield "failed"
    if answer.status >= 400:
        if answer.headers.get("content-type") != "application/problem+json":
            yield "is no problem"
        if MARKS.search(without_names(answer.body)):
            yield "repeats the input"
        if INSIDES.search(answer.body):
            yield "tells of our insides"
    if answer.status not in operation.statuses | PROTOCOL:
        yield "is not documented"


def without_names(body: bytes) -> bytes:
    """Take out all of the input that may come back: plain names of what is not known."""
    try:
        problem = json.loads(body)
        errors = problem.get("errors", [])
    except (ValueError, AttributeError):
        return body
    for error in errors:
        above, slash, name = error["pointer"].rpartition("/")
        if error["code"] in NAMING and PLAIN.fullmatch(name):
            error["pointer"] = above + slash
    return json.dumps(problem).encode()


def _to_callers(operation: Operation, kind: Kind, answer: Answer) -> Iterator[str]:
    if kind.group == "query" and answer.status < 300:
        yield "takes a query that it does not know"
    if kind.group in REACHING and b'"unauthenticated"' in answer.body:
        yield "does not let its caller in"
    reads_json = operation.schema is not None and not operation.is_form
    if kind.says and reads_json and f'"{kind.says}"'.encode() not in answer.body:
        yield f"does not say {kind.says}"
