"""What pydantic derives from a field, once for all applications that tests make.

A program makes one application; a run of the tests makes dozens, of the same operations.
"""

from typing import Any

from fastapi._compat import v2
from pydantic import TypeAdapter
from pydantic.fields import FieldInfo

_DERIVED: dict[Any, tuple[TypeAdapter[Any], FieldInfo]] = {}
"""The field beside it is kept, because an address in its text may else become that of another."""
_derive = v2.ModelField.__post_init__


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


def derive_once() -> None:
    """From now on, a field of an application takes what was derived for one of another."""
    v2.ModelField.__post_init__ = _known_or_derive
