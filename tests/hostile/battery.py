"""Sends everything hostile to every operation that writes, and notes what was wrong with it."""

import asyncio
import json
from collections import Counter, defaultdict
from collections.abc import Awaitable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from urllib.parse import urlencode

from tests.access.table import ROWS, Row
from tests.hostile.draft import Draft, Kind
from tests.hostile.judge import complaints
from tests.hostile.operations import Operation
from tests.hostile.victims import Victims
from tests.hostile.wire import Answer, Line, Silence

LINES = 8
STALLING = 16
"""So many may wait at once for an answer that takes as long as the server lets them."""
STRANGERS = 4
"""In the short form every so many shots are fired without credentials as well."""
CHEAP: dict[str, dict[str, str]] = {
    # Refused before a password is hashed: hashing is slow on purpose.
    "/v1/auth/register": {"password": "MARK"},
    "/v1/auth/token": {"grant_type": "refresh_token", "refresh_token": "MARK"},
    "/v1/me/password": {"current_password": "MARK", "new_password": "MARK"},
}


@dataclass
class Report:
    """What was sent, and what was wrong with the answers."""

    fewest: int = 0
    """So many are to be sent to each operation with credentials."""
    sent: Counter[str] = field(default_factory=Counter)
    seen: Counter[tuple[str, str, int]] = field(default_factory=Counter)
    wrong: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    well: dict[str, list[int]] = field(default_factory=dict)
    stalled: dict[str, list[Answer] | None] = field(default_factory=dict)
    metrics: bytes = b""
    log: str = ""
    database_log: str = ""


@dataclass
class Battery:
    """All shots at one server."""

    victims: Victims
    host: str
    port: int
    of_one_row: frozenset[str] = frozenset()
    """What stalls at these is waited for: else it would change the row under the next request."""
    report: Report = field(default_factory=Report)
    _numbers: Iterator[int] = field(default_factory=count)
    _stalling: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(STALLING))

    async def fire(self, operations: list[Operation], *, long: bool) -> None:
        """One operation after the other, each over a few connections.

        What may stall has a connection of its own, and nobody waits for it before the end.
        """
        lines = [Line(self.host, self.port) for _ in range(LINES)]
        try:
            async with asyncio.TaskGroup() as alone:
                for turn, operation in enumerate(operations):
                    target = await self._target(operation)
                    before = await self._behaves(target, lines[0])
                    kinds = operation.kinds(long=long, turn=turn)
                    strangers = kinds if long else kinds[turn % STRANGERS :: STRANGERS]
                    shots = iter(
                        [(kind, True) for kind in kinds] + [(kind, False) for kind in strangers]
                    )
                    shooting = (
                        self._shoot(operation, target, shots, line, alone) for line in lines
                    )
                    await asyncio.gather(*shooting)
                    after = await self._behaves(target, lines[0])
                    self.report.well[str(operation)] = [before, after]
        finally:
            for line in lines:
                await line.close()

    async def _target(self, operation: Operation) -> "Target":
        row = row_of(operation)
        name = next(one for one in PREFERRED if one in row.may)
        values, person = await self.victims.of(row, name)
        return Target(row, values, None if person is None else person.token)

    async def _behaves(self, target: "Target", line: Line) -> int:
        """The status of a request that is as it should be."""
        (answer,) = await line.ask(target.draft(cheap=False).bytes_with(self._mark()))
        return answer.status

    def _mark(self) -> bytes:
        return b"zqx%05d" % next(self._numbers)

    async def _shoot(
        self,
        operation: Operation,
        target: "Target",
        shots: Iterator[tuple[Kind, bool]],
        line: Line,
        alone: asyncio.TaskGroup,
    ) -> None:
        for kind, known in shots:
            draft, mark = target.draft(cheap=True), self._mark()
            if not known:
                draft.without_credentials()
            kind.change(draft)
            shot = Shot(operation, kind, known, draft, mark)
            if draft.is_alone and str(operation) in self.of_one_row:
                await self._fire_alone(shot)
            elif draft.is_alone:
                alone.create_task(self._fire_alone(shot))
            else:
                await self._note(shot, line.ask(shot.raw))

    async def _fire_alone(self, shot: "Shot") -> None:
        async with self._stalling:
            line = Line(self.host, self.port)
            await self._note(shot, line.alone(shot.raw, hang_up=shot.draft.hangs_up))

    async def _note(self, shot: "Shot", asked: Awaitable[list[Answer]]) -> None:
        answers: list[Answer] = []
        try:
            answers = await asked
            wrong = [
                one
                for answer in answers
                for one in complaints(shot.operation, shot.kind, answer, is_known=shot.known)
            ]
            if not answers and not shot.draft.hangs_up:
                wrong.append("no answer")
        except (Silence, AssertionError, ConnectionError) as error:
            wrong = [repr(error)]
        self.report.sent[shot.whose] += 1
        for answer in answers[:1]:
            self.report.seen[shot.whose, shot.kind.group, answer.status] += 1
        self.report.wrong[str(shot.operation)] += [f"{shot}: {one}" for one in wrong]


@dataclass(frozen=True, slots=True)
class Shot:
    """One hostile request; `known` with credentials."""

    operation: Operation
    kind: Kind
    known: bool
    draft: Draft
    mark: bytes

    @property
    def raw(self) -> bytes:
        return self.draft.bytes_with(self.mark)

    @property
    def whose(self) -> str:
        return f"{self.operation} {'known' if self.known else 'unknown'}"

    def __str__(self) -> str:
        return f"{self.kind}{'' if self.known else ', unknown'}, {self.mark.decode()}"


PREFERRED = ("platform_admin", "receptionist", "clinic_admin", "patient", "doctor", "anonymous")


def row_of(operation: Operation) -> Row:
    """The row of the access table that staff may do, else the first."""
    rows = [row for row in ROWS if (row.method, row.path) == (operation.method, operation.path)]
    assert rows, f"{operation} has no row in tests/access/table.py"
    return next((row for row in rows if {"platform_admin", "receptionist"} & row.may), rows[0])


@dataclass(frozen=True, slots=True)
class Target:
    """Where the shots of one operation go."""

    row: Row
    values: Iterator[dict[str, str]]
    token: str | None

    def draft(self, *, cheap: bool) -> Draft:
        """A request as it should be; a `cheap` one may be refused for its password."""
        values = next(self.values)
        token = values.get("token", self.token)
        body = _filled(self.row.body or self.row.form, values)
        if cheap and self.row.path in CHEAP:
            body |= CHEAP[self.row.path]
        headers = {b"Host": b"127.0.0.1"}
        if token is not None:
            headers[b"Authorization"] = f"Bearer {token}".encode()
        sent = b""
        if self.row.form:
            headers[b"Content-Type"] = b"application/x-www-form-urlencoded"
            sent = urlencode(body).encode()
        elif body is not None:
            headers[b"Content-Type"] = b"application/json"
            sent = json.dumps(body).encode()
        path = self.row.path.format_map(values).encode()
        return Draft(self.row.method.encode(), path, headers, sent)


def _filled(body: Any, values: dict[str, str]) -> Any:
    if isinstance(body, str):
        text = body.format_map(values)
        return text.replace("Example ", "MARK ").replace("First", "MARK")
    if isinstance(body, dict):
        return {name: _filled(value, values) for name, value in body.items()}
    if isinstance(body, list):
        return [_filled(value, values) for value in body]
    return body
