"""What people do to their own room disturbs no other one, and costs no memory that stays."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from websockets.exceptions import ConnectionClosed

from tests.consultations.surgery import Page, Surgery, page, surgery
from tests.consultations.test_sockets import HOSTILE
from tests.patience import PATIENCE
from tests.platform.instances import instance
from tests.platform.real_server import RealServer, until

LARGE = {"type": "offer", "sdp": "x" * 29_000}


async def attacked(room: Surgery, ws: str, frames: list[str | bytes]) -> None:
    """The patient does it, and is closed or goes."""
    async with page(ws, await room.way_in(room.patient)) as (patient, _):
        with suppress(ConnectionClosed):
            for one in frames:
                await patient.socket.send(one)
            await patient.quiet()


@asynccontextmanager
async def frozen(room: Surgery, ws: str) -> AsyncIterator[tuple[Page, dict[str, Any]]]:
    """The doctor's page, beside a patient's that never reads, to which it may signal."""
    async with (
        page(ws, await room.way_in(room.doctor)) as (doctor, _),
        page(ws, await room.way_in(room.patient), max_queue=1) as (_, welcome),
    ):
        await doctor.say("admit")
        await doctor.hear("presence", who="patient", state="here")
        yield doctor, welcome["you"]


async def talk(room: Surgery, one: Page, other: Page, times: int) -> None:
    """Each message is read by the other side, in order."""
    for n in range(times):
        said = await one.chat(f"{room.id} {n}")
        heard = await other.hear("chat")
        assert (heard["seq"], heard["text"]) == (said["seq"], f"{room.id} {n}")


async def test_rooms_beside_a_hostile_one_talk_on(server: RealServer) -> None:
    calm, *hostile = [await surgery(server.api) for _ in range(4)]
    live = server.api.container.consultations.live()
    async with (
        page(server.ws, await calm.way_in(calm.doctor)) as (doctor, _),
        page(server.ws, await calm.way_in(calm.patient)) as (patient, _),
    ):
        attacks = [frames for frames, _ in HOSTILE.values()]

        async def all_of(room: Surgery, share: list[list[str | bytes]]) -> None:
            for frames in share:
                await attacked(room, server.ws, frames)

        async with asyncio.TaskGroup() as group:
            for number, room in enumerate(hostile):
                group.create_task(all_of(room, attacks[number::3]))
            group.create_task(talk(calm, doctor, patient, 15))
        await until(lambda: {*live._open} == {UUID(calm.id)})
        assert [f["type"] for f in await patient.quiet() if f["type"] != "mark"] == []


async def test_a_role_that_is_taken_away_ends_the_socket(server: RealServer) -> None:
    room = await surgery(server.api)
    async with (
        page(server.ws, await room.way_in(room.doctor)) as (doctor, _),
        page(server.ws, await room.way_in(room.patient)) as (patient, _),
    ):
        path = f"/v1/clinics/{room.clinic['id']}/staff/{room.doctor.user_id}"
        gone = await server.api.send("DELETE", path, server.api.admin)
        assert gone.status_code == 204, gone.text
        assert (await doctor.closed())[0] == 4401
        await patient.hear("presence", who="doctor", state="away")


@pytest.mark.proof
async def test_a_page_that_never_reads_is_closed_and_its_room_goes_on(server: RealServer) -> None:
    room, other = await surgery(server.api), await surgery(server.api)
    live = server.api.container.consultations.live()
    async with (
        frozen(room, server.ws) as (doctor, you),
        page(server.ws, await other.way_in(other.doctor)) as (calm, _),
        page(server.ws, await other.way_in(other.patient)) as (beside, _),
    ):
        open_room = next(one for key, one in live._open.items() if str(key) == room.id)
        async with asyncio.timeout(PATIENCE):
            # What the network takes by itself is a machine's own affair: until it is full.
            while len(open_room.connections) == 2:
                await doctor.say("offer", to=you["epoch"], id=str(uuid4()), description=LARGE)
                # As fast as pages may.
                await asyncio.sleep(0.06)
        await talk(other, calm, beside, 3)
        assert (await doctor.chat("Still here"))["type"] == "chat"


def kibibytes(pid: int) -> int:
    """The memory that a process has at hand."""
    (line,) = [
        one for one in Path(f"/proc/{pid}/status").read_text().splitlines() if "VmRSS" in one
    ]
    return int(line.split()[1])


@pytest.mark.proof
async def test_memory_is_flat_under_floods_and_pages_that_never_read(
    server: RealServer, database_url: str, tmp_path: Path
) -> None:
    rooms = [await surgery(server.api) for _ in range(12)]
    calm = await surgery(server.api)
    with instance(database_url, tmp_path, public_url="http://test", log_level="warning") as there:
        ws, pid = there.address.replace("http", "ws", 1), there.process.pid

        async def once(number: int) -> int:
            has = 10 * number
            async with AsyncExitStack() as stack:
                for room in rooms[:4]:
                    doctor, you = await stack.enter_async_context(frozen(room, ws))
                    for n in range(120):
                        offer = {"to": you["epoch"], "id": str(uuid4()), "description": LARGE}
                        await doctor.socket.send(json.dumps({"type": "offer", **offer}))
                        if n % 10 == 9:
                            await asyncio.sleep(0.5)
                async with asyncio.TaskGroup() as group:
                    for place, room in enumerate(rooms[4:]):
                        for frames, _ in [*HOSTILE.values()][place::8]:
                            group.create_task(attacked(room, ws, frames))
                one, other = [
                    (await stack.enter_async_context(page(ws, way, last_seq=has)))[0]
                    for way in (await calm.way_in(calm.doctor), await calm.way_in(calm.patient))
                ]
                await talk(calm, one, other, 10)
            return kibibytes(pid)

        grown = [await once(number) for number in range(6)]
        assert grown[-1] - grown[1] < 8 * 1024, grown
