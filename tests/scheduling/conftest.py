"""What tests of scheduling share with those of the platform."""

from tests.platform.conftest import stream

__all__ = ["stream"]
