"""PostgreSQL is killed while patients book: what was acknowledged is there."""

import asyncio
from collections import Counter
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from httpx import AsyncClient, Response

from tests.api import START, Api, Person, code_of
from tests.postgres import TestServer, running_server
from tests.servers import Crowd, served_api

DOCUMENTED = {
    (201, None),
    (409, "slot_already_booked"),
    (503, "dependency_unavailable"),
    (503, "outcome_unknown"),
    (503, "overloaded"),
}
CLIENTS = 16


@pytest.mark.xdist_group("crashes")
@pytest.mark.parametrize(
    "kills", [pytest.param(2, id="short"), pytest.param(20, id="long", marks=pytest.mark.proof)]
)
async def test_no_acknowledged_booking_is_lost_when_the_database_is_killed(
    tmp_path: Path, kills: int
) -> None:
    with running_server(durable=True) as server:
        await server.prepare()
        async with server.database() as url, served_api(url, tmp_path) as (api, crowd):
            await _crash(server, api, crowd, kills)


async def _crash(server: TestServer, api: Api, crowd: Crowd, kills: int) -> None:
    told: Counter[tuple[int, str | None]] = Counter()
    acknowledged: list[str] = []
    is_over = asyncio.Event()
    clinic = await api.clinic(policy={"max_open_bookings_per_patient": 1000})
    doctors = [await api.doctor(clinic) for _ in range(CLIENTS)]
    callers = [await api.patient() for _ in range(CLIENTS)]
    slots = [
        [
            slot
            for day in range(kills + 1)
            for slot in await api.slots(doctor, 90, start=START + timedelta(days=day), minutes=15)
        ]
        for doctor in doctors
    ]

    async def keep_booking(place: int, client: AsyncClient, caller: Person) -> None:
        for slot in slots[place]:
            if is_over.is_set():
                return
            answer = await _book(client, slot["id"], caller)
            told[code_of(answer)] += 1
            if answer.status_code == 201:
                acknowledged.append(answer.json()["id"])
            else:
                await asyncio.sleep(0.05)

    async def keep_killing() -> None:
        for _ in range(kills):
            await _some_more(acknowledged)
            await asyncio.to_thread(server.server.kill)
        await _some_more(acknowledged)
        is_over.set()

    async with crowd.of(CLIENTS) as clients, asyncio.timeout(60 + 15 * kills):
        booking = [
            keep_booking(place, client, callers[place]) for place, client in enumerate(clients)
        ]
        await asyncio.gather(keep_killing(), *booking)

    assert set(told) <= DOCUMENTED
    assert told[503, "dependency_unavailable"] + told[503, "outcome_unknown"] > 0
    async with api.container.database().reading() as connection:
        rows = await connection.fetch("SELECT id, time_slot_id FROM appointments")
        owners = await connection.fetchval(
            "SELECT count(*) FROM time_slots s JOIN appointments a ON a.id = s.appointment_id"
            " AND a.time_slot_id = s.id"
        )
    assert {UUID(one) for one in acknowledged} <= {row["id"] for row in rows}
    assert len({row["time_slot_id"] for row in rows}) == len(rows) == owners


async def _book(client: AsyncClient, slot_id: str, who: Person) -> Response:
    return await client.post("/v1/bookings", json={"time_slot_id": slot_id}, headers=who.headers)


async def _some_more(acknowledged: list[str]) -> None:
    enough = len(acknowledged) + 20
    for _ in range(600):
        if len(acknowledged) >= enough:
            return
        await asyncio.sleep(0.05)
