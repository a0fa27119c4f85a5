"""Signatures over raw bodies: the policy of a hook, by which another machine shows who it is."""

import hashlib
import hmac
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.errors import Malformed


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """A request as it came: `target` is its path and query, neither decoded nor put in order."""

    headers: Mapping[str, str]
    target: bytes
    body: bytes


Signature = Callable[[Signed], Awaitable[None]]
"""Looks at a request before it is parsed; raises `InvalidSignature`, or another refusal."""

TOLERANCE = timedelta(seconds=300)
"""How far the moment of a signature may be from ours, in both directions."""
LONGEST_FIELD = 4096
MOST_SIGNATURES = 16


class InvalidSignature(Malformed):
    """The signature does not fit the body.

    The body must arrive byte for byte as it was signed, with a secret that is in use, and within
    five minutes.
    """

    code = "invalid_signature"


class TimedSignatures:
    """Checks `t=<seconds since 1970>,v1=<hex>`, where v1 is HMAC-SHA-256 over `<t>.<body>`.

    Any of several `v1` may fit any of the `secrets`: while a secret is changed for another there
    are two. What is older than five minutes, or as far in the future, is refused, so that nobody
    sends it again later; within that time the receiver knows events by their ids.
    """

    def __init__(self, header: str, secrets: Sequence[bytes], *, clock: Clock) -> None:
        """`header` names the field in lower case. Without secrets nothing is believed."""
        self._header = header
        self._secrets = tuple(secrets)
        self._clock = clock

    async def __call__(self, signed: Signed) -> None:
        """Raise `InvalidSignature`, with the same words for each cause."""
        moment, signatures = _parts(signed.headers.get(self._header, ""))
        far = abs(self._clock.now().timestamp() - moment)
        if far > TOLERANCE.total_seconds() or not self._fits(moment, signatures, signed.body):
            raise InvalidSignature

    def _fits(self, moment: int, signatures: Sequence[bytes], body: bytes) -> bool:
        signed = b"%d.%b" % (moment, body)
        fits = False
        for secret in self._secrets:
            expected = hmac.digest(secret, signed, hashlib.sha256).hex().encode()
            for one in signatures:
                # All are compared, each in constant time: how long it takes tells nothing.
                fits |= hmac.compare_digest(expected, one)
        return fits


def _parts(field: str) -> tuple[int, Sequence[bytes]]:
    if len(field) > LONGEST_FIELD:
        raise InvalidSignature
    pairs = [part.strip().partition("=") for part in field.split(",")]
    moments = [value for name, _, value in pairs if name == "t"]
    signatures = [value.encode("utf-8", "replace") for name, _, value in pairs if name == "v1"]
    if len(moments) != 1 or not moments[0].isascii() or not moments[0].isdigit():
        raise InvalidSignature
    if len(moments[0]) > 12 or len(signatures) > MOST_SIGNATURES:
        raise InvalidSignature
    return int(moments[0]), signatures
