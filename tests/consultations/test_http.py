"""Consultations over HTTP: the way in, the chat, the end, and further parties."""

from uuid import UUID, uuid4

from booking_system.consultations.domain.guest import LINK_LIFE
from booking_system.consultations.domain.seat import Party, Seat
from booking_system.shared_kernel.identifiers import AppointmentId
from tests.api import Api, code_of
from tests.consultations.conftest import RELAY
from tests.consultations.surgery import Surgery, in_minutes, online_slot, surgery
from tests.stage import Stage

GUEST = {"kind": "relative", "name": "Example Relative"}


async def said(room: Surgery, *texts: str) -> None:
    """By the patient, in this order."""
    assert room.patient.patient_id is not None
    say = room.api.container.consultations.say()
    party = Party(
        room_id=AppointmentId(UUID(room.id)),
        seat=Seat.PATIENT,
        user_id=room.patient.user_id,
        subject_id=room.patient.patient_id,
        session_id=None,
    )
    for text in texts:
        await say(party, client_id=uuid4(), text=text)


async def test_both_sides_get_a_way_in_and_nobody_else(api: Api) -> None:
    room = await surgery(api)
    for by, role in ((room.patient, "patient"), (room.doctor, "doctor")):
        way = await room.way_in(by)
        assert way["role"] == role
        assert way["room_id"] == room.id
        assert way["websocket_url"] == f"ws://test/v1/consultations/{room.id}"
        assert (way["ice_servers"], way["ice_expires_at"], way["relay_only"]) == ([], None, False)
        assert way["opens_at"] < way["server_now"] < way["closes_at"]
    path = f"/v1/bookings/{room.id}/consultation"
    desk = await api.receptionist(room.clinic["id"])
    assert code_of(await api.get(path, desk)) == (403, "forbidden")
    for stranger in (await api.patient(), api.admin, (await surgery(api)).doctor):
        assert code_of(await api.get(path, stranger)) == (404, "not_found")


async def test_an_answer_with_a_ticket_is_kept_nowhere(api: Api) -> None:
    room = await surgery(api)
    answer = await api.get(f"/v1/bookings/{room.id}/consultation", room.patient)
    assert answer.headers["cache-control"] == "no-store"
    again = await room.way_in(room.patient)
    assert again["ticket"] != answer.json()["ticket"]


async def test_the_relay_has_credentials_of_its_own_for_each_party(
    stage: Stage, database_url: str
) -> None:
    del database_url
    async with stage.api(**RELAY) as api:
        room = await surgery(api, policy={"consultation_relay_only": True})
        ways = [await room.way_in(by) for by in (room.patient, room.doctor)]
    for way in ways:
        stun, turn = way["ice_servers"]
        assert stun["urls"] == ["stun:turn.example.com:3478"]
        assert turn["urls"] == ["turns:turn.example.com:443?transport=tcp"]
        assert room.id not in turn["username"]
        assert way["relay_only"] is True
        assert way["ice_expires_at"] > way["closes_at"]
    names = {way["ice_servers"][1]["username"] for way in ways}
    assert len(names) == 2
    assert RELAY["turn_secret"] not in str(ways)


async def test_an_appointment_in_person_has_no_consultation(api: Api) -> None:
    room = await surgery(api)
    slot = await online_slot(api, room.doctor_record, in_minutes(60), mode="in_person")
    booked = (await api.book(slot, await api.patient())).json()
    path = f"/v1/bookings/{booked['id']}/consultation"
    assert code_of(await api.get(path, room.doctor)) == (404, "not_found")
    end = f"/v1/consultations/{booked['id']}/end"
    assert code_of(await api.post(end, by=room.doctor)) == (404, "not_found")


async def test_the_chat_is_read_by_both_sides_page_by_page(api: Api) -> None:
    room = await surgery(api)
    await said(room, *(f"{n}" for n in range(1, 6)))
    path = f"{room.path}/messages"
    first = (await api.get(path, room.doctor, limit=2)).json()
    rest = (await api.get(path, room.doctor, limit=200, cursor=first["next_cursor"])).json()
    texts = [one["text"] for one in [*first["items"], *rest["items"]]]
    assert texts == ["1", "2", "3", "4", "5"]
    assert rest["next_cursor"] is None
    new = (await api.get(path, room.patient, after=3)).json()["items"]
    assert [(one["seq"], one["sender"]) for one in new] == [(4, "patient"), (5, "patient")]
    wrong = await api.get(path, room.doctor, after=1, cursor=first["next_cursor"])
    assert code_of(wrong) == (422, "invalid_cursor")
    desk = await api.receptionist(room.clinic["id"])
    assert code_of(await api.get(path, desk)) == (403, "forbidden")
    # When all is over it is read still.
    await room.is_at(in_minutes(-600), in_minutes(-580))
    assert len((await api.get(path, room.patient)).json()["items"]) == 5


async def test_staff_end_a_consultation_and_a_move_opens_it_again(api: Api) -> None:
    room = await surgery(api, policy={"consultation_opens_minutes": 60})
    desk = await api.receptionist(room.clinic["id"])
    shown = (await api.get(room.path, desk)).json()
    assert (shown["state"], shown["allowed_actions"]) == ("open", ["end"])
    assert code_of(await api.post(f"{room.path}/end", by=room.patient)) == (403, "forbidden")
    key = {"Idempotency-Key": uuid4().hex}
    for _ in range(2):
        ended = await api.post(f"{room.path}/end", by=desk, headers=key)
        assert (ended.status_code, ended.json()["state"]) == (200, "ended")
    again = await api.post(f"{room.path}/end", by=room.doctor)
    assert (again.status_code, again.json()["allowed_actions"]) == (200, [])
    way = await api.get(f"/v1/bookings/{room.id}/consultation", room.patient)
    assert (code_of(way), way.json()["room_state"]) == ((409, "consultation_not_open"), "ended")

    slot = await room.slot(in_minutes(30))
    moved = await api.post(f"/v1/bookings/{room.id}/reschedule", {"time_slot_id": slot["id"]}, desk)
    assert moved.status_code == 200, moved.text
    assert (await room.way_in(room.patient))["room_id"] == room.id


async def test_a_room_that_is_not_open_yet_is_not_ended(api: Api) -> None:
    room = await surgery(api, minutes=90)
    early = await api.post(f"{room.path}/end", by=room.doctor)
    assert code_of(early) == (409, "consultation_not_open")
    invited = await api.post(f"{room.path}/guests", GUEST, room.doctor)
    assert code_of(invited) == (409, "consultation_not_open")


async def test_an_invitation_is_the_doctors_and_shows_its_link_once(api: Api) -> None:
    room = await surgery(api)
    path = f"{room.path}/guests"
    for by in (room.patient, await api.receptionist(room.clinic["id"])):
        assert code_of(await api.post(path, GUEST, by)) == (403, "forbidden")
    key = {"Idempotency-Key": uuid4().hex}
    made = await api.post(path, GUEST, room.doctor, headers=key)
    assert made.status_code == 201
    assert len(made.json()["link_token"]) == 43
    again = await api.post(path, GUEST, room.doctor, headers=key)
    assert again.json() == made.json() | {"link_token": None}
    assert again.headers["idempotent-replayed"] == "true"
    another = await api.post(path, GUEST, room.doctor)
    assert code_of(another) == (409, "guest_already_invited")
    async with api.container.database().reading() as connection:
        (row,) = await connection.fetch("SELECT g::text FROM consultation_guests g")
    assert made.json()["link_token"] not in row[0]


async def unused_and_removed(api: Api) -> str:
    """A link that nobody has opened, and whose guest was removed."""
    room = await surgery(api)
    path = f"{room.path}/guests"
    made = await api.made(path, GUEST, room.doctor)
    assert (await api.send("DELETE", f"{path}/{made['id']}", room.doctor)).status_code == 204
    token: str = made["link_token"]
    return token


async def test_a_link_that_ran_out_opens_nothing_and_makes_place(api: Api) -> None:
    room = await surgery(api)
    path, entry = f"{room.path}/guests", "/v1/consultation-guests"
    made = await api.made(path, GUEST, room.doctor)
    async with api.container.database().reading() as connection:
        await connection.execute(
            "UPDATE consultation_guests SET expires_at = expires_at - $1::interval", LINK_LIFE
        )
    late = await api.post(entry, {"token": made["link_token"]})
    assert code_of(late) == (404, "not_found")
    other = await api.made(path, GUEST, room.doctor)
    assert (await api.post(entry, {"token": other["link_token"]})).status_code == 200
    listed = (await api.get(path, room.doctor, limit=1)).json()
    assert [one["id"] for one in listed["items"]] == [made["id"]]
    rest = (await api.get(path, room.doctor, cursor=listed["next_cursor"])).json()
    assert [one["id"] for one in rest["items"]] == [other["id"]]
    gone = f"{path}/{other['id']}"
    elsewhere_link = await unused_and_removed(api)
    assert code_of(await api.post(entry, {"token": elsewhere_link})) == (404, "not_found")
    elsewhere = (await surgery(api)).path
    assert code_of(await api.send("DELETE", gone, room.patient)) == (403, "forbidden")
    strange = gone.replace(room.path, elsewhere)
    assert code_of(await api.send("DELETE", strange, room.doctor)) == (404, "not_found")
    for _ in range(2):
        assert (await api.send("DELETE", gone, room.doctor)).status_code == 204


async def test_a_guest_comes_only_while_the_room_is_open(api: Api) -> None:
    room = await surgery(api)
    made = await api.made(f"{room.path}/guests", GUEST, room.doctor)
    await room.is_at(in_minutes(-90), in_minutes(-70))
    late = await api.post("/v1/consultation-guests", {"token": made["link_token"]})
    assert code_of(late) == (409, "consultation_not_open")
