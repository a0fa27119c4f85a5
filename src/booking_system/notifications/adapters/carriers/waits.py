"""How long carriers wait, the same for all of them."""

from dataclasses import dataclass

SEND_BUFFER = 512 * 1024
"""Bytes that the kernel may keep of one connection; more than any message has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """Seconds.

    `opening` and `answer` are shorter than the lease of a message, so that it is nobody else's
    while this one still may go out.
    """

    opening: float = 10.0
    writing: float = 0.25
    answer: float = 10.0
    goodbye: float = 0.5
