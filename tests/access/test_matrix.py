"""Every operation, asked by everybody, about what is there and what is not."""

import json
from collections.abc import AsyncIterator, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from fastapi.routing import APIRoute
from httpx import Response

from booking_system.platform.http.hooks import HookRoute
from booking_system.platform.http.sockets import SocketRoute
from booking_system.shared_kernel.identifiers import SessionId, UserId
from tests.access.table import OPEN, PAGE, PRIVATE, PUBLIC, ROWS, SIGNED_IN, Row
from tests.access.world import ANONYMOUS, Aim, World, a_world, an_id
from tests.api import Person, code_of
from tests.postgres import TestServer

Seen = tuple[int, str | None]
SOME = 2
"""So many ask by turns, in the short form, for what each caller would be told alike."""
STALE = {"If-Match": '"999999"'}


@pytest.fixture(scope="module")
async def world(
    postgres: TestServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    async with postgres.database() as url, a_world(url, tmp_path_factory.mktemp("access")) as made:
        yield made


def operations(world: World) -> Iterator[tuple[str, str, int]]:
    """Each method, path and status of success that the application knows."""
    for route in world.api.app.router.routes:
        if isinstance(route, SocketRoute):
            # A ticket opens it, not a caller: tests/consultations has who gets in.
            continue
        assert isinstance(route, APIRoute), f"say in the table who may use {route}"
        if isinstance(route, HookRoute):
            # Nobody may, but the machine that signs.
            continue
        for method in route.methods:
            yield method, route.path, route.status_code or 200


async def test_every_operation_has_a_row_and_every_row_an_operation(world: World) -> None:
    known = {(row.method, row.path) for row in ROWS}
    there = {(method, path) for method, path, _ in operations(world)}
    assert there - known == set(), "operations without a row in the table"
    assert known - there == set(), "rows without an operation"


@pytest.mark.parametrize(
    ("row", "turn"),
    [
        *(pytest.param(row, turn, id=str(row)) for turn, row in enumerate(ROWS)),
        *(pytest.param(row, None, id=f"{row}, long", marks=pytest.mark.proof) for row in ROWS),
    ],
)
async def test_everybody_may_do_what_the_table_says_and_nothing_else(
    world: World, row: Row, turn: int | None
) -> None:
    """In the short form some callers, by turns, ask for what is absent and where all may."""
    success = next(s for m, p, s in operations(world) if (m, p) == (row.method, row.path))
    wrong: dict[str, Any] = {}
    await world.aim(row.on, "patient", fresh=False)
    before = await world.all_rows()
    others = world.people.keys() - row.may
    thorough = others if turn is None else some_of(others, turn) | some_of(blind(row), turn)
    comparing = others if turn is None else thorough | some_of(blind(row), turn, SOME)
    for name in others:
        wrong |= await refused(
            world, row, name, compares=name in comparing, is_thorough=name in thorough
        )
    if await world.all_rows() != before:
        wrong["refused"] = "a refusal left something behind"
    for name in row.may if turn is None else allowed(row, turn):
        aim = await world.aim(row.on, name, fresh=row.method != "GET")
        method = "HEAD" if row.is_stream else row.method
        answer = await ask(world, replace(row, method=method), name, aim)
        if code_of(answer) != (success, None):
            wrong[name] = code_of(answer)
    for name in row.may if turn is None else some_of(row.may, turn, SOME):
        wrong |= await missing(world, row, name)
    assert wrong == {}


def allowed(row: Row, turn: int) -> set[str]:
    """Everybody who may; strangers and some others where nobody is asked who they are."""
    if row.kind in {OPEN, PAGE} and ANONYMOUS in row.may:
        return {ANONYMOUS} | some_of(row.may - {ANONYMOUS}, turn, SOME)
    return {*row.may}


def some_of(names: AbstractSet[str], turn: int, most: int = 1) -> set[str]:
    """So many of them, if there are, and others in the next turn."""
    ordered = sorted(names)
    return {ordered[(turn * most + n) % len(ordered)] for n in range(most)} if ordered else set()


def blind(row: Row) -> AbstractSet[str]:
    """Those who are not told that the thing is there."""
    return SIGNED_IN - row.seen_by if row.kind is PRIVATE else set()


async def refused(
    world: World, row: Row, name: str, *, compares: bool, is_thorough: bool
) -> dict[str, Any]:
    """What is wrong with how somebody is refused who may not do it."""
    aim = await world.aim(row.on, name, fresh=False)
    answer = await ask(world, row, name, aim)
    wrong = {}
    if code_of(answer) not in refusals(row, name):
        wrong[name] = code_of(answer)
    if name in blind(row) and compares:
        others = [await ask(world, row, name, without(row, aim))]
        if is_thorough:
            others.append(await ask(world, row, name, aim, headers=STALE))
        if any(told(other) != told(answer) for other in others):
            wrong[f"{name}, absent"] = told(answer), *map(told, others)
    elif name not in blind(row) and is_thorough:
        wrong |= await missing(world, row, name)
    return wrong


def refusals(row: Row, name: str) -> set[Seen]:
    if name == ANONYMOUS and not row.knows_anybody:
        return {(401, "unauthenticated")}
    if row.kind is PRIVATE and name not in row.seen_by:
        return {(404, row.absent)}
    return {(403, "forbidden")}


async def missing(world: World, row: Row, name: str) -> dict[str, Any]:
    """What is wrong with what somebody is told of a thing that is not there."""
    if row.thing is None:
        return {}
    aim = without(row, await world.aim(row.on, name, fresh=False))
    seen = code_of(await ask(world, row, name, aim))
    # A filter of nothing is wrong input; a path to nothing leads nowhere.
    expected = {(422 if row.absent == "validation_error" else 404, row.absent)}
    if name not in row.may and (name == ANONYMOUS or row.kind is not PRIVATE):
        # The route's own policy may turn such a caller away before anything is looked up.
        expected = refusals(row, name) | (set() if name == ANONYMOUS else expected)
    return {} if seen in expected else {f"{name}, absent": seen}


def without(row: Row, aim: Aim) -> Aim:
    """The same about something that does not exist."""
    return aim if row.thing is None else Aim(aim.values | {row.thing: an_id()}, aim.people)


async def ask(
    world: World, row: Row, name: str, aim: Aim, headers: dict[str, str] | None = None
) -> Response:
    by = aim.people.get(name) or world.people[name]
    return await send(world, row, by, aim, headers)


async def send(
    world: World,
    row: Row,
    by: Person | None,
    aim: Aim,
    headers: dict[str, str] | None = None,
) -> Response:
    values = {"slug": f"new-{uuid4().hex[:12]}"} | aim.values
    answer = await world.api.send(
        row.method,
        (row.path + row.query).format_map(values),
        by,
        json=filled(row.body, values),
        data=filled(row.form, values),
        headers=headers or {},
    )
    assert (answer.headers.get("www-authenticate") == "Bearer") == (answer.status_code == 401)
    return answer


def filled(body: Any, values: dict[str, str]) -> Any:
    if isinstance(body, str):
        return body.format_map(values)
    if isinstance(body, dict):
        return {name: filled(value, values) for name, value in body.items()}
    if isinstance(body, list):
        return [filled(value, values) for value in body]
    return body


def told(answer: Response) -> tuple[int, dict[str, str], Any]:
    """All that a caller is told, but for the request id."""
    problem = json.loads(answer.content)
    headers = {k: v for k, v in answer.headers.items() if k not in {"x-request-id", "x-instance"}}
    assert problem.pop("instance") == f"urn:request:{answer.headers['x-request-id']}"
    return answer.status_code, headers, problem


ASKED_FOR = [row for row in ROWS if row.kind in {PUBLIC, PRIVATE}]
TOKENS_AT_ONCE = 3


@pytest.mark.parametrize(
    ("row", "turn"),
    [
        *(pytest.param(row, turn, id=str(row)) for turn, row in enumerate(ASKED_FOR)),
        *(pytest.param(row, None, id=f"{row}, long", marks=pytest.mark.proof) for row in ASKED_FOR),
    ],
)
async def test_a_token_that_does_not_hold_opens_nothing(
    world: World, row: Row, turn: int | None, ended: str
) -> None:
    """In the short form some of them, by turns."""
    aim = await world.aim(row.on, "patient", fresh=False)
    holding = world.person("patient").token
    tried = {
        "Bearer garbage": "unauthenticated",
        "Bearer ": "unauthenticated",
        "Basic cGF0aWVudDo=": "unauthenticated",
        holding: "unauthenticated",
        f"Bearer {forged(holding)}": "unauthenticated",
        f"Bearer {ended}": "unauthenticated",
        f"Bearer {await expired(world)}": "token_expired",
    }
    if turn is not None:
        tried = dict((list(tried.items()) * 2)[turn % len(tried) :][:TOKENS_AT_ONCE])
    before = await world.all_rows()
    for header, code in tried.items():
        answer = await send(world, row, None, aim, {"Authorization": header})
        assert code_of(answer) == (401, code)
    assert await world.all_rows() == before


@pytest.mark.parametrize("row", [row for row in ROWS if row.kind is OPEN], ids=str)
async def test_where_nobody_is_asked_a_dead_token_disturbs_nobody(world: World, row: Row) -> None:
    for token in ("garbage", await expired(world)):
        aim = await world.aim(row.on, "patient", fresh=True)
        answer = await send(world, row, None, aim, {"Authorization": f"Bearer {token}"})
        assert answer.status_code < 400


async def test_a_role_is_gone_as_soon_as_it_was_taken_away(world: World) -> None:
    one = await world.api.clinic_admin(world.here["id"])
    staff = f"/v1/clinics/{world.here['id']}/staff"
    for _ in range(2):
        assert (await world.api.get(staff, one)).status_code == 200
    gone = await world.api.send("DELETE", f"{staff}/{one.user_id}", world.api.admin)
    assert gone.status_code == 204

    assert code_of(await world.api.get(staff, one)) == (403, "forbidden")


def forged(token: str) -> str:
    """The same claims, signed by nobody we know."""
    head, claims, signature = token.split(".")
    return ".".join([head, claims, signature[::-1]])


async def expired(world: World) -> str:
    """The patient's own token, an hour too old."""
    patient, container = world.person("patient"), world.api.container
    then = container.clock().now() - timedelta(hours=1)
    session_id = SessionId(await world.session_id(patient))
    token: str = container.identity.access_tokens().sign(UserId(patient.user_id), session_id, then)
    return token


@pytest.fixture(scope="module")
async def ended(world: World) -> str:
    """One that held until its session was ended a moment ago."""
    one = await world.api.platform_admin()
    assert (await world.api.get("/v1/me", one)).status_code == 200
    assert (await world.api.post("/v1/auth/sign-out", by=one)).status_code == 204
    return one.token
