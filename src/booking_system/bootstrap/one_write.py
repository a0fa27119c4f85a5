"""Head and body of an answer go out in one system call: by themselves each takes one.

uvicorn writes the head as soon as it knows it. What has a length is nearly always sent whole by the
next message, so its head waits for that; a stream, which has none, is sent as it comes.
"""

from typing import Any

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle


class Kept:
    """Stands in for the transport while uvicorn makes the bytes."""

    def __init__(self) -> None:
        """Nothing is written."""
        self.parts: list[bytes] = []
        self.is_closed = False

    def write(self, data: bytes) -> None:
        """Keep it."""
        self.parts.append(data)

    def close(self) -> None:
        """Remember that the connection shall be closed behind this answer."""
        self.is_closed = True


class OneWriteCycle(RequestResponseCycle):
    """One request and its answer. Made by uvicorn as its own class, which has the same layout."""

    _kept: Kept | None = None

    async def send(self, message: Any) -> None:
        """Send a part of the answer."""
        kept, self._kept = self._kept, None
        if kept is None:
            if self.response_started or self.flow.write_paused or not _has_length(message):
                await super().send(message)
                return
            kept = Kept()
        real, self.transport = self.transport, kept  # type: ignore[assignment]
        try:
            await super().send(message)
        finally:
            self.transport = real
        if message["type"] == "http.response.start":
            self._kept = kept
        elif not self.disconnected:
            real.writelines(kept.parts)
            if kept.is_closed:
                real.close()


def _has_length(message: Any) -> bool:
    return any(name == b"content-length" for name, _ in message.get("headers", ()))
