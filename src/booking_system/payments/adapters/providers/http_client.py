"""The HTTP client that providers are asked with."""

import ssl
from functools import cache

import httpx

OPENING, ANSWER = 5.0, 15.0
"""Seconds for a connection, and between two pieces of an answer."""


def http_client(answer_seconds: float = ANSWER) -> httpx.AsyncClient:
    """Return a client that follows no redirect; it is closed by its owner."""
    return httpx.AsyncClient(
        verify=authorities(),
        follow_redirects=False,
        timeout=httpx.Timeout(answer_seconds, connect=min(OPENING, answer_seconds)),
    )


@cache
def authorities() -> ssl.SSLContext:
    """Loaded once in a process: those that come with httpx, or of `SSL_CERT_FILE`."""
    return httpx.create_ssl_context()
