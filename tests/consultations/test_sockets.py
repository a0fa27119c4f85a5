"""Two people and one room, over real sockets."""

import asyncio
import json
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest
from websockets.exceptions import InvalidStatus

from booking_system.consultations.adapters.live import talk
from booking_system.consultations.adapters.live.buckets import Bucket
from booking_system.consultations.adapters.live.open_room import OpenRoom
from booking_system.shared_kernel.errors import Transient
from booking_system.shared_kernel.identifiers import AppointmentId
from tests.api import code_of
from tests.consultations.surgery import (
    ANSWER,
    OFFER,
    Page,
    Surgery,
    in_minutes,
    opening,
    page,
    surgery,
)
from tests.patience import PATIENCE
from tests.platform.real_server import RealServer, until


async def test_two_people_meet_talk_and_part(server: RealServer) -> None:
    room = await surgery(server.api)
    async with (
        page(server.ws, await room.way_in(room.patient)) as (patient, hello),
        page(server.ws, await room.way_in(room.doctor)) as (doctor, welcome),
    ):
        assert hello["you"]["role"] == "patient"
        assert hello["room"]["state"] == "waiting"
        (waiting,) = welcome["peers"]
        assert (waiting["who"], waiting["state"]) == ("patient", "waiting")
        here = await patient.hear("presence", who="doctor")
        assert (here["state"], here["client"]) == ("here", doctor.client)

        assert (await patient.chat("My camera does not work"))["seq"] == 1
        assert (await doctor.hear("chat"))["from"] == "patient"
        await doctor.say("admit")
        assert (await patient.hear("admitted"))["seq"] == 2
        await doctor.hear("presence", who="patient", state="here")

        offer = str(uuid4())
        await doctor.say("offer", to=waiting["epoch"], id=offer, description=OFFER)
        got = await patient.hear("offer")
        assert (got["id"], got["description"], got["from"]) == (offer, OFFER, "doctor")
        await patient.say("answer", to=got["epoch"], re=offer, description=ANSWER)
        assert (await doctor.hear("answer"))["re"] == offer
        await patient.say("ice", to=got["epoch"], restart=True)
        assert (await doctor.hear("ice"))["restart"] is True

        await doctor.say("read", seq=1)
        mark = await patient.hear("mark", who="doctor", read=1)
        assert mark["delivered"] == 1
        await doctor.say("media", camera="interrupted")
        shown = await patient.hear("presence", who="doctor")
        assert shown["media"] == {"mic": "off", "camera": "interrupted", "screen": "off"}
        await doctor.say("typing", on=True)
        assert await patient.hear("typing") == {"type": "typing", "who": "doctor", "on": True}

        await doctor.say("end")
        assert (await patient.hear("ended"))["reason"] == "ended"
        assert await patient.closed() == (4408, "ended")
        assert await doctor.closed() == (4408, "ended")
    read = await server.api.get(f"{room.path}/messages", room.patient)
    assert [one["text"] for one in read.json()["items"]] == ["My camera does not work"]
    again = await server.api.get(f"/v1/bookings/{room.id}/consultation", room.patient)
    assert code_of(again) == (409, "consultation_not_open")
    assert again.json()["room_state"] == "ended"


async def refused(opening_socket: Any) -> tuple[int, str]:
    async with opening_socket as socket:
        assert socket.subprotocol == "booking.v1", "or a browser hears nothing but 1006"
        return await Page(socket, "").closed()


async def test_a_ticket_opens_once_for_its_own_room_and_while_its_session_holds(
    server: RealServer,
) -> None:
    room, other = await surgery(server.api), await surgery(server.api)
    way = await room.way_in(room.patient)
    async with page(server.ws, way):
        assert await refused(opening(server.ws, way)) == (4401, "unauthenticated")
    strange = await room.way_in(room.patient)
    path = f"/v1/consultations/{other.id}"
    assert await refused(opening(server.ws, strange, path=path)) == (4403, "forbidden")
    assert (await refused(opening(server.ws, strange)))[0] == 4401, "it was used up"
    none = opening(server.ws, way, offered=["booking.v1"])
    assert (await refused(none))[0] == 4401
    invented = opening(server.ws, {**way, "ticket": "x" * 43})
    assert (await refused(invented))[0] == 4401

    late = await room.way_in(room.patient)
    async with server.api.container.database().reading() as connection:
        await connection.execute("UPDATE consultation_tickets SET expires_at = now()")
    assert (await refused(opening(server.ws, late)))[0] == 4401
    ended = await room.way_in(room.patient)
    await server.api.post("/v1/auth/sign-out", by=room.patient)
    assert (await refused(opening(server.ws, ended)))[0] == 4401


async def test_only_hashes_of_tickets_are_stored(server: RealServer) -> None:
    room = await surgery(server.api)
    way = await room.way_in(room.patient)
    async with server.api.container.database().reading() as connection:
        rows = await connection.fetch("SELECT t::text FROM consultation_tickets t")
    assert len(way["ticket"]) == 43
    assert way["ticket"] not in str(rows)
    assert way["ticket"].encode().hex() not in str(rows)


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example.com",
        "null",
        "HTTP://TEST",
        "http://sub.test",
        "http://test:81",
        "http://localhost.evil.example",
    ],
)
async def test_a_page_of_another_site_is_refused_before_anything_is_accepted(
    server: RealServer, origin: str
) -> None:
    room = await surgery(server.api)
    way = await room.way_in(room.patient)
    with pytest.raises(InvalidStatus) as caught:
        async with opening(server.ws, way, additional_headers={"Origin": origin}):
            pass
    assert caught.value.response.status_code == 403
    # Nor was the ticket used up.
    async with page(server.ws, way, additional_headers={"Origin": "http://test"}) as (_, welcome):
        assert welcome["you"]["role"] == "patient"
    again, mine = await room.way_in(room.patient), {"Origin": "http://localhost:5173"}
    async with page(server.ws, again, additional_headers=mine) as (_, welcome):
        assert welcome["you"]["role"] == "patient"


async def test_nothing_is_signalled_before_the_doctor_admits_and_after_a_hold(
    server: RealServer,
) -> None:
    room = await surgery(server.api)
    async with (
        page(server.ws, await room.way_in(room.patient)) as (patient, mine),
        page(server.ws, await room.way_in(room.doctor)) as (doctor, theirs),
    ):
        to_patient, to_doctor = mine["you"]["epoch"], theirs["you"]["epoch"]
        candidate = {"candidate": "candidate:1 1 udp 1 192.0.2.1 9 typ host"}
        await doctor.say("offer", to=to_patient, id=str(uuid4()), description=OFFER)
        assert (await doctor.hear("error"))["code"] == "not_admitted"
        await patient.say("ice", to=to_doctor, candidate=candidate)
        assert (await patient.hear("error"))["code"] == "not_admitted"
        assert "ice" not in {one["type"] for one in await doctor.quiet()}

        await patient.say("admit")
        assert (await patient.hear("error"))["code"] == "forbidden"
        await doctor.say("admit")
        await patient.hear("admitted")
        await doctor.say("admit")
        await patient.say("ice", to=to_doctor, candidate=candidate)
        assert (await doctor.hear("ice"))["candidate"] == candidate
        await patient.say("offer", to=to_doctor, id=str(uuid4()), description=OFFER)
        assert (await patient.hear("error"))["code"] == "forbidden", "one side makes the offers"
        await doctor.say("ice", to=to_patient + 100, candidate=candidate)
        assert (await doctor.hear("error"))["code"] == "peer_gone"

        await doctor.say("hold")
        await patient.hear("held", seq=2)
        await patient.say("ice", to=to_doctor, candidate=candidate)
        assert (await patient.hear("error"))["code"] == "not_admitted"
        assert "ice" not in {one["type"] for one in await doctor.quiet()}


async def test_a_message_is_stored_once_however_often_it_is_sent(server: RealServer) -> None:
    room = await surgery(server.api)
    identity = str(uuid4())
    async with page(server.ws, await room.way_in(room.patient)) as (one, _):
        await one.chat("Hello", identity=identity)
        assert (await one.chat("Hello", identity=identity))["seq"] == 1
    async with page(server.ws, await room.way_in(room.patient), last_seq=0) as (one, welcome):
        assert (welcome["seq"], welcome["first_seq"], welcome["gap"]) == (1, 1, False)
        assert (await one.hear("chat"))["id"] == identity
        assert (await one.chat("Hello", identity=identity))["seq"] == 1
        assert (await one.chat("And good day"))["seq"] == 2
    async with page(server.ws, await room.way_in(room.patient), last_seq=1) as (one, welcome):
        assert (welcome["seq"], welcome["first_seq"]) == (2, 2)
        assert [f["seq"] for f in await one.quiet() if f["type"] == "chat"] == [2]


async def test_a_newer_page_takes_over_and_a_late_end_of_the_older_changes_nothing(
    server: RealServer,
) -> None:
    room = await surgery(server.api)
    async with (
        page(server.ws, await room.way_in(room.doctor)) as (doctor, _),
        page(server.ws, await room.way_in(room.patient)) as (older, first),
    ):
        await doctor.hear("presence", who="patient", epoch=first["you"]["epoch"])
        async with page(server.ws, await room.way_in(room.patient)) as (newer, second):
            assert await older.closed() == (4409, "replaced")
            assert second["you"]["epoch"] > first["you"]["epoch"]
            shown = await doctor.hear("presence", who="patient", epoch=second["you"]["epoch"])
            assert (shown["state"], shown["client"]) == ("waiting", newer.client)
            await newer.quiet()
            states = {f["state"] for f in await doctor.quiet() if f["type"] == "presence"}
            assert states <= {"waiting"}, "nobody was away"
            await newer.say("leave")
            assert await newer.closed() == (1000, "done")
        assert (await doctor.hear("presence", who="patient"))["state"] == "left"


async def follow(room: Surgery, does: str) -> None:
    api, doctor = room.api, room.doctor_record
    if does == "cancel":
        done = await api.post(f"/v1/bookings/{room.id}/cancel", {}, room.patient)
    else:
        desk = await api.receptionist(room.clinic["id"])
        slot = await room.slot(in_minutes(240))
        if does == "to another doctor":
            another = await api.doctor(room.clinic)
            del slot, doctor
            slot = await Surgery(
                api, room.clinic, another, room.doctor, room.patient, room.booking
            ).slot(in_minutes(6))
        path = f"/v1/bookings/{room.id}/reschedule"
        done = await api.post(path, {"time_slot_id": slot["id"]}, desk)
    assert done.status_code == 200, done.text


@pytest.mark.parametrize("does", ["cancel", "move", "to another doctor"])
async def test_what_becomes_of_the_appointment_becomes_of_the_room(
    server: RealServer, does: str
) -> None:
    """Within five seconds; a look at all rooms comes more often than that."""
    room = await surgery(server.api)
    async with (
        page(server.ws, await room.way_in(room.doctor)) as (doctor, _),
        page(server.ws, await room.way_in(room.patient)) as (patient, _),
    ):
        await doctor.say("admit")
        await patient.hear("admitted")
        began = asyncio.get_running_loop().time()
        await follow(room, does)
        if does == "cancel":
            assert (await patient.hear("ended"))["reason"] == "cancelled"
            assert await patient.closed() == (4408, "cancelled")
            assert (await doctor.closed())[0] == 4408
        elif does == "move":
            opens_at = (await patient.hear("moved"))["opens_at"]
            assert opens_at > in_minutes(200).isoformat()
            assert await patient.closed() == (4408, "scheduled")
            assert (await doctor.closed())[0] == 4408
        else:
            assert await doctor.closed() == (4403, "forbidden")
            assert (await patient.hear("held"))["who"] == "patient"
        assert asyncio.get_running_loop().time() - began < max(5.0, PATIENCE / 2)


async def test_a_session_that_ends_ends_the_socket(server: RealServer) -> None:
    room = await surgery(server.api)
    async with page(server.ws, await room.way_in(room.patient)) as (patient, _):
        await server.api.post("/v1/auth/sign-out", by=room.patient)
        assert (await patient.closed())[0] == 4401


async def test_a_room_closes_with_notice_and_can_be_extended_once(server: RealServer) -> None:
    room = await surgery(server.api)
    async with (
        page(server.ws, await room.way_in(room.doctor)) as (doctor, _),
        page(server.ws, await room.way_in(room.patient)) as (patient, welcome),
    ):
        await doctor.say("admit")
        await patient.hear("admitted")
        # The window is over; the call has five minutes more.
        await room.is_at(in_minutes(-60), in_minutes(-31))
        assert (await patient.hear("window"))["closes_at"] < welcome["closes_at"]
        await doctor.say("extend")
        closes_at = (await patient.hear("window"))["closes_at"]
        assert in_minutes(13).isoformat() < closes_at < in_minutes(15).isoformat()
        await doctor.say("late", minutes=10)
        assert (await patient.hear("late"))["minutes"] == 10
        await room.is_at(in_minutes(-90), in_minutes(-51))
        assert (await patient.hear("ended"))["reason"] == "expired"
        assert await patient.closed() == (4408, "expired")


async def test_a_guest_comes_by_a_link_once_and_waits_to_be_let_in(server: RealServer) -> None:
    room, api = await surgery(server.api), server.api
    guests = f"{room.path}/guests"
    body = {"kind": "interpreter", "name": "Example Interpreter"}
    made = await api.made(guests, body, room.doctor)
    assert code_of(await api.post(guests, body, room.doctor)) == (409, "guest_already_invited")
    entry = "/v1/consultation-guests"
    way = (await api.post(entry, {"token": made["link_token"]})).json()
    assert code_of(await api.post(entry, {"token": made["link_token"]})) == (404, "not_found")
    async with (
        page(server.ws, await room.way_in(room.doctor)) as (doctor, _),
        page(server.ws, await room.way_in(room.patient)) as (patient, _),
        page(server.ws, way) as (guest, welcome),
    ):
        assert {one["who"] for one in welcome["peers"]} == {"doctor", "patient"}
        shown = await patient.hear("presence", who="guest")
        assert (shown["name"], shown["state"]) == ("Example Interpreter", "waiting")
        await guest.say("ice", to=1, restart=True)
        assert (await guest.hear("error"))["code"] == "not_admitted"
        await doctor.say("admit", who="guest")
        assert (await guest.hear("admitted"))["who"] == "guest"
        await doctor.say("admit")
        await patient.hear("admitted", who="patient")
        epoch = welcome["you"]["epoch"]
        await patient.hear("presence", who="guest", state="here")
        await patient.say("offer", to=epoch, id=str(uuid4()), description=OFFER)
        assert (await guest.hear("offer"))["from"] == "patient"
        back = await api.post(entry, {"token": way["return_token"]})
        assert back.status_code == 200
        gone = await api.send("DELETE", f"{guests}/{made['id']}", room.doctor)
        assert gone.status_code == 204
        assert await guest.closed() == (4403, "forbidden")
        assert (await patient.hear("presence", who="guest", state="left"))["epoch"] == epoch
    assert code_of(await api.post(entry, {"token": way["return_token"]})) == (404, "not_found")
    assert (await refused(opening(server.ws, back.json())))[0] == 4403
    (listed,) = (await api.get(guests, room.patient)).json()["items"]
    assert listed["removed_at"] is not None


async def test_a_guest_who_waits_reads_and_writes_nothing(server: RealServer) -> None:
    room, api = await surgery(server.api), server.api
    body = {"kind": "relative", "name": "Example Relative"}
    made = await api.made(f"{room.path}/guests", body, room.doctor)
    entry = "/v1/consultation-guests"
    way = (await api.post(entry, {"token": made["link_token"]})).json()
    async with (
        page(server.ws, await room.way_in(room.doctor)) as (doctor, _),
        page(server.ws, await room.way_in(room.patient)) as (patient, _),
    ):
        await patient.chat("before they came")
        async with page(server.ws, way) as (guest, welcome):
            assert (welcome["seq"], welcome["first_seq"], welcome["gap"]) == (1, 2, False)
            await patient.chat("while they wait")
            await guest.say("chat", id=SOME, text="Hello")
            assert (await guest.hear("error", id=SOME))["code"] == "not_admitted"
            await guest.say("typing", on=True)
            assert (await guest.hear("error"))["code"] == "not_admitted"
            assert {one["type"] for one in await guest.quiet()} <= {"presence", "mark"}
            await doctor.say("admit", who="guest")
            assert (await guest.hear("admitted"))["seq"] == 3
            await patient.chat("now they are in")
            assert (await guest.hear("chat"))["text"] == "now they are in"
            assert (await guest.chat("Hello", identity=SOME))["seq"] == 5
            await doctor.say("hold", who="guest")
            await guest.hear("held")
            await patient.chat("behind their back")
            assert "chat" not in {one["type"] for one in await guest.quiet()}
            await doctor.say("end")
            assert (await guest.hear("ended"))["reason"] == "ended"
    assert "typing" not in {one["type"] for one in patient.told}


async def test_a_process_that_drains_says_so_and_another_connection_resumes(
    server: RealServer,
) -> None:
    room = await surgery(server.api)
    async with page(server.ws, await room.way_in(room.patient)) as (patient, _):
        await patient.chat("Hello")
        server.lives.drain()
        server.clock.ahead += 3.0
        assert (await patient.closed())[0] == 1012


SOME = str(UUID(int=1))


def frame(kind: str, **fields: Any) -> str:
    return json.dumps({"type": kind, **fields})


HOSTILE: dict[str, tuple[list[str | bytes], tuple[int, str] | str]] = {
    "no JSON": (["{"], "malformed"),
    "no object": (["[]"], "malformed"),
    "no type": (["{}"], "malformed"),
    "another type": ([frame("shout")], "malformed"),
    "another field": ([frame("end", all=True)], "malformed"),
    "a frame of the server's": ([frame("welcome")], "malformed"),
    "twice the same key": (['{"type": "end", "type": "end"}'], "malformed"),
    "deep": (['{"type": "ice", "candidate": ' + "[" * 4000 + "]" * 4000 + "}"], "malformed"),
    "no number": ([frame("read", seq="1")], "malformed"),
    "not a number": (['{"type": "read", "seq": NaN}'], "malformed"),
    "huge": (['{"type": "read", "seq": 1e400}'], "malformed"),
    "half a letter": ([frame("chat", id=SOME, text="\ud800")], "malformed"),
    "nothing said": ([frame("chat", id=SOME, text=" ")], "malformed"),
    "a long text": ([frame("chat", id=SOME, text="x" * 4001)], "malformed"),
    "a long description": (
        [frame("offer", to=1, id=SOME, description={"type": "offer", "sdp": "x" * 30_001})],
        "malformed",
    ),
    "a restart and a candidate": (
        [frame("ice", to=1, restart=True, candidate={"candidate": ""})],
        "malformed",
    ),
    "hello again": ([frame("hello", client=SOME)], "forbidden"),
    "three times malformed": (["{", "[", "x"], (1008, "malformed")),
    "binary": ([b"{}"], (1003, "broke_rules")),
    "a large leave": (['{"type": "leave"' + " " * 8192 + "}"], (1009, "too_large")),
    "a large ping": (['{"type": "ping", "t": 1' + " " * 8192 + "}"], (1009, "too_large")),
    "a very large offer": (
        [frame("offer", to=1, id=SOME, description={"type": "offer", "sdp": "x" * 33_000})],
        (1009, "broke_rules"),
    ),
    "larger than any": (["x" * 70_000], (1009, "")),
    "a flood": ([frame("ping", t=1)] * 400, (1008, "")),
}


@pytest.mark.parametrize("about", HOSTILE)
async def test_hostile_frames(server: RealServer, about: str) -> None:
    frames, wanted = HOSTILE[about]
    room = await surgery(server.api)
    async with (
        page(server.ws, await room.way_in(room.doctor)) as (doctor, _),
        page(server.ws, await room.way_in(room.patient)) as (patient, _),
    ):
        await doctor.hear("presence", who="patient")
        for one in frames:
            await patient.socket.send(one)
        if isinstance(wanted, tuple):
            code, reason = await patient.closed()
            assert (code, reason) == (wanted[0], wanted[1] or reason)
        else:
            assert (await patient.hear("error"))["code"] == wanted
            assert await patient.quiet() == [], "nothing else came of it"
        # The other side is where it was, and talks on.
        assert (await doctor.chat("Still here"))["type"] == "chat"


async def test_a_page_that_is_too_fast_is_told_so_first(
    server: RealServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    strict = partial(talk.Manners, chats=Bucket(per_second=0.001, at_once=2.0))
    monkeypatch.setattr(talk, "Manners", strict)
    room = await surgery(server.api)
    async with page(server.ws, await room.way_in(room.patient)) as (patient, _):
        for n in range(1, 4):
            await patient.say("chat", id=str(UUID(int=n)), text=f"{n}")
        error = await patient.hear("error")
        assert (error["code"], error["id"]) == ("rate_limited", str(UUID(int=3)))
        assert error["retry_after"] > 1
        assert [f["seq"] for f in await patient.quiet() if f["type"] == "chat"] == [1, 2]


async def test_a_page_that_does_not_heed_that_is_closed(
    server: RealServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = Bucket(per_second=0.001, at_once=2.0)
    impatient = partial(talk.Manners, chats=few, refused=Bucket(per_second=0.001, at_once=2.0))
    monkeypatch.setattr(talk, "Manners", impatient)
    room = await surgery(server.api)
    async with page(server.ws, await room.way_in(room.patient)) as (patient, _):
        for n in range(1, 6):
            await patient.say("chat", id=str(UUID(int=n)), text=f"{n}")
        assert await patient.closed() == (1008, "rate_limited")
        assert [f["seq"] for f in patient.told if f["type"] == "chat"] == [1, 2]
        assert len([f for f in patient.told if f["type"] == "error"]) == 2


@pytest.mark.parametrize("first", [None, '{"type": "ping", "t": 1}', "{"])
async def test_hello_comes_first_and_soon(
    server: RealServer, first: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(talk, "HELLO_SECONDS", 0.2 if first is None else PATIENCE)
    room = await surgery(server.api)
    async with opening(server.ws, await room.way_in(room.patient)) as socket:
        if first is not None:
            await socket.send(first)
        assert await Page(socket, "").closed() == (1002, "hello")


async def test_a_page_that_does_not_read_is_closed_and_delays_nobody(server: RealServer) -> None:
    room = await surgery(server.api)
    async with (
        page(server.ws, await room.way_in(room.doctor)) as (doctor, _),
        page(server.ws, await room.way_in(room.patient), max_queue=1) as (frozen, _),
    ):
        live = server.api.container.consultations.live()
        open_room = live._open[AppointmentId(UUID(room.id))]
        (connection,) = [c for c in open_room.connections if c.party.seat == "patient"]
        for _ in range(80):
            connection.send({"type": "pong", "t": 1, "server_now": in_minutes(0)})
        assert (await frozen.closed())[0] == 1013
        assert (await doctor.chat("Still here"))["seq"] == 1
        await until(lambda: len(open_room.connections) == 1)


async def test_outside_its_window_a_room_is_closed(server: RealServer) -> None:
    room = await surgery(server.api, minutes=60)
    path = f"/v1/bookings/{room.id}/consultation"
    early = await server.api.get(path, room.patient)
    assert code_of(early) == (409, "consultation_not_open")
    assert early.json()["room_state"] == "scheduled"
    await room.is_at(in_minutes(14), in_minutes(34))
    way = await room.way_in(room.patient)
    await room.is_at(in_minutes(60), in_minutes(80))
    assert await refused(opening(server.ws, way)) == (4408, "consultation_not_open")
    await room.is_at(in_minutes(-60), in_minutes(-31))
    late = await server.api.get(path, room.patient)
    assert late.json()["room_state"] == "expired"


async def test_a_page_that_cannot_join_leaves_nothing_behind(
    server: RealServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: object) -> None:
        raise Transient

    monkeypatch.setattr(OpenRoom, "join", fails)
    room = await surgery(server.api)
    async with opening(server.ws, await room.way_in(room.patient)) as socket:
        await socket.send(frame("hello", client=SOME))
        assert (await Page(socket, "").closed())[0] == 1013
    await until(lambda: not server.api.container.consultations.live()._open)
