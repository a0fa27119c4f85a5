"""Explains each statement before it runs, planned as it is planned for the API."""

import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import asyncpg

PREPARED = "SELECT generic_plans > 0 FROM pg_prepared_statements WHERE name = $1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """One statement: pages touched, in memory or not, and the plan in short."""

    buffers: int
    plan: tuple[str, ...]


@dataclass(slots=True)
class ExplainedDatabase:
    """Stands where a `Database` does that is only read.

    Each statement is prepared once, so that PostgreSQL makes a plan of its own for the first five
    calls and may then keep a general one, as it does for the API's connections.
    """

    connection: asyncpg.Connection
    explanations: list[Explanation] = field(default_factory=list)
    _names: dict[str, str] = field(default_factory=dict)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator["ExplainedDatabase"]:
        """Yield what has the methods of the driver's connection."""
        yield self

    async def fetch(self, statement: str, *values: object, **more: Any) -> Sequence[Any]:
        """Explain, then fetch."""
        await self._explain(statement, values)
        rows: Sequence[Any] = await self.connection.fetch(statement, *values, **more)
        return rows

    async def fetchrow(self, statement: str, *values: object, **more: Any) -> Any:
        """Explain, then fetch one row."""
        await self._explain(statement, values)
        return await self.connection.fetchrow(statement, *values, **more)

    async def fetchval(self, statement: str, *values: object, **more: Any) -> Any:
        """Explain, then fetch one value."""
        await self._explain(statement, values)
        return await self.connection.fetchval(statement, *values, **more)

    async def _explain(self, statement: str, values: Sequence[object]) -> None:
        name = self._names.get(statement)
        if name is None:
            name = self._names[statement] = f"explained_{len(self._names)}"
            await self.connection.execute(f"PREPARE {name} AS {statement}")
        given = ", ".join(map(literal, values))
        answer = await self.connection.fetchval(
            f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) EXECUTE {name}({given})"
        )
        top = json.loads(answer)[0]["Plan"]
        is_general = await self.connection.fetchval(PREPARED, name)
        kind = "general plan" if is_general else "own plan"
        self.explanations.append(Explanation(buffers=buffers_of(top), plan=(kind, *described(top))))


def literal(value: object) -> str:
    """Write a value of ours as SQL; its type is known from the prepared statement."""
    if value is None:
        return "NULL"
    quoted = _written(value).replace("'", "''")
    return f"'{quoted}'"


def _written(value: object) -> str:
    if isinstance(value, list):
        return "{" + ",".join(map(_written, value)) + "}"
    return value.isoformat() if isinstance(value, date) else str(value)


def buffers_of(node: Mapping[str, Any]) -> int:
    """Return the pages that a node and those below it touched."""
    return int(node["Shared Hit Blocks"] + node["Shared Read Blocks"])


def described(node: Mapping[str, Any], depth: int = 0) -> Iterator[str]:
    """Yield a line for each node: what, on which index, rows that came and went, pages."""
    words = [node["Node Type"]]
    if subplan := node.get("Subplan Name"):
        words.insert(0, f"{subplan}:")
    if index := node.get("Index Name"):
        words.append(f"using {index}")
    elif table := node.get("Relation Name") or node.get("CTE Name"):
        words.append(f"on {table}")
    loops = int(node["Actual Loops"])
    rows = round(node["Actual Rows"] * loops)
    words.append(f"rows={rows}" + (f" loops={loops}" if loops > 1 else ""))
    if removed := node.get("Rows Removed by Filter"):
        words.append(f"removed={round(removed * loops)}")
    words.append(f"buffers={buffers_of(node)}")
    yield f"{'  ' * depth}{' '.join(words)}"
    for child in node.get("Plans", ()):
        yield from described(child, depth + 1)
