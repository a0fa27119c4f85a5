"""The demo is complete, loads once, and can be booked on."""

from datetime import date
from itertools import pairwise

from booking_system.bootstrap.demo import CREDENTIALS, load_demo, openings
from booking_system.scheduling.domain.local_time import wall_clock
from tests.api import Api, Person


async def test_the_demo_loads_once_and_a_patient_can_book_on_it(api: Api) -> None:
    heard: list[tuple[int, int]] = []
    report = await load_demo(api.container, progress=lambda *step: heard.append(step))

    assert report is not None
    assert heard[-1] == (12, 12)
    clinics = (await api.get("/v1/clinics")).json()["items"]
    assert {clinic["time_zone"] for clinic in clinics} == {"Europe/Berlin", "America/New_York"}
    assert len((await api.get("/v1/doctors")).json()["items"]) == 12
    kept = api.container.settings().data_dir / CREDENTIALS
    assert kept.stat().st_mode & 0o777 == 0o600
    assert report.password in kept.read_text()
    form = {
        "grant_type": "password",
        "username": "patient-1@example.com",
        "password": report.password,
    }
    signed = (await api.client.post("/v1/auth/token", data=form)).json()
    patient = Person(api.admin.user_id, signed["access_token"])
    slot = (await api.get("/v1/slots")).json()["items"][0]
    services = (await api.get(f"/v1/clinics/{slot['clinic_id']}/services")).json()["items"]
    assert len(services) == 3
    assert (await api.book(slot, patient, service_id=services[0]["id"])).status_code == 201

    assert await load_demo(api.container, progress=lambda *_: None) is None
    assert len((await api.get("/v1/clinics")).json()["items"]) == 2


def test_the_demos_slots_lie_in_office_hours_also_when_clocks_change() -> None:
    # Clocks go back in Berlin on 2027-10-31.
    starts = list(openings(date(2027, 10, 22), "Europe/Berlin"))

    local = [wall_clock(start, "Europe/Berlin") for start in starts]
    assert {one.hour for one in local} == {9, 10, 11, 13, 14, 15, 16}
    assert all(one.isoweekday() <= 5 for one in local)
    assert len(starts) == 15 * 14
    assert all(one < other for one, other in pairwise(starts))
