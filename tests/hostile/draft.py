"""A request before it is sent: fine in every part, until a kind of hostility changes one."""

from collections.abc import Callable
from dataclasses import dataclass, field

MARK = b"MARK"
"""Stands for the text by which the request would be known again, wherever it turned up."""


@dataclass
class Draft:
    """`length` None: the true one; `raw` wins over everything else."""

    method: bytes
    target: bytes
    headers: dict[bytes, bytes]
    body: bytes = b""
    version: bytes = b"HTTP/1.1"
    length: bytes | None = None
    also: list[bytes] = field(default_factory=list)
    raw: bytes | None = None
    is_alone: bool = False
    hangs_up: bool = False

    def bytes_with(self, mark: bytes) -> bytes:
        """All that goes over the wire."""
        if self.raw is not None:
            return self.raw.replace(MARK, mark)
        body = self.body.replace(MARK, mark)
        lines = [b" ".join([self.method, self.target, self.version])]
        lines += [name + b": " + value for name, value in self.headers.items()]
        if self.length != b"":
            lines.append(b"Content-Length: " + (self.length or str(len(body)).encode()))
        lines += self.also
        return b"\r\n".join(lines).replace(MARK, mark) + b"\r\n\r\n" + body

    def without_credentials(self) -> None:
        self.headers.pop(b"Authorization", None)


Change = Callable[[Draft], None]


@dataclass(frozen=True, slots=True)
class Kind:
    """One way to be hostile. `group` says to which part of the request.

    `says` is the code with which an operation that reads JSON has to refuse it.
    """

    group: str
    name: str
    change: Change
    says: str = ""

    def __str__(self) -> str:
        return f"{self.group}: {self.name}"
