"""The demo is complete, loads once, and can be booked on."""

from datetime import datetime

from booking_lab.demo.data import CREDENTIALS, load_demo
from tests.api import Api, Person


async def test_the_demo_loads_once_and_a_patient_can_book_on_it(api: Api) -> None:
    heard: list[tuple[int, int]] = []
    report = await load_demo(api.container, progress=lambda *step: heard.append(step))

    assert report is not None
    assert heard[-1] == (12, 12)
    clinics = (await api.get("/v1/clinics")).json()["items"]
    assert {clinic["time_zone"] for clinic in clinics} == {"Europe/Berlin", "America/New_York"}
    doctors = (await api.get("/v1/doctors")).json()["items"]
    assert len(doctors) == 12
    # The program has drawn each of them, and each another way.
    pictured = [one["photo_url"] for one in doctors] + [one["logo_url"] for one in clinics]
    shown = [await api.get(url.removeprefix("http://test"), size="small") for url in pictured]
    assert {one.headers["content-type"] for one in shown} == {"image/jpeg"}
    assert len({one.content for one in shown}) == 14
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
    assert len(services) == 5
    assert (await api.book(slot, patient, service_id=services[0]["id"])).status_code == 201

    assert await load_demo(api.container, progress=lambda *_: None) is None
    assert len((await api.get("/v1/clinics")).json()["items"]) == 2


async def test_the_demos_slots_come_of_weekly_hours_that_can_be_changed(api: Api) -> None:
    await load_demo(api.container, progress=lambda *_: None)
    doctor = (await api.get("/v1/doctors")).json()["items"][0]

    hours = (await api.get(f"/v1/doctors/{doctor['id']}/availability", api.admin)).json()["items"]
    found = await api.get("/v1/slots", doctor_id=doctor["id"], limit=200)

    assert [(one["start_time"], one["end_time"]) for one in hours] == [
        ("09:00", "12:00"),
        ("13:00", "17:00"),
    ]
    local = [datetime.fromisoformat(slot["local_starts_at"]) for slot in found.json()["items"]]
    assert {one.hour for one in local} == {9, 10, 11, 13, 14, 15, 16}
    assert all(one.isoweekday() <= 5 for one in local)
    extension = await api.container.scheduling.extend_horizon()()
    assert (extension.opened, extension.withdrawn) == (0, 0), "nothing is left to be made"
