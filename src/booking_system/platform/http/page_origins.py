"""Pages of which sites may call (CORS, in the Fetch standard), for requests and for sockets."""

import re
from collections.abc import Iterable

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Scope, Send

OF_THIS_MACHINE = re.compile(rb"https?://(localhost|127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?")
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
SENT_BY_PAGES = [
    "Authorization",
    "Content-Type",
    "Hold-Token",
    "Idempotency-Key",
    "If-Match",
    "If-None-Match",
    "If-Range",
    "Last-Event-ID",
    "Range",
    "X-Request-ID",
]
READ_BY_PAGES = [
    "Accept-Ranges",
    "Content-Disposition",
    "Content-Range",
    "Deprecation",
    "ETag",
    "Idempotent-Replayed",
    "Link",
    "Location",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "Sunset",
    "WWW-Authenticate",
    "X-Instance",
    "X-Request-ID",
]


class PageOrigins:
    """The sites whose pages may call, open sockets, and read what they are answered."""

    def __init__(self, named: Iterable[str], *, of_this_machine: bool) -> None:
        """Those that are `named`, and where it is wanted any port of this machine's own names."""
        self._named = frozenset(origin.encode() for origin in named)
        self._of_this_machine = of_this_machine

    def allow(self, origin: bytes) -> bool:
        """Say whether pages of this origin may; it is compared as browsers write it."""
        if origin in self._named:
            return True
        return self._of_this_machine and OF_THIS_MACHINE.fullmatch(origin) is not None


class CrossOrigin(CORSMiddleware):
    """Answers browsers that ask before a call, and tells them who may read an answer.

    No cookies are used, so credentials need not be allowed.
    """

    def __init__(self, app: ASGIApp, *, origins: PageOrigins) -> None:
        """As middleware it says `Vary` of every answer; `Edge` asks it about pages alone."""
        super().__init__(
            app,
            allow_methods=METHODS,
            allow_headers=SENT_BY_PAGES,
            expose_headers=READ_BY_PAGES,
            max_age=600,
        )
        self._origins = origins

    def is_allowed_origin(self, origin: str) -> bool:
        """Ask what sockets ask, too."""
        return self._origins.allow(origin.encode("latin-1"))

    def before_a_call(self, scope: Scope) -> Response | None:
        """Return what a browser is told that asks whether its page may call.

        None: it does not ask, or its page may not. Then it is answered like anybody.
        """
        headers = Headers(scope=scope)
        asks = scope["method"] == "OPTIONS" and "access-control-request-method" in headers
        if not asks or not self.is_allowed_origin(headers["origin"]):
            return None
        return self.preflight_response(request_headers=headers)

    def telling(self, scope: Scope, send: Send) -> Send:
        """Return what sends an answer to a page."""
        headers = Headers(scope=scope)

        async def told(message: Message) -> None:
            await self.send(message, send=send, request_headers=headers)

        return told

    async def send(self, message: Message, send: Send, request_headers: Headers) -> None:
        """Say who may read the answer, and that it is another one for other pages."""
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            varies = "origin" in headers.get("vary", "").lower()
            origin = request_headers.get("origin")
            if origin is not None:
                headers.update(self.simple_headers)
                if self.is_allowed_origin(origin):
                    headers["Access-Control-Allow-Origin"] = origin
            if not varies:
                headers.add_vary_header("Origin")
        await send(message)
