"""Programs follow what happens by the feed of events."""

from typing import Any
from uuid import uuid4

import pytest

from booking_system.platform.postgres.feed import Relay
from tests.api import Api, Person

TOO_OLD = """DELETE FROM event_feed WHERE seq <= (SELECT min(seq) + 1 FROM event_feed)"""


async def relayed(api: Api) -> None:
    await Relay(database=api.container.database()).once()


async def read(api: Api, by: Person, **query: Any) -> dict[str, Any]:
    await relayed(api)
    answer = await api.get("/v1/events", by, **query)
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    told: dict[str, Any] = answer.json()
    return told


async def head_of(api: Api) -> int:
    head: int = (await read(api, await api.platform_admin(), limit=1))["head"]
    return head


async def test_an_appointment_is_told_from_booking_to_end(api: Api) -> None:
    slot = await api.slot()
    admin, patient = await api.clinic_admin(slot["clinic_id"]), await api.patient()
    since = await head_of(api)
    booked = (await api.book(slot, patient)).json()
    cancelled = await api.post(f"/v1/bookings/{booked['id']}/cancel", {}, patient)
    assert cancelled.status_code == 200
    page = await read(api, admin, clinic_id=slot["clinic_id"], after=since)
    first, second = page["items"]
    assert [first["name"], second["name"]] == ["booking.created", "booking.cancelled"]
    assert since < first["seq"] < second["seq"] == page["next_after"] == page["head"]
    assert first["clinic_id"] == second["clinic_id"] == slot["clinic_id"]
    for number, event in enumerate((first, second), 1):
        data = event["data"]
        assert (data["version"], data["revision"]) == (number, number)
        assert data["appointment_id"] == booked["id"]
        assert data["starts_at"] == slot["starts_at"]
        assert data["patient_id"] == str(patient.patient_id)
    assert "full_name" not in str(page)


async def test_a_clinic_reads_its_own_events_and_goes_on_behind_those_of_others(api: Api) -> None:
    here, elsewhere = await api.slot(), await api.slot()
    admin, patient = await api.clinic_admin(here["clinic_id"]), await api.patient()
    since = await head_of(api)
    await api.book(here, patient)
    other = await api.patient()
    await api.book(elsewhere, other)
    own = await read(api, admin, clinic_id=here["clinic_id"], after=since)
    (event,) = own["items"]
    assert event["clinic_id"] == here["clinic_id"]
    assert own["next_after"] == own["head"] > event["seq"]
    again = await read(api, admin, clinic_id=here["clinic_id"], after=own["next_after"])
    assert again["items"] == []
    both = await read(api, await api.platform_admin(), after=since)
    assert "patient" not in str(both)
    one = await read(api, await api.platform_admin(), after=since, clinic_id=here["clinic_id"])
    assert "patient" not in str(one)
    assert [one["clinic_id"] for one in both["items"]] == [
        here["clinic_id"],
        elsewhere["clinic_id"],
    ]


async def test_pages_leave_nothing_out(api: Api) -> None:
    admin = await api.platform_admin()
    slots = [await api.slot() for _ in range(3)]
    since = await head_of(api)
    for slot in slots:
        await api.book(slot, await api.patient())
    after, seen = since, list[int]()
    while (page := await read(api, admin, after=after, limit=2))["items"]:
        seen += [one["seq"] for one in page["items"]]
        after = page["next_after"]
    assert seen == list(range(since + 1, since + 4))


async def test_only_administrators_read_and_only_their_clinic(api: Api) -> None:
    slot, other = await api.slot(), await api.slot()
    admin = await api.clinic_admin(slot["clinic_id"])
    receptionist = await api.receptionist(slot["clinic_id"])
    for by, query in (
        (admin, {}),
        (admin, {"clinic_id": other["clinic_id"]}),
        (admin, {"clinic_id": str(uuid4())}),
        (receptionist, {"clinic_id": slot["clinic_id"]}),
        (await api.patient(), {"clinic_id": slot["clinic_id"]}),
    ):
        assert await code(api, by, **query) == (403, "forbidden")


async def code(api: Api, by: Person, **query: Any) -> tuple[int, str | None]:
    answer = await api.get("/v1/events", by, **query)
    return answer.status_code, answer.json().get("code")


async def test_a_database_that_was_set_back_is_noticed(api: Api) -> None:
    await api.book(await api.slot(), await api.patient())
    admin = await api.platform_admin()
    page = await read(api, admin)
    assert await code(api, admin, after=page["head"], epoch=page["epoch"]) == (200, None)
    assert await code(api, admin, after=page["head"] + 1) == (410, "feed_reset")
    assert await code(api, admin, epoch=str(uuid4())) == (410, "feed_reset")


async def test_a_reader_who_missed_what_is_gone_is_told(api: Api) -> None:
    for _ in range(4):
        await api.book(await api.slot(), await api.patient())
    admin = await api.platform_admin()
    first = (await read(api, admin, limit=1))["items"][0]["seq"]
    async with api.container.database().driver_transaction() as connection:
        await connection.execute(TOO_OLD)
    assert await code(api, admin, after=first) == (410, "feed_reset")
    # The reader has read all that is gone.
    page = await read(api, admin, after=first + 1, limit=1)
    assert page["items"][0]["seq"] == first + 2
    page = await read(api, admin, limit=1)
    assert page["items"][0]["seq"] == first + 2


@pytest.mark.parametrize(
    ("name", "wrong"), [("after", "-1"), ("after", "x"), ("after", str(2**63)), ("epoch", "1")]
)
async def test_a_wrong_query_is_refused(api: Api, name: str, wrong: str) -> None:
    told = await code(api, await api.platform_admin(), **{name: wrong})
    assert told == (422, "validation_error")
