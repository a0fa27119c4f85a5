"""What FastAPI and pydantic derive from operations, once for all applications that tests make.

A program makes one application; a run of the tests makes dozens, of the same operations.
"""

import inspect
from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

from fastapi import routing
from fastapi._compat import v2
from fastapi.dependencies.models import Dependant
from fastapi.dependencies.utils import get_dependant
from pydantic import TypeAdapter
from pydantic.fields import FieldInfo

_DERIVED: dict[Any, tuple[TypeAdapter[Any], FieldInfo]] = {}
"""The field beside it is kept, because an address in its text may else become that of another."""
_derive = v2.ModelField.__post_init__
_READ: dict[Any, Dependant] = {}
_LISTS = [one.name for one in fields(Dependant) if one.default_factory is list]


def _known_or_derive(field: v2.ModelField) -> None:
    info = field.field_info
    told = info.asdict()
    key = info.annotation, repr(told["metadata"]), repr(told["attributes"]), repr(field.config)
    try:
        known = _DERIVED.get(key)
    except TypeError:  # Not hashable.
        _derive(field)
        return
    if known is None:
        _derive(field)
        _DERIVED[key] = field._type_adapter, info
    else:
        field._type_adapter = known[0]


def _known_or_read(*, path: str, call: Callable[..., Any], **about: Any) -> Dependant:
    """The parameters of a method, and what they depend on, are the same for each object."""
    method = getattr(inspect.unwrap(call), "__func__", None)
    if method is None:
        return get_dependant(path=path, call=call, **about)
    key = path, method, *about.items()
    known = _READ.get(key)
    if known is None:
        # Without the method: it would keep the first application for as long as the tests run.
        known = _READ[key] = replace(get_dependant(path=path, call=call, **about), call=None)
    return replace(known, call=call, **{name: [*getattr(known, name)] for name in _LISTS})


def derive_once() -> None:
    """From now on, an application takes what was derived for another."""
    v2.ModelField.__post_init__ = _known_or_derive
    routing.get_dependant = _known_or_read
