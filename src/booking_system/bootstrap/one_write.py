"""Head and body of an answer go out in one system call, and the head is made in one pass.

uvicorn writes the head as soon as it knows it, and looks at each field with two expressions. What
has a length is nearly always sent whole by the next message, so its head waits for that; a stream,
which has none, is left to uvicorn.
"""

import re
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

FORBIDDEN = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
"""No field holds it (RFC 9110, section 5.5); what ends a line is counted."""
END = b"\r\n"
CLOSING = b"connection: close\r\n"
UNUSUAL = frozenset({b"transfer-encoding", b"connection"})
UNKNOWN = -1


class OneWriteCycle(RequestResponseCycle):
    """One request and its answer. Made by uvicorn as its own class, which has the same layout."""

    _start: Any = None
    """The message that began the answer, until its head is written."""

    async def send(self, message: Any) -> None:
        """Send a part of the answer. Raises `RuntimeError` where HTTP knows no such answer."""
        start, self._start = self._start, None
        if start is not None:
            self._write(start, message)
            return
        is_begun = self.response_started or self.disconnected or self.flow.write_paused
        length = UNKNOWN if is_begun else _length_of(message)
        if length == UNKNOWN:
            await super().send(message)
            return
        self.response_started, self.waiting_for_100_continue = True, False
        self.chunked_encoding, self.expected_content_length = False, length
        self._start = message

    def _write(self, start: Any, message: Any) -> None:
        """Write the head, and as much of the body as is here."""
        if self.disconnected:
            return
        body = message.get("body", b"")
        if self.scope["method"] == "HEAD":
            self.expected_content_length, body = 0, b""
        self.expected_content_length -= len(body)
        is_complete = not message.get("more_body", False)
        if self.expected_content_length < 0 or (is_complete and self.expected_content_length):
            error = "The body has another length than was announced."
            raise RuntimeError(error)
        self.transport.writelines((self._head(start), body))
        if is_complete:
            self.response_complete = True
            self.message_event.set()
            if not self.keep_alive:
                self.transport.close()
            self.on_response()

    def _head(self, start: Any) -> bytes:
        fields = (*self.default_headers, *start["headers"])
        lines = [b"%b: %b\r\n" % field for field in fields]
        closing = b"" if self.keep_alive else CLOSING
        head = b"".join((STATUS_LINE[start["status"]], *lines, closing, END))
        ends = len(lines) + 2 + (not self.keep_alive)
        if head.count(b"\n") != ends or head.count(b"\r") != ends or FORBIDDEN.search(head):
            error = "A field of the answer holds what no field may hold."
            raise RuntimeError(error)
        return head


def _length_of(message: Any) -> int:
    """Return the length that the answer announces, where nothing about it is unusual."""
    length = UNKNOWN
    for name, value in message.get("headers", ()):
        if name == b"content-length":
            length = int(value)
        elif name in UNUSUAL:
            return UNKNOWN
    return length
