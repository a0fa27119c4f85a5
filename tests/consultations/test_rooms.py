"""The rules of rooms, without any database: windows, states, ends, credentials."""

import hmac
from base64 import b64encode
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha1
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking_system.booking.domain.lifecycle import AppointmentStatus
from booking_system.consultations.adapters.live import frames_in
from booking_system.consultations.adapters.live.buckets import Bucket
from booking_system.consultations.adapters.live.bus import BusMessage
from booking_system.consultations.adapters.live.postgres_bus import PIECE, PostgresBus
from booking_system.consultations.adapters.live.postgres_bus import _cut as cut_for_bus
from booking_system.consultations.adapters.live.talk import Manners
from booking_system.consultations.domain.ice import IceSettings
from booking_system.consultations.domain.presence import Media, Presence, Sitting
from booking_system.consultations.domain.refusals import ConsultationNotOpen
from booking_system.consultations.domain.room import EndReason, Room, RoomState
from booking_system.consultations.domain.seat import Party, Seat, offers_to
from booking_system.consultations.domain.visit import Visit
from booking_system.platform.http.mailbox import Mailbox
from booking_system.platform.http.open_socket import SocketClosed
from booking_system.shared_kernel.identifiers import (
    AppointmentId,
    ClinicId,
    DoctorId,
    PatientId,
)
from booking_system.shared_kernel.mode import Mode

START = datetime(2027, 3, 1, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SOME = UUID(int=1)
VISIT = Visit(
    appointment_id=AppointmentId(SOME),
    clinic_id=ClinicId(UUID(int=2)),
    doctor_id=DoctorId(UUID(int=3)),
    patient_id=PatientId(UUID(int=4)),
    status=AppointmentStatus.CONFIRMED,
    mode=Mode.ONLINE,
    revision=1,
    starts_at=START,
    ends_at=START + 20 * MINUTE,
    opens_before=15 * MINUTE,
    closes_after=30 * MINUTE,
    relay_only=False,
)
ROOM = Room(visit=VISIT)


def at(minutes: float) -> datetime:
    return START + minutes * MINUTE


def state(room: Room, minutes: float, *, waits: bool = False) -> RoomState:
    return room.state(at(minutes), patient_is_here=waits)


def test_a_room_is_open_in_its_window() -> None:
    assert state(ROOM, -15.1) is RoomState.SCHEDULED
    assert state(ROOM, -15) is RoomState.OPEN
    assert state(ROOM, 0, waits=True) is RoomState.WAITING
    assert state(ROOM.admitted(), 0) is RoomState.LIVE
    assert state(ROOM, 49.9) is RoomState.OPEN
    assert state(ROOM, 50) is RoomState.EXPIRED


def test_a_call_goes_on_for_five_minutes_and_is_extended_once() -> None:
    live = ROOM.admitted()
    assert live.closes_at(at(49)) == at(50)
    assert live.closes_at(at(50)) == at(55)
    assert (state(live, 54.9), state(live, 55)) == (RoomState.LIVE, RoomState.EXPIRED)
    longer = live.extended()
    assert longer.extended() == longer
    assert longer.closes_at(at(50)) == at(65)
    assert state(longer, 69.9) is RoomState.LIVE
    assert longer.due_end(at(70)) is EndReason.EXPIRED


def test_a_move_begins_anew_what_was_decided() -> None:
    moved = replace(VISIT, revision=2, starts_at=at(1440), ends_at=at(1460))
    room = replace(ROOM.admitted().extended().late(10), visit=moved)
    assert room.is_admitted_for_another_time
    assert not room.is_admitted
    assert not room.is_extended
    assert room.told_late == 0
    ended = replace(ROOM.ended(EndReason.ENDED), visit=moved)
    assert state(ended, 1440) is RoomState.OPEN


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (AppointmentStatus.CANCELLED, EndReason.CANCELLED),
        (AppointmentStatus.NO_SHOW, EndReason.NO_SHOW),
        (AppointmentStatus.PENDING_PAYMENT, EndReason.CANCELLED),
        (AppointmentStatus.COMPLETED, None),
        (AppointmentStatus.CHECKED_IN, None),
    ],
)
def test_a_room_follows_what_becomes_of_its_appointment(
    status: AppointmentStatus, reason: EndReason | None
) -> None:
    room = replace(ROOM.admitted(), visit=replace(VISIT, status=status))
    assert room.due_end(at(0)) is reason
    assert room.is_open(at(0)) is (reason is None)
    if reason is not None:
        ended = room.ended(reason)
        assert ended.due_end(at(0)) is None
        with pytest.raises(ConsultationNotOpen):
            ended.check_open(at(0))
        # A no-show that is undone opens it again.
        again = replace(ended, visit=VISIT)
        assert again.is_open(at(0))
        assert not again.is_admitted


def test_what_the_doctor_has_ended_stays_ended() -> None:
    ended = ROOM.admitted().ended(EndReason.ENDED)
    assert state(ended, 0) is RoomState.ENDED
    assert not ended.is_admitted
    assert ended.due_end(at(100)) is None


def test_an_appointment_in_person_has_no_room() -> None:
    assert not replace(ROOM, visit=replace(VISIT, mode=Mode.IN_PERSON)).is_open(at(0))


@given(st.sampled_from([*Seat]), st.sampled_from([*Seat]))
def test_of_two_pages_one_makes_the_offers(one: Seat, other: Seat) -> None:
    assert (offers_to(one, other) + offers_to(other, one)) == (one is not other)


def sitting(**about: object) -> Sitting:
    usual: dict[str, object] = {
        "seat": Seat.PATIENT,
        "person_id": SOME,
        "name": None,
        "epoch": 1,
        "client": SOME,
        "media": Media(),
        "is_admitted": False,
        "delivered": 0,
        "read": 0,
        "since": START,
        "alive_until": at(1),
        "gone_at": None,
        "left_at": None,
        "read_at": START,
    }
    return Sitting(**usual | about)  # type: ignore[arg-type]


def test_presence_is_what_is_stored_of_it() -> None:
    second = timedelta(seconds=1)
    assert sitting().presence is Presence.WAITING
    assert sitting(is_admitted=True).presence is Presence.HERE
    assert sitting(alive_until=START).presence is Presence.AWAY
    assert sitting(alive_until=None).presence is Presence.AWAY
    assert sitting(gone_at=START - 9 * second).presence is Presence.WAITING
    assert sitting(gone_at=START - 10 * second).presence is Presence.AWAY
    # A process that ends in order has no lease any more, and its pages reconnect.
    assert sitting(gone_at=START - 9 * second, alive_until=None).presence is Presence.WAITING
    assert sitting(left_at=START, gone_at=START).presence is Presence.LEFT


PARTY = Party(
    room_id=AppointmentId(SOME), seat=Seat.PATIENT, user_id=SOME, subject_id=SOME, session_id=None
)


def test_credentials_are_those_that_coturn_computes_and_end_soon_after_the_room() -> None:
    settings = IceSettings(
        stun=["stun:turn.example.com"], turn=["turns:turn.example.com:443"], secret="shared"
    )
    ice = settings.servers_for(PARTY, closes_at=at(50), now=at(0))
    stun, turn = ice.servers
    assert stun.urls == ("stun:turn.example.com",)
    assert (stun.username, stun.credential) == (None, None)
    assert ice.expires_at == at(65)
    assert turn.username is not None
    seconds, opaque = turn.username.split(":")
    assert int(seconds) == int(at(65).timestamp())
    assert str(SOME) not in opaque
    digest = hmac.new(b"shared", turn.username.encode(), sha1).digest()
    assert turn.credential == b64encode(digest).decode()
    long = settings.servers_for(PARTY, closes_at=at(1000), now=at(0))
    assert long.expires_at == at(240)
    assert IceSettings().servers_for(PARTY, closes_at=at(50), now=at(0)).servers == ()


def test_a_bucket_earns_and_holds() -> None:
    now = [0.0]
    bucket = Bucket(per_second=5.0, at_once=3.0, monotonic=lambda: now[0])
    assert [bucket.spend() for _ in range(4)] == [0, 0, 0, 1]
    now[0] += 0.2
    assert [bucket.spend() for _ in range(2)] == [0, 1]
    now[0] += 100.0
    assert [bucket.spend() for _ in range(4)] == [0, 0, 0, 1]


def test_a_page_may_say_so_much() -> None:
    """Twenty a second, sixty at once, five and twenty of chat; then it is told, then closed."""
    now = [0.0]
    manners, ping = Manners(), frames_in.Ping(type="ping", t=1)
    chat = frames_in.Chat(type="chat", id=SOME, text="Hello")
    for bucket in (manners.frames, manners.chats, manners.refused):
        bucket.monotonic = lambda: now[0]
        bucket.__post_init__()
    assert [manners.wait(chat) for _ in range(21)] == [0] * 20 + [1]
    assert [manners.wait(ping) for _ in range(40)] == [0] * 39 + [1]
    now[0] += 1.0
    assert [manners.wait(ping) for _ in range(21)] == [0] * 20 + [1]
    with pytest.raises(SocketClosed, match="rate_limited"):
        for _ in range(100):
            manners.wait(ping)


async def test_of_what_waits_with_a_key_the_newest_is_sent() -> None:
    box: Mailbox[str] = Mailbox(most_items=3, most_bytes=10)
    assert box.put("a1", 2, key="a")
    assert box.put("b", 1)
    assert box.put("a2 longer", 9, key="a")
    box.close()
    assert [item async for item in box.items()] == ["a2 longer", "b"]
    again: Mailbox[str] = Mailbox(most_items=2)
    assert all(again.put(str(n), 1, key="same") for n in range(100))


@given(st.text(max_size=9000), st.integers(1, 3))
def test_a_message_goes_through_the_bus_in_pieces(text: str, times: int) -> None:
    one, other = (
        PostgresBus(None, None, UUID(int=n))  # type: ignore[arg-type]
        for n in (1, 2)
    )
    me, room_id = UUID(int=1).hex, AppointmentId(SOME)
    for n in range(1, times + 1):
        message = BusMessage(room_id=room_id, to=7, frame={"text": text}, process=me, number=n)
        pieces = cut_for_bus(message)
        assert all(len(piece.encode()) < 8000 and len(piece) < PIECE + 100 for piece in pieces)
        *before, last = [other._joined(piece) for piece in pieces]
        assert before == [None] * len(before)
        assert last == message
        assert [one._joined(piece) for piece in pieces] == [None] * len(pieces)
    # A process that begins to listen in the middle of a message makes nothing of its end.
    long = BusMessage(room_id=room_id, to=7, frame={"text": "x" * 20_000}, process=me, number=9)
    cut = cut_for_bus(long)
    assert [other._joined(piece) for piece in cut[1:]] == [None] * (len(cut) - 1)
