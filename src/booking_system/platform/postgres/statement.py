"""Statements for the driver's own connection: written in SQLAlchemy Core, made into text at import.

Where SQLAlchemy would compile, look up and bind for each call, a statement of this module is a
constant text with numbered places, and a call costs what asyncpg costs. Names stay: each place has
one, and values are given by name.
"""

import re
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any, Generic, NamedTuple, TypeVar, overload

import asyncpg
from sqlalchemy import BindParameter
from sqlalchemy.dialects.postgresql.asyncpg import PGCompiler_asyncpg, PGDialect_asyncpg
from sqlalchemy.sql.elements import CompilerElement

V = TypeVar("V", bound=tuple[Any, ...])

_PLACE = re.compile(r"\$(\d+)")


class _NoValues(NamedTuple):
    """What a statement takes whose values are given as keywords."""


class _Compiler(PGCompiler_asyncpg):
    """Writes what is known already into the text, so that the planner sees it."""

    def visit_bindparam(self, bindparam: BindParameter[Any], *args: Any, **kw: Any) -> Any:
        if not bindparam.required:
            kw["literal_binds"] = True
        return super().visit_bindparam(bindparam, *args, **kw)  # type: ignore[no-untyped-call]


class _Dialect(PGDialect_asyncpg):
    statement_compiler = _Compiler
    supports_statement_cache = False


_DIALECT = _Dialect()  # type: ignore[no-untyped-call]
"""One for all: it remembers what each type is called."""


def _names_of(takes: type[Any]) -> tuple[str, ...]:
    """The fields, in place of a group its own."""
    kinds: Mapping[str, Any] = takes.__annotations__
    groups = [getattr(kind, "_fields", (name,)) for name, kind in kinds.items()]
    return tuple(chain.from_iterable(groups))


def _flat(values: tuple[Any, ...]) -> list[Any]:
    """Each value, in place of a group its fields."""
    flat: list[Any] = []
    for value in values:
        if hasattr(value, "_fields"):
            flat += value
        else:
            flat.append(value)
    return flat


class Statement(Generic[V]):
    """One constant statement, its text and the names of its values.

    `sql` is a Core expression or `sqlalchemy.text`, whose `bindparam`s without a value are the
    names (in a text write `CAST(:name AS type)`, as `:name::type` is no name to SQLAlchemy). With
    many names give `takes`, a `NamedTuple` with one field per name: the two are
    compared here, so a name that is missing on either side stops the import (`TypeError`), and a
    call hands its fields over as they are. A field that is a `NamedTuple` itself stands for its
    fields. Without `takes` a call gives its values as keywords.
    """

    __slots__ = ("_is_flat", "_keywords", "names", "seconds", "text")

    @overload
    def __init__(
        self: "Statement[_NoValues]", sql: CompilerElement, *, seconds: float | None = None
    ) -> None: ...

    @overload
    def __init__(
        self, sql: CompilerElement, takes: type[V], *, seconds: float | None = None
    ) -> None: ...

    def __init__(
        self,
        sql: CompilerElement,
        takes: type[Any] = _NoValues,
        *,
        seconds: float | None = None,
    ) -> None:
        """Raise `TypeError` where the names of the text and of `takes` differ.

        `seconds` is how long a call may take, where that is more than for others.
        """
        compiled = sql.compile(dialect=_DIALECT)
        found: Sequence[str] = compiled.positiontup or ()  # type: ignore[attr-defined]
        fields = _names_of(takes)
        self._is_flat = not any(hasattr(kind, "_fields") for kind in takes.__annotations__.values())
        if fields and set(fields) != set(found):
            odd = ", ".join(sorted(set(fields) ^ set(found)))
            raise TypeError(f"{takes.__name__} and its statement do not have in common: {odd}")
        self.names = fields or tuple(dict.fromkeys(found))
        self.text = _PLACE.sub(
            lambda place: f"${self.names.index(found[int(place[1]) - 1]) + 1}", compiled.string
        )
        self.seconds = seconds
        self._keywords = frozenset() if fields else frozenset(found)

    async def fetch(
        self, on: asyncpg.Connection, values: V | None = None, /, **named: Any
    ) -> list[asyncpg.Record]:
        """Return all rows."""
        given = self._given(values, named)
        rows: list[asyncpg.Record] = await on.fetch(self.text, *given, timeout=self.seconds)
        return rows

    async def fetchrow(
        self, on: asyncpg.Connection, values: V | None = None, /, **named: Any
    ) -> asyncpg.Record | None:
        """Return the first row, or None."""
        given = self._given(values, named)
        return await on.fetchrow(self.text, *given, timeout=self.seconds)

    async def fetchval(
        self, on: asyncpg.Connection, values: V | None = None, /, **named: Any
    ) -> Any:
        """Return the first column of the first row, or None."""
        return await on.fetchval(self.text, *self._given(values, named), timeout=self.seconds)

    async def execute(
        self, on: asyncpg.Connection, values: V | None = None, /, **named: Any
    ) -> str:
        """Return PostgreSQL's word for what was done, such as `UPDATE 2`."""
        given = self._given(values, named)
        done: str = await on.execute(self.text, *given, timeout=self.seconds)
        return done

    def _given(self, values: V | None, named: Mapping[str, Any]) -> Sequence[Any]:
        if values is not None:
            return values if self._is_flat else _flat(values)
        if named.keys() != self._keywords:
            odd = ", ".join(sorted(named.keys() ^ self._keywords))
            raise TypeError(f"The statement and its values do not have in common: {odd}")
        return [named[name] for name in self.names]
