"""The deployment that is raced on: where it is, and how one connects to it."""

from dataclasses import dataclass, field
from ssl import SSLContext

from httpx import AsyncBaseTransport, AsyncClient, Limits, create_ssl_context

TIMEOUT_SECONDS = 20.0
CONNECTIONS = 2
"""Of each client: one of its own, and one for the twin of a request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """An API at `url`; `transport` stands in for the network where both are in one process."""

    url: str
    transport: AsyncBaseTransport | None = None
    _context: SSLContext = field(default_factory=create_ssl_context)

    def client(self) -> AsyncClient:
        """Return a client that shares nothing with others but the certificates that it trusts."""
        return AsyncClient(
            base_url=self.url,
            timeout=TIMEOUT_SECONDS,
            transport=self.transport,
            verify=self._context,
            limits=Limits(max_connections=CONNECTIONS),
        )
