"""The title of an operation: how its docstring begins."""

import re
from collections.abc import Callable
from inspect import getdoc
from typing import Any

LONGEST = 60
"""Characters: in a list of operations a title stands on one line."""
END = re.compile(r"[.:;](?=\s|$)")


class UntitledError(Exception):
    """The docstring of an endpoint does not begin with a title. The program refuses to start."""


def title_of(endpoint: Callable[..., Any]) -> str:
    """Return what stands before the first full stop, colon or semicolon of the docstring.

    Raises `UntitledError` where that is nothing, or longer than a title.
    """
    title = " ".join(END.split(getdoc(endpoint) or "", maxsplit=1)[0].split())
    if not 0 < len(title) <= LONGEST:
        raise UntitledError(endpoint.__name__)
    return title
