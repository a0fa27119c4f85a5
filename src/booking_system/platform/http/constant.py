"""Bodies that stay as they are while the process lives, for everybody: compressed and tagged once.

Nothing else is compressed. What is for one caller may stand beside text that somebody else has
chosen, and from the lengths of such answers a secret could be guessed (BREACH). Lists that anybody
may read change with every booking, on the hottest paths: a proxy compresses them where that pays.
"""

import gzip
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Self

from fastapi import Request, Response

from booking_system.platform.http.answers import json_bytes
from booking_system.platform.http.heads import header_of

ASKED_FOR_AGAIN = "no-cache"
"""Kept, and shown again only where it is still the same."""
SHORTEST = 1024
"""Bytes: less than that is sent as it is."""
GZIP = "gzip"
REFUSED = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ConstantBody:
    """A body as it is and, where that is worth it, compressed; each with a tag of its own."""

    media_type: str
    plain: bytes
    packed: bytes | None
    digest: str

    @classmethod
    def of(cls, body: bytes, media_type: str) -> Self:
        """Compress and sum up a body; some tens of milliseconds for a megabyte."""
        packed = gzip.compress(body, compresslevel=6, mtime=0) if len(body) >= SHORTEST else None
        digest = sha256(body).hexdigest()[:32]
        return cls(media_type=media_type, plain=body, packed=packed, digest=digest)

    def answer(self, request: Request, *, cache_control: str) -> Response:
        """Answer with it, compressed where the client takes that; 304: the client has it."""
        is_packed = self.packed is not None and takes_gzip(
            header_of(request.scope, b"accept-encoding")
        )
        headers = {"Cache-Control": cache_control, "ETag": self._tag(packed=is_packed)}
        if self.packed is not None:
            headers["Vary"] = "Accept-Encoding"
        known = header_of(request.scope, b"if-none-match") or ""
        tags = {text.strip().removeprefix("W/") for text in known.split(",")}
        if tags & {"*", self._tag(packed=False), self._tag(packed=True)}:
            return Response(status_code=304, headers=headers)
        body = self.plain
        if is_packed and self.packed is not None:
            body = self.packed
            headers["Content-Encoding"] = GZIP
        return Response(body, headers=headers, media_type=self.media_type)

    def _tag(self, *, packed: bool) -> str:
        return f'"{self.digest}-{GZIP}"' if packed else f'"{self.digest}"'


@lru_cache(maxsize=4)
def constant_json(document: Callable[[], object]) -> ConstantBody:
    """Return the body of a document, which is asked for once."""
    return ConstantBody.of(json_bytes(document()), "application/json")


def takes_gzip(accepted: str | None) -> bool:
    """Say whether `Accept-Encoding` takes gzip (RFC 9110, section 12.5.3); without it, no."""
    weights: dict[str, float] = {}
    for part in (accepted or "").lower().split(","):
        name, _, parameter = part.partition(";")
        weight = parameter.strip().removeprefix("q=")
        try:
            weights[name.strip()] = float(weight) if weight else 1.0
        except ValueError:
            weights[name.strip()] = REFUSED
    return weights.get(GZIP, weights.get("*", REFUSED)) > REFUSED
