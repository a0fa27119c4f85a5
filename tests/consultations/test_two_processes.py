"""One room on two processes: what one of them knows the other one tells, and each may die."""

import asyncio
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from booking_system.consultations.adapters.live.bus import BusMessage
from booking_system.consultations.adapters.live.hub import LOOK_SECONDS, RENEW_SECONDS
from booking_system.consultations.adapters.statements import LEASE
from booking_system.consultations.domain.seat import Seat
from booking_system.shared_kernel.identifiers import AppointmentId
from tests.consultations.surgery import ANSWER, page, surgery
from tests.patience import soon
from tests.platform.instances import instance
from tests.platform.real_server import RealServer

LARGE_OFFER = {"type": "offer", "sdp": "a=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n" * 500}


async def test_two_processes_are_one_room_and_one_may_die(
    server: RealServer, database_url: str, tmp_path: Path
) -> None:
    room = await surgery(server.api)
    with instance(database_url, tmp_path, public_url="http://test") as other:
        elsewhere = other.address.replace("http", "ws", 1)
        async with page(server.ws, await room.way_in(room.doctor)) as (doctor, mine):
            async with page(elsewhere, await room.way_in(room.patient)) as (patient, welcome):
                epoch, to = welcome["you"]["epoch"], mine["you"]["epoch"]
                shown = await doctor.hear("presence", who="patient")
                assert (shown["epoch"], shown["state"]) == (epoch, "waiting")
                for n in range(1, 4):
                    await doctor.chat(f"from here {n}")
                    await patient.chat(f"from there {n}")
                await doctor.say("admit")
                await patient.hear("admitted", seq=7)
                # More than one notice can carry.
                offer = str(uuid4())
                await doctor.say("offer", to=epoch, id=offer, description=LARGE_OFFER)
                assert (await patient.hear("offer", id=offer))["description"] == LARGE_OFFER
                await patient.say("answer", to=to, re=offer, description=ANSWER)
                await doctor.hear("answer", re=offer)
                await doctor.say("typing", on=True)
                await patient.hear("typing")
                await doctor.quiet()

                other.process.kill()
                await doctor.chat("are you there?")
            # Its lease is over by itself; nobody waits for that here.
            async with server.api.container.database().reading() as connection:
                await connection.execute("UPDATE consultation_instances SET alive_until = now()")
            assert (await doctor.hear("presence", who="patient"))["state"] == "away"
            async with page(
                server.ws, await room.way_in(room.patient), client=patient.client, last_seq=7
            ) as (patient, again):
                assert again["room"]["state"] == "live", "the doctor has let them in for good"
                assert (await patient.hear("chat"))["seq"] == 8
                here = await doctor.hear("presence", who="patient", state="here")
                assert (here["client"], here["epoch"]) == (patient.client, again["you"]["epoch"])
    read = (await server.api.get(f"{room.path}/messages", room.doctor)).json()["items"]
    assert [one["seq"] for one in read] == [1, 2, 3, 4, 5, 6, 8]
    assert len({one["id"] for one in read}) == 7


def test_a_process_that_dies_is_noticed_within_fifteen_seconds() -> None:
    """The lease was renewed a look before at the earliest; another look sees that it is over."""
    longest_look = timedelta(seconds=1.5 * LOOK_SECONDS)
    assert longest_look + LEASE <= timedelta(seconds=15)
    assert timedelta(seconds=RENEW_SECONDS) + longest_look < LEASE, "or the living seem dead"


async def test_what_the_bus_loses_is_found_by_a_look(server: RealServer) -> None:
    room = await surgery(server.api)
    live = server.api.container.consultations.live()
    async with (
        page(server.ws, await room.way_in(room.doctor)) as (doctor, _),
        page(server.ws, await room.way_in(room.patient)) as (patient, _),
    ):
        await doctor.hear("presence", who="patient")
        say = server.api.container.consultations.say()
        open_room = live._open[AppointmentId(UUID(room.id))]
        party = next(c.party for c in open_room.connections if c.party.seat == "patient")
        # As another process stores it that cannot tell.
        await say(party, client_id=uuid4(), text="unheard")
        assert (await doctor.hear("chat"))["text"] == "unheard"
        assert (await patient.hear("chat"))["seq"] == 1


async def test_what_another_process_lets_through_is_asked_again_here(server: RealServer) -> None:
    """It may not know yet that its page was put on hold."""
    room = await surgery(server.api)
    live = server.api.container.consultations.live()
    candidate = {"type": "ice", "from": "doctor", "epoch": 1, "restart": True}
    room_id = AppointmentId(UUID(room.id))
    async with (
        page(server.ws, await room.way_in(room.doctor)) as (doctor, _),
        page(server.ws, await room.way_in(room.patient)) as (patient, welcome),
    ):
        told = BusMessage(
            room_id=room_id, to=welcome["you"]["epoch"], frame=candidate, process="p", number=1
        )
        live._heard(told)
        assert "ice" not in {one["type"] for one in await patient.quiet()}
        await doctor.say("admit")
        await patient.hear("admitted")
        live._heard(told)
        await patient.hear("ice")
        await doctor.say("hold")
        await patient.hear("held")
        live._heard(told)
        assert "ice" not in {one["type"] for one in await patient.quiet()}


async def test_many_at_once_are_stored_in_one_order(server: RealServer) -> None:
    room = await surgery(server.api)
    async with (
        page(server.ws, await room.way_in(room.doctor)) as (doctor, _),
        page(server.ws, await room.way_in(room.patient)) as (patient, _),
    ):
        for n in range(12):
            for one in (doctor, patient):
                await one.say("chat", id=str(uuid4()), text=f"{n}")
        heard = []
        for one in (doctor, patient):
            frames = [await one.hear("chat") for _ in range(24)]
            heard.append([(frame["seq"], frame["id"]) for frame in frames])
        assert heard[0] == heard[1]
        assert [seq for seq, _ in heard[0]] == [*range(1, 25)]


async def test_what_a_look_tells_before_its_sender_knows_is_told_once(
    server: RealServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = await surgery(server.api)
    use_cases = server.api.container.consultations
    live, kind = use_cases.live(), type(use_cases.say())
    say = kind.__call__
    async with page(server.ws, await room.way_in(room.doctor)) as (doctor, _):
        (connection,) = live._open[AppointmentId(UUID(room.id))].connections

        async def slow(self: object, party: object, **said: object) -> Any:
            entry = await say(self, party, **said)
            await live.wake(connection.party.room_id)
            await soon(lambda: connection.sent >= entry.seq)
            return entry

        monkeypatch.setattr(kind, "__call__", slow)
        assert (await doctor.chat("Hello"))["seq"] == 1
        assert [frame for frame in await doctor.quiet() if frame["type"] == "chat"] == []


async def test_who_admits_at_the_same_moment_admits_once(server: RealServer) -> None:
    """Two pages of the doctor on two processes, as far as the database can tell."""
    room = await surgery(server.api)
    use_cases = server.api.container.consultations
    async with page(server.ws, await room.way_in(room.doctor)) as (doctor, _):
        live = use_cases.live()
        open_room = live._open[AppointmentId(UUID(room.id))]
        (connection,) = open_room.connections
        admit = partial(use_cases.admit(), connection.party, of=Seat.PATIENT)
        stored = await asyncio.gather(*(admit(is_admitted=True) for _ in range(6)))
        assert sorted(map(len, stored)) == [0, 0, 0, 0, 0, 1]
        assert (await doctor.hear("admitted"))["seq"] == 1
        await live.wake(connection.party.room_id)
        assert [f for f in await doctor.quiet() if f["type"] == "admitted"] == []


async def test_messages_of_one_moment_have_numbers_without_a_gap(server: RealServer) -> None:
    room = await surgery(server.api)
    use_cases = server.api.container.consultations
    async with (
        page(server.ws, await room.way_in(room.doctor)) as (doctor, _),
        page(server.ws, await room.way_in(room.patient)) as (_, _),
    ):
        open_room = use_cases.live()._open[AppointmentId(UUID(room.id))]
        parties = [one.party for one in open_room.connections] * 5
        say = partial(use_cases.say(), text="Hello")
        stored = await asyncio.gather(*(say(one, client_id=uuid4()) for one in parties))
        assert sorted(one.seq for one in stored) == [*range(1, 11)]
        assert [(await doctor.hear("chat"))["seq"] for _ in range(10)] == [*range(1, 11)]
