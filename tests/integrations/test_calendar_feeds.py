"""Calendars follow appointments by a secret link: what they read, and when they read nothing."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from httpx import Response
from icalendar import Calendar, Event
from limits import RateLimitItemPerSecond

from booking_system.identity.adapters import throttle
from booking_system.identity.domain.throttling import CALENDAR_FEED
from booking_system.integrations.adapters.calendar_writing import calendar_of
from booking_system.integrations.domain.calendar_feed import (
    AppointmentEntry,
    CalendarContent,
    CalendarFeedId,
    FeedScope,
    initials_of,
)
from booking_system.shared_kernel.identifiers import AppointmentId
from booking_system.shared_kernel.mode import Mode
from booking_system.shared_kernel.period import Period
from tests.api import START, Api, Person, code_of

FEEDS = "/v1/calendar-feeds"
Made = dict[str, Any]
NAMED = "UPDATE patients SET full_name = 'Example Róża Patient' WHERE id = $1"


async def link(api: Api, by: Person, **about: Any) -> str:
    """The path of a new link."""
    made = await api.made(FEEDS, {"scope": "patient"} | about, by)
    base = api.container.settings().public_url.rstrip("/")
    assert made["secret_url"].startswith(f"{base}{FEEDS}/")
    return str(made["secret_url"].removeprefix(base))


async def of_doctor(api: Api, slot: Made, by: Person, details: str = "none") -> str:
    return await link(api, by, scope="doctor", doctor_id=slot["doctor_id"], details=details)


async def read(api: Api, path: str, **headers: str) -> Response:
    return await api.client.get(path, headers={n.replace("_", "-"): v for n, v in headers.items()})


async def events(api: Api, path: str) -> dict[str, Event]:
    """What a calendar has when it has read the link, by UID."""
    answer = await read(api, path)
    assert answer.status_code == 200, answer.text
    calendar = Calendar.from_ical(answer.content)
    assert calendar["METHOD"] == "PUBLISH"
    found = {str(one["UID"]): one for one in calendar.walk("VEVENT")}
    assert len(found) == len(calendar.walk("VEVENT"))
    return found


async def test_one_appointment_lives_in_a_calendar(api: Api) -> None:
    """As in the mails: one name for ever, and the number of what people are told."""
    slot = await api.slot()
    (later,) = await api.slots({"id": slot["doctor_id"]}, start=START + timedelta(days=1))
    patient, doctor = await api.patient(), await api.doctor_account(await doctor_of(api, slot))
    links = [await link(api, patient), await of_doctor(api, slot, doctor)]
    assert [await events(api, one) for one in links] == [{}, {}]
    booked = (await api.book(slot, patient)).json()
    uid = f"{booked['id']}@booking-system"
    one = f"/v1/bookings/{booked['id']}"
    stamps: list[list[datetime]] = []
    for place, sequence, status, path, body in (
        (slot, 1, "CONFIRMED", None, None),
        (later, 2, "CONFIRMED", f"{one}/reschedule", {"time_slot_id": later["id"]}),
        (later, 3, "CANCELLED", f"{one}/cancel", {}),
    ):
        if path is not None:
            assert (await api.post(path, body, patient)).status_code == 200
        told = [await events(api, each) for each in links]
        assert [found.keys() for found in told] == [{uid}, {uid}]
        for found in told:
            event = found[uid]
            assert (event["SEQUENCE"], event["STATUS"]) == (sequence, status)
            assert event["DTSTART"].dt == datetime.fromisoformat(place["starts_at"])
            assert event["DTEND"].dt == datetime.fromisoformat(place["ends_at"])
            assert event["DTSTART"].dt.tzinfo is not None
            assert "ORGANIZER" not in event
            assert "ATTENDEE" not in event
        stamps.append([found[uid]["DTSTAMP"].dt for found in told])
    assert stamps == sorted(stamps)
    async with api.container.database().reading() as connection:
        await connection.execute(
            "UPDATE appointments SET updated_at = now() - interval '31 days' WHERE id = $1",
            UUID(booked["id"]),
        )
    assert [await events(api, each) for each in links] == [{}, {}]


async def doctor_of(api: Api, slot: Made) -> Made:
    found: Made = (await api.get(f"/v1/doctors/{slot['doctor_id']}")).json()
    return found


async def test_a_doctors_calendar_names_patients_only_where_it_may(api: Api) -> None:
    slot = await api.slot()
    patient, desk = await api.patient(), await api.receptionist(slot["clinic_id"])
    doctor = await api.doctor_account(await doctor_of(api, slot))
    async with api.container.database().reading() as connection:
        await connection.execute(NAMED, patient.patient_id)
    await api.book(slot, patient, reason="Example reason")
    for by, details, shown in (
        (doctor, "none", "Appointment"),
        (doctor, "initials", "Appointment: E.R.P."),
        (doctor, "names", "Appointment: Example Róża Patient"),
        (desk, "none", "Appointment"),
        (desk, "initials", "Appointment: E.R.P."),
    ):
        path = await of_doctor(api, slot, by, details)
        (event,) = (await events(api, path)).values()
        assert str(event["SUMMARY"]) == shown
        text = (await read(api, path)).text
        assert "Example reason" not in text
        assert ("Patient" in text) is (details == "names")
    body = {"scope": "doctor", "doctor_id": slot["doctor_id"], "details": "names"}
    assert code_of(await api.post(FEEDS, body, desk)) == (403, "forbidden")


async def test_a_doctors_calendar_shows_when_they_are_away(api: Api) -> None:
    slot = await api.slot()
    doctor = await api.doctor_account(await doctor_of(api, slot))
    path = await of_doctor(api, slot, doctor)
    away = {
        "starts_at": (START + timedelta(days=2)).isoformat(),
        "ends_at": (START + timedelta(days=4)).isoformat(),
        "reason": "Example reason",
    }
    made = await api.made(f"/v1/doctors/{slot['doctor_id']}/time-off", away)
    day = (START + timedelta(days=6)).date().isoformat()
    closed = {"dates": [day], "reason": "Example reason"}
    await api.made(f"/v1/clinics/{slot['clinic_id']}/closures", closed)
    found = await events(api, path)
    assert sorted(str(one["SUMMARY"]) for one in found.values()) == ["Clinic closed", "Time off"]
    off = found[f"{made['id']}@booking-system"]
    assert off["DTSTART"].dt == START + timedelta(days=2)
    assert off["TRANSP"] == "OPAQUE"
    assert "Example reason" not in (await read(api, path)).text
    await api.send("DELETE", f"/v1/time-off/{made['id']}", api.admin)
    assert [str(one["SUMMARY"]) for one in (await events(api, path)).values()] == ["Clinic closed"]


async def test_what_has_not_changed_is_not_sent_again(api: Api) -> None:
    slot, patient = await api.slot(), await api.patient()
    path = await link(api, patient)
    first = await read(api, path)
    tag, since = first.headers["etag"], first.headers["last-modified"]
    for headers in ({"If_None_Match": tag}, {"If_None_Match": f'"x", W/{tag}'}):
        assert (await read(api, path, **headers)).status_code == 304
    not_changed = await read(api, path, If_Modified_Since=since)
    assert (not_changed.status_code, not_changed.content) == (304, b"")
    assert not_changed.headers["etag"] == tag
    # The tag decides where both are there.
    both = {"If_None_Match": '"other"', "If_Modified_Since": since}
    assert (await read(api, path, **both)).status_code == 200
    await api.book(slot, patient)
    again = await read(api, path, If_Modified_Since=since)
    assert again.status_code == 200
    assert again.headers["etag"] != tag
    assert again.headers["last-modified"] != since
    assert (await read(api, path, If_None_Match=tag)).status_code == 200
    for wrong in ("yesterday", "Mon, 01 Mar 2100"):
        assert (await read(api, path, If_Modified_Since=wrong)).status_code == 200


async def test_two_contents_never_have_the_same_second(api: Api) -> None:
    """Calendars that ask by time alone would keep the first of them for ever."""
    made = await api.made(FEEDS, {"scope": "patient"}, await api.patient())
    store, feed_id = api.container.integrations.calendar_feeds(), CalendarFeedId(UUID(made["id"]))
    first, again, second = [
        await store.note(feed_id, digest, now=START) for digest in (b"a", b"a", b"b")
    ]
    assert first == again == START
    assert second == START + timedelta(seconds=1)


async def test_the_answer_is_for_a_calendar_and_is_kept_by_nobody_else(api: Api) -> None:
    answer = await read(api, await link(api, await api.patient()))
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    assert answer.headers["cache-control"] == "private, no-cache"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert b"REFRESH-INTERVAL;VALUE=DURATION:PT1H\r\n" in answer.content
    assert b"X-PUBLISHED-TTL:PT1H\r\n" in answer.content
    lines = answer.content.split(b"\r\n")
    assert lines.index(b"METHOD:PUBLISH") < len(lines) - 2
    assert all(len(line) <= 75 for line in lines)


async def is_gone(api: Api, path: str) -> bool:
    """Nothing tells an ended link from a link that never was."""
    answer = await read(api, path)
    if answer.status_code == 200:
        return False
    never = await read(api, f"{FEEDS}/{'A' * 43}.ics")
    assert code_of(answer) == code_of(never) == (404, "not_found")
    shown, expected = answer.json(), never.json()
    assert shown | {"instance": ""} == expected | {"instance": ""}
    return True


async def test_a_link_ends_when_it_is_revoked(api: Api) -> None:
    patient, stranger = await api.patient(), await api.patient()
    made = await api.made(FEEDS, {"scope": "patient"}, patient)
    path = made["secret_url"].removeprefix(api.container.settings().public_url.rstrip("/"))
    one = f"{FEEDS}/{made['id']}"
    assert code_of(await api.send("DELETE", one, stranger)) == (404, "not_found")
    assert code_of(await api.get(one, stranger)) == (404, "not_found")
    assert (await api.get(one, patient)).json().keys() == made.keys() - {"secret_url"}
    assert not await is_gone(api, path)
    assert (await api.send("DELETE", one, patient)).status_code == 204
    assert await is_gone(api, path)
    assert code_of(await api.get(one, patient)) == (404, "not_found")
    assert (await api.get(FEEDS, patient)).json()["items"] == []


@pytest.mark.parametrize(
    "token",
    ["A" * 43, "", "0192f0c1-2b3c-7d4e-8f50-617283940000", "%00", "x" * 100, "é", "..", "%ff"],
)
async def test_a_token_that_is_guessed_shows_nothing(api: Api, token: str) -> None:
    assert (await read(api, f"{FEEDS}/{token}.ics")).status_code in {401, 404, 422}


async def test_the_token_is_stored_nowhere_and_logged_nowhere(
    api: Api, capfd: pytest.CaptureFixture[str]
) -> None:
    patient = await api.patient()
    path = await link(api, patient)
    token = path.rpartition("/")[2].removesuffix(".ics")
    assert len(token) == 43
    await read(api, path)
    await read(api, path.replace(".ics", ".icsx"))
    async with api.container.database().reading() as connection:
        (row,) = await connection.fetch("SELECT f::text AS row FROM calendar_feeds f")
        keys = await connection.fetch("SELECT k::text AS row FROM idempotency_keys k")
    assert token not in row["row"]
    assert all(token not in key["row"] for key in keys)
    assert token not in str((await api.get(FEEDS, patient)).json())
    written = capfd.readouterr()
    assert token not in written.out
    assert token not in written.err


async def test_a_request_that_is_sent_again_does_not_show_the_address(api: Api) -> None:
    patient = await api.patient()
    key = {"Idempotency-Key": "calendar"}
    first = await api.post(FEEDS, {"scope": "patient"}, patient, headers=key)
    again = await api.post(FEEDS, {"scope": "patient"}, patient, headers=key)
    assert first.json()["secret_url"]
    assert again.json() == first.json() | {"secret_url": None}
    assert len((await api.get(FEEDS, patient)).json()["items"]) == 1


async def test_a_link_ends_with_the_role_that_it_was_made_by(api: Api) -> None:
    slot = await api.slot()
    clinic, doctor_id = slot["clinic_id"], slot["doctor_id"]
    admin, desk = await api.clinic_admin(clinic), await api.receptionist(clinic)
    doctor = await api.doctor_account(await doctor_of(api, slot))
    desks, doctors = await of_doctor(api, slot, desk), await of_doctor(api, slot, doctor)
    answer = await api.send("DELETE", f"/v1/clinics/{clinic}/staff/{desk.user_id}", admin)
    assert answer.status_code == 204
    assert await is_gone(api, desks)
    assert not await is_gone(api, doctors)
    admins = await of_doctor(api, slot, admin)
    assert (await api.send("DELETE", f"/v1/doctors/{doctor_id}", admin)).status_code == 204
    assert await is_gone(api, doctors)
    assert await is_gone(api, admins)
    assert (await api.post(f"/v1/doctors/{doctor_id}/restore", None, admin)).status_code == 200
    assert not await is_gone(api, doctors)
    assert (await api.send("DELETE", f"/v1/clinics/{clinic}", api.admin)).status_code == 204
    assert await is_gone(api, doctors)
    assert await is_gone(api, admins)


async def test_a_link_ends_with_its_account_and_with_its_patient(api: Api) -> None:
    one, other = await api.patient(), await api.patient()
    links = [await link(api, one), await link(api, other)]
    async with api.container.database().reading() as connection:
        await connection.execute("UPDATE users SET deleted_at = now() WHERE id = $1", one.user_id)
    gone = await api.send("DELETE", f"/v1/patients/{other.patient_id}", other)
    assert gone.status_code == 204
    assert [await is_gone(api, each) for each in links] == [True, True]


async def test_a_doctor_who_lost_the_role_but_works_at_the_desk_is_told_less(api: Api) -> None:
    """What a link tells is judged by the rights of today, not of the day it was made."""
    slot, patient = await api.slot(), await api.patient()
    doctor = await api.doctor_account(await doctor_of(api, slot))
    await api.book(slot, patient)
    path = await of_doctor(api, slot, doctor, "names")
    (event,) = (await events(api, path)).values()
    assert str(event["SUMMARY"]) == "Appointment: Example Patient"
    async with api.container.database().reading() as connection:
        await connection.execute(
            "UPDATE role_grants SET role = 'receptionist', doctor_id = NULL WHERE user_id = $1",
            doctor.user_id,
        )
    (event,) = (await events(api, path)).values()
    assert str(event["SUMMARY"]) == "Appointment: E.P."


@pytest.mark.parametrize(
    ("body", "refused"),
    [
        ({"scope": "doctor"}, (422, "validation_error")),
        ({"scope": "patient", "doctor_id": "{doctor_id}"}, (422, "validation_error")),
        ({"scope": "clinic"}, (422, "validation_error")),
        ({"scope": "patient", "details": "names"}, (403, "forbidden")),
        ({"scope": "doctor", "doctor_id": "{doctor_id}"}, (403, "forbidden")),
        ({"scope": "doctor", "doctor_id": "{nobody}"}, (404, "not_found")),
    ],
)
async def test_what_may_not_be_followed_has_no_link(
    api: Api, body: Made, refused: tuple[int, str]
) -> None:
    slot, patient = await api.slot(), await api.patient()
    known = {"doctor_id": slot["doctor_id"], "nobody": str(patient.user_id)}
    asked = {name: value.format(**known) for name, value in body.items()}
    assert code_of(await api.post(FEEDS, asked, patient)) == refused


async def test_nobody_has_more_than_twenty_links(api: Api) -> None:
    patient = await api.patient()
    made = [await api.made(FEEDS, {"scope": "patient"}, patient) for _ in range(20)]
    refused = await api.post(FEEDS, {"scope": "patient"}, patient)
    assert code_of(refused) == (409, "too_many_calendar_feeds")
    assert len({one["secret_url"] for one in made}) == 20
    first = (await api.get(FEEDS, patient, limit=15)).json()
    rest = (await api.get(FEEDS, patient, limit=15, cursor=first["next_cursor"])).json()
    ids = [one["id"] for page in (first, rest) for one in page["items"]]
    assert ids == [one["id"] for one in made]
    assert rest["next_cursor"] is None
    await api.send("DELETE", f"{FEEDS}/{made[0]['id']}", patient)
    await api.made(FEEDS, {"scope": "patient"}, patient)


async def test_appointments_of_a_month_ago_are_not_told(api: Api) -> None:
    slot, patient = await api.slot(), await api.patient()
    booked = (await api.book(slot, patient)).json()
    path = await link(api, patient)
    for days, is_told in ((29, True), (31, False)):
        async with api.container.database().reading() as connection:
            await connection.execute(
                "UPDATE appointments SET starts_at = t, ends_at = t + interval '30 minutes',"
                " blocked_from = t, blocked_until = t + interval '30 minutes'"
                " FROM (SELECT now() - $2 * interval '1 day' AS t) x WHERE id = $1",
                UUID(booked["id"]),
                days,
            )
        assert bool(await events(api, path)) is is_told


async def test_a_link_is_read_so_many_times_an_hour_at_most(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    counting = throttle.CountingThrottle({CALENDAR_FEED: RateLimitItemPerSecond(2, 3600)})
    monkeypatch.setattr(throttle.UnlimitedThrottle, "admit", lambda _, *keys: counting.admit(*keys))
    path, other = [await link(api, await api.patient()) for _ in range(2)]
    answers = [await read(api, path) for _ in range(3)]
    assert [one.status_code for one in answers] == [200, 200, 429]
    assert int(answers[2].headers["retry-after"]) > 0
    assert (await read(api, other)).status_code == 200


def test_names_cannot_write_lines_of_a_calendar() -> None:
    evil = 'Example"\r\nATTENDEE:mailto:x@example.com\nBEGIN:VALARM; , \\ \u2028 é' + "ł" * 90
    at = datetime(2027, 3, 28, 0, 30, tzinfo=UTC)
    entry = AppointmentEntry(
        id=AppointmentId(UUID(int=7)),
        revision=1,
        is_cancelled=False,
        booked_at=at,
        period=Period(at, at + timedelta(hours=2)),
        mode=Mode.IN_PERSON,
        with_whom=evil,
        clinic_name=evil,
        clinic_address=evil,
    )
    for scope in FeedScope:
        content = CalendarContent(
            scope=scope, name=evil, locale="de-AT", appointments=(entry,), busy=()
        )
        written = calendar_of(content)
        assert all(len(line) <= 75 for line in written.split(b"\r\n"))
        calendar = Calendar.from_ical(written)
        (event,) = calendar.walk("VEVENT")
        assert "ATTENDEE" not in event
        assert not calendar.walk("VALARM")
        assert str(event["SUMMARY"]).startswith("Termin: Example")
        assert event["DTEND"].dt - event["DTSTART"].dt == timedelta(hours=2)


@pytest.mark.parametrize(
    ("name", "initials"),
    [("Example Patient", "E.P."), ("Anna-Maria  of Example", "A.M.O.E."), ("", ""), ("ß", "SS.")],
)
def test_initials_are_first_letters(name: str, initials: str) -> None:
    assert initials_of(name) == initials
