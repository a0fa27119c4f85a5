"""What tests of carriers share."""

import socket

import pytest


@pytest.fixture
def unused_port() -> int:
    """A port at which nobody listens."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port
