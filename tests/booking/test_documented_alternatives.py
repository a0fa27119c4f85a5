"""What a refusal offers instead is in the document, typed as a slot, with an example."""

import pytest

from tests.api import Api, code_of
from tests.booking.spans import booked, schedule, service

OPERATIONS = (
    ("/v1/bookings", "post"),
    ("/v1/holds", "post"),
    ("/v1/bookings/{booking_id}/reschedule", "post"),
)
PROBLEM = "application/problem+json"


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
async def test_alternatives_are_typed_and_have_an_example(api: Api, path: str, method: str) -> None:
    document = api.app.openapi()
    content = document["paths"][path][method]["responses"]["409"]["content"][PROBLEM]
    schema = document["components"]["schemas"][content["schema"]["$ref"].rpartition("/")[2]]
    assert schema["properties"]["alternatives"]["items"] == {"$ref": "#/components/schemas/Slot"}
    assert "alternatives" not in schema["required"]
    (offered,) = content["examples"]["slot_already_booked"]["value"]["alternatives"]
    assert offered.keys() == document["components"]["schemas"]["Slot"]["properties"].keys()


async def test_alternatives_are_what_a_search_shows(api: Api) -> None:
    at = await schedule(api, 3)
    wanted = await service(at, 30)
    booking = await booked(at, 0, wanted)
    await booked(at, 1, wanted, at.other)
    there = {"time_slot_id": at.slots[1]["id"]}

    refusals = [
        await at.book(at.slots[0], at.other, service_id=wanted),
        await at.hold(at.slots[0], await api.patient(), service_id=wanted),
        await api.post(f"/v1/bookings/{booking['id']}/reschedule", there, at.patient),
    ]

    (listed,) = (await api.get("/v1/slots", service_id=wanted)).json()["items"]
    for refused in refusals:
        assert code_of(refused) == (409, "slot_already_booked")
        (offered,) = refused.json()["alternatives"]
        assert offered == listed
