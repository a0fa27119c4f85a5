"""Days that a zone skipped: nobody is shown or sold one, and nothing fails over it."""

from datetime import date, timedelta
from typing import Any
from zoneinfo import available_timezones

import pytest

from booking_system.scheduling.domain.local_time import day_of
from booking_system.scheduling.domain.refusals import NonexistentLocalTime
from tests.api import Api, code_of

SKIPPED = date(2011, 12, 30)
DAY = timedelta(days=1)
NEVER = (422, "nonexistent_local_time")


@pytest.mark.parametrize("zone", ["Pacific/Apia", "Pacific/Fakaofo"])
async def test_every_question_about_a_skipped_day_is_answered(api: Api, zone: str) -> None:
    clinic = await api.clinic(time_zone=zone)
    doctor, desk = await api.doctor(clinic), await api.receptionist(clinic["id"])
    closures = f"/v1/clinics/{clinic['id']}/closures"
    made: list[dict[str, Any]] = []
    for day in (SKIPPED - DAY, SKIPPED, SKIPPED + DAY):
        expected = NEVER if day == SKIPPED else (200, None)
        for of in (f"/v1/doctors/{doctor['id']}/day", f"/v1/clinics/{clinic['id']}/day"):
            assert code_of(await api.get(of, desk, date=day.isoformat())) == expected
        body = {"dates": [day.isoformat()]}
        dry = await api.post(closures, body, desk, params={"dry_run": "true"})
        assert code_of(dry) == expected
        answer = await api.post(closures, body, desk)
        assert code_of(answer) == (NEVER if day == SKIPPED else (201, None))
        made += answer.json().get("items", [])
    assert made[0]["ends_at"] == made[1]["starts_at"]
    params = {"from": SKIPPED.isoformat(), "to": (SKIPPED + DAY).isoformat()}
    assert (await api.get(closures, desk, **params)).json()["items"] == []
    moved = await api.send(
        "PATCH", f"{closures}/{made[0]['id']}", desk, json={"date": SKIPPED.isoformat()}
    )
    assert code_of(moved) == NEVER


def test_the_days_of_every_zone_lie_side_by_side() -> None:
    skipped = set()
    for zone in sorted(available_timezones()):
        ends_at = None
        for number in range(-2, 4):
            try:
                period = day_of(SKIPPED + number * DAY, zone)
            except NonexistentLocalTime:
                skipped.add((zone, SKIPPED + number * DAY))
                continue
            assert ends_at in {None, period.starts_at}, zone
            ends_at = period.ends_at
    assert {"Pacific/Apia", "Pacific/Fakaofo"} <= {zone for zone, _ in skipped}
    assert {day for _, day in skipped} == {SKIPPED}
