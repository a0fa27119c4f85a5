"""What a client reads of a stream of server-sent events."""

import asyncio
import json
from dataclasses import dataclass
from typing import Any

import httpx

from tests.patience import PATIENCE


@dataclass
class Told:
    """One event."""

    name: str
    id: str
    data: Any


class Reader:
    """Reads one event after the other."""

    def __init__(self, answer: httpx.Response) -> None:
        self._lines = answer.aiter_lines()

    async def next(self) -> Told:
        """The next one. Raises `EOFError` behind the last."""
        async with asyncio.timeout(PATIENCE):
            fields = dict[str, str]()
            async for line in self._lines:
                kind, _, value = line.partition(": ")
                if line:
                    fields[kind] = value
                elif "data" in fields:
                    return Told(fields["event"], fields.get("id", ""), json.loads(fields["data"]))
        raise EOFError
