"""Who waits is told that the doctor talks in another room, and that they no longer do."""

from tests.consultations.surgery import in_minutes, page, surgery
from tests.platform.real_server import RealServer


async def test_who_waits_knows_that_the_doctor_is_on_another_call(server: RealServer) -> None:
    room = await surgery(server.api, policy={"consultation_opens_minutes": 60})
    waiting = await server.api.patient()
    booked = await server.api.book(await room.slot(in_minutes(30)), waiting)
    assert booked.status_code == 201, booked.text
    way = await room.way_in(waiting, booking=booked.json()["id"])
    async with (
        page(server.ws, await room.way_in(room.patient)) as (patient, _),
        page(server.ws, way) as (other, welcome),
    ):
        assert welcome["room"]["doctor_elsewhere"] is False
        async with page(server.ws, await room.way_in(room.doctor)) as (doctor, mine):
            assert mine["room"]["doctor_elsewhere"] is False
            await patient.hear("presence", who="doctor", state="here")
            # A doctor who only waits for somebody else is on no call; the room is looked at again.
            await other.say("media", mic="on")
            assert [f for f in await other.quiet() if f["type"] == "doctor"] == []
            await doctor.say("admit")
            assert (await other.hear("doctor"))["elsewhere"] is True
            await doctor.say("leave")
        assert (await other.hear("doctor"))["elsewhere"] is False
        assert [f for f in await patient.quiet() if f["type"] == "doctor"] == []
