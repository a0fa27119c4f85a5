"""Where templates are rendered: nothing can be reached from there, and nothing is left out."""

import time
from collections.abc import Iterable, Mapping
from typing import Any, Final

from jinja2 import BaseLoader, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

LONGEST_OUTPUT: Final = 200_000
"""Characters."""
SECONDS: Final = 0.25
"""Of processor time; a mail takes about a thousandth."""


class RenderLimitError(Exception):
    """What a template makes is too long, or takes too long."""


def environment(loader: BaseLoader, *, is_html: bool) -> ImmutableSandboxedEnvironment:
    """Return an environment in which names must exist, and in HTML all values are escaped."""
    return ImmutableSandboxedEnvironment(
        loader=loader,
        autoescape=is_html,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        cache_size=-1,
        auto_reload=False,
    )


def within_limits(pieces: Iterable[str]) -> str:
    """Put the pieces together. Raises `RenderLimitError`."""
    until = time.thread_time() + SECONDS
    length, taken = 0, []
    for piece in pieces:
        length += len(piece)
        if length > LONGEST_OUTPUT:
            raise RenderLimitError("it is too long")
        if time.thread_time() > until:
            raise RenderLimitError("it takes too long")
        taken.append(piece)
    return "".join(taken)


Values = Mapping[str, Any]
