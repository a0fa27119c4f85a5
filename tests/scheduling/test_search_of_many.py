"""Searches for doctors of a kind: asked one by one, or met among the slots of all."""

from datetime import timedelta
from uuid import UUID

import pytest

from booking_system.scheduling.adapters import overview, slot_page
from booking_system.scheduling.adapters.slot_search import PostgresSlotFinder
from booking_system.scheduling.domain.overview import NextSearch
from booking_system.scheduling.domain.search import SlotSearch
from booking_system.shared_kernel.identifiers import DoctorId
from booking_system.shared_kernel.period import Period
from tests.api import START, Api

KINDS = {"specialty": ("Cardiology", "Dermatology"), "language": (["de"], ["fr"])}
ASKED = {"specialty": "Cardiology", "language": "de"}


@pytest.fixture(params=[8, 0], ids=["few doctors", "many doctors"])
def ways(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways through the statements find the same."""
    monkeypatch.setattr(slot_page, "FEW", request.param)
    monkeypatch.setattr(overview, "ONE_BY_ONE", request.param)


@pytest.mark.usefixtures("ways")
@pytest.mark.parametrize("kind", KINDS)
async def test_only_slots_of_the_wanted_doctors_are_found(api: Api, kind: str) -> None:
    clinic = await api.clinic()
    wanted, other = [
        await api.doctor(clinic, **{kind if kind == "specialty" else "languages": value})
        for value in KINDS[kind]
    ]
    await api.slots(other, 3, start=START)
    slots = await api.slots(wanted, 3, start=START)
    query = {kind: ASKED[kind]}

    found = (await api.get("/v1/slots", **query)).json()["items"]
    assert [slot["id"] for slot in found] == [slot["id"] for slot in slots]
    # With one that is enough, those who are met are not asked again.
    (soonest,) = (await api.get("/v1/slots/next", limit=1, **query)).json()["items"]
    assert soonest["doctor"]["id"] == wanted["id"]
    assert [slot["id"] for slot in soonest["slots"]] == [slots[0]["id"]]


async def test_a_page_of_many_goes_on_behind_its_last(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slot_page, "FEW", 0)
    clinic = await api.clinic()
    doctors = [await api.doctor(clinic, specialty="Cardiology") for _ in range(3)]
    offered = [slot["id"] for one in doctors for slot in await api.slots(one, 3, start=START)]
    query = {"specialty": "Cardiology", "limit": 2}
    found: list[str] = []
    page = (await api.get("/v1/slots", **query)).json()
    while True:
        found += [slot["id"] for slot in page["items"]]
        if page["next_cursor"] is None:
            break
        page = (await api.get("/v1/slots", **query, cursor=page["next_cursor"])).json()
    assert len(found) == len(offered)
    assert set(found) == set(offered)


async def test_what_begins_now_is_found_no_more(api: Api) -> None:
    clinic = await api.clinic(policy={"min_notice_minutes": 0})
    doctor = await api.doctor(clinic)
    await api.slots(doctor, start=START)
    database, doctor_id = api.container.database(), DoctorId(UUID(doctor["id"]))
    period = Period(START - timedelta(hours=1), START + timedelta(hours=1))
    wanted = SlotSearch(period=period, doctor_id=doctor_id)
    soonest = NextSearch(after=period.starts_at, doctor_id=doctor_id)
    for now, many in ((START - timedelta(microseconds=1), 1), (START, 0)):
        assert len(await PostgresSlotFinder(database).find(wanted, now=now)) == many
        assert len(await overview.PostgresOverview(database).next(soonest, now=now)) == many
