"""Values held against the types that Stripe's own library has for them, as its types are written.

Stricter than a type checker: of `Literal[…] | str`, which leaves room for new words, only the words
that are named fit.
"""

import importlib
import inspect
import typing
from collections.abc import Iterator, Mapping
from functools import cache
from types import UnionType
from typing import Any, ForwardRef, Literal, Union, get_args, get_origin

import typing_extensions
from stripe._request_options import RequestOptions

OPTIONS = set(RequestOptions.__annotations__)
"""Members of each parameter type that are no parameters."""


def misfits(value: Any, kind: Any, module: str, at: str = "") -> Iterator[str]:
    """A sentence for each place of `value` that does not fit; texts of a form may be numbers."""
    kind = _resolved(kind, module)
    origin = get_origin(kind)
    if origin in {typing.Required, typing_extensions.Required, typing_extensions.NotRequired}:
        yield from misfits(value, get_args(kind)[0], module, at)
    elif typing_extensions.is_typeddict(kind):
        yield from _members(value, kind, module, at)
    elif origin in {Union, UnionType}:
        yield from _union(value, get_args(kind), module, at)
    elif origin in {Literal, typing_extensions.Literal}:
        if value not in get_args(kind):
            yield f"{at}: {value!r} is none of the words"
    elif origin is list:
        items = value if isinstance(value, list) else [value]
        for n, one in enumerate(items):
            yield from misfits(one, get_args(kind)[0], module, f"{at}[{n}]")
    elif origin is dict and not isinstance(value, dict):
        yield f"{at}: {value!r} is no object"
    elif fault := _plain_fault(value, kind):
        yield f"{at}: {value!r} {fault}"


def _plain_fault(value: Any, kind: Any) -> str | None:
    if kind is int and not str(value).lstrip("-").isdigit():
        return "is no number"
    if kind is bool and str(value).lower() not in {"true", "false"}:
        return "is neither true nor false"
    return "is no text" if kind is str and not isinstance(value, str) else None


def unknown_members(told: Mapping[str, Any], kind: type, at: str = "") -> Iterator[str]:
    """A sentence for each member of an answer that the library's class does not have.

    And for each word that is none of those which it names.
    """
    known = _annotations(kind)
    for name, value in told.items():
        if name not in known:
            yield f"{at}{name} is no member of {kind.__name__}"
        elif value is not None and (words := _words(known[name])) and value not in words:
            yield f"{at}{name}: {value!r} is none of {kind.__name__}'s words"


@cache
def _annotations(kind: type) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for one in reversed(kind.__mro__):
        found |= inspect.get_annotations(one)
    return found


def _words(kind: Any) -> set[Any]:
    if get_origin(kind) in {Literal, typing_extensions.Literal}:
        return set(get_args(kind))
    if get_origin(kind) in {Union, UnionType}:
        return set().union(*map(_words, get_args(kind)))
    return set()


def _members(value: Any, kind: Any, module: str, at: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{at}: {value!r} is no object"
        return
    known = {name: one for name, one in _annotations_of(kind).items() if name not in OPTIONS}
    for name, one in value.items():
        if name not in known:
            yield f"{at}.{name} is no parameter"
        else:
            yield from misfits(one, known[name], module, f"{at}.{name}")
    for name in kind.__required_keys__ - OPTIONS - value.keys():
        yield f"{at}.{name} is missing"


def _annotations_of(kind: Any) -> dict[str, Any]:
    found: dict[str, Any] = dict(kind.__annotations__)
    return found


def _union(value: Any, kinds: tuple[Any, ...], module: str, at: str) -> Iterator[str]:
    resolved = [_resolved(one, module) for one in kinds]
    is_word = isinstance(value, str) and set().union(*map(_words, resolved)) - {""}
    literals = [one for one in resolved if _words(one)] if is_word else []
    tried = [list(misfits(value, one, module, at)) for one in literals or resolved]
    if all(tried):
        yield from min(tried, key=len)


def _resolved(kind: Any, module: str) -> Any:
    if isinstance(kind, ForwardRef):
        kind = kind.__forward_arg__
    if not isinstance(kind, str):
        return kind
    untyped = {"UntypedStripeObject": dict, "StripeContext": str, "Decimal": str}
    names = {**vars(typing), **vars(typing_extensions)}
    names |= {**vars(importlib.import_module(module)), **untyped}
    return eval(kind, names)
