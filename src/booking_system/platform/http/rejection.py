"""How every request is named, and the answer to one that is turned away, as bytes for the wire."""

import re
from collections.abc import Callable, Iterable, Sequence

from booking_system.platform.http.entrance import RETRY_AFTER_SECONDS
from booking_system.platform.http.problems import response_to, status_of
from booking_system.platform.http.protection import NOT_GUESSED, NOT_KEPT
from booking_system.platform.postgres.faults import Overloaded
from booking_system.shared_kernel.errors import Refusal

ACCEPTABLE = re.compile(rb"[A-Za-z0-9._-]{1,64}")
PLACE = "request-id"
"""Stands in the prepared bytes for the request's id."""
ORIGIN = b"origin"


class Rejection:
    """Made once, so that a refusal costs next to nothing."""

    def __init__(self, *, public_url: str, instance: str, new_id: Callable[[], str]) -> None:
        """`instance` names this process, `new_id` makes the ids of requests that bring none."""
        self.public_url = public_url
        self.instance = instance
        self._new_id = new_id
        answer = response_to(
            Overloaded(retry_after=RETRY_AFTER_SECONDS), request_id=PLACE, public_url=public_url
        )
        before, after = bytes(answer.body).split(PLACE.encode())
        self._before, self._after = before, after
        self._rest = len(before) + len(after)
        self._head = (
            b"".join(
                b"%b: %b\r\n" % pair for pair in answer.raw_headers if pair[0] != b"content-length"
            )
            + b"".join(b"%b: %b\r\n" % pair for pair in (NOT_GUESSED, NOT_KEPT))
            + b"x-instance: %b\r\n" % instance.encode()
        )
        self.status = status_of(Overloaded)

    def request_id(self, headers: Iterable[tuple[bytes, bytes]]) -> str:
        """Return the id that the client has chosen, or a new one."""
        for name, value in headers:
            if name == b"x-request-id" and ACCEPTABLE.fullmatch(value):
                text: str = value.decode("ascii")
                return text
        return self._new_id()

    def named(self, headers: Sequence[tuple[bytes, bytes]]) -> tuple[str, bool]:
        """Return that id, and whether a browser says which page sends it: both in one look."""
        for name, _ in headers:
            if name in {b"x-request-id", b"origin"}:
                return self.request_id(headers), any(name == ORIGIN for name, _ in headers)
        return self._new_id(), False

    def closing(self, refusal: Refusal, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
        """Return the answer to a head that was not read to its end, behind the status line."""
        request_id = self.request_id(headers)
        answer = response_to(refusal, request_id=request_id, public_url=self.public_url)
        head = [
            *answer.raw_headers,
            NOT_GUESSED,
            NOT_KEPT,
            (b"x-request-id", request_id.encode()),
            (b"x-instance", self.instance.encode()),
            (b"connection", b"close"),
        ]
        return b"".join(b"%b: %b\r\n" % pair for pair in head) + b"\r\n" + bytes(answer.body)

    def on_the_wire(self, headers: Iterable[tuple[bytes, bytes]], *, wants_body: bool) -> bytes:
        """Return the answer but for its status line and what the server adds to the head."""
        named = self.request_id(headers).encode()
        return b"%bx-request-id: %b\r\ncontent-length: %d\r\n\r\n%b" % (
            self._head,
            named,
            self._rest + len(named),
            b"".join((self._before, named, self._after)) if wants_body else b"",
        )
