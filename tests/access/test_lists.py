"""What everybody finds in a list, compared with SQL written by hand over the same rows."""

from collections.abc import AsyncIterator, Iterator, Mapping
from uuid import UUID, uuid4

import pytest

from booking_system.identity.domain.actor import Role, RoleGrant
from booking_system.platform.http.guarded import GuardedRoute
from booking_system.platform.postgres.feed import Relay
from booking_system.shared_kernel.identifiers import ClinicId, PatientId
from tests.access import scenes
from tests.access.scenes import (
    DEAD_EVENT,
    DEAD_MESSAGE,
    OWN_TEMPLATES,
    made_closure,
    made_exception,
    made_rule,
    made_time_off,
    newcomer,
    registered,
)
from tests.access.world import ANONYMOUS, World, a_world
from tests.api import Person
from tests.postgres import TestServer

TWO_HATS = "patient_and_receptionist"

CLINICS = "SELECT id FROM clinics WHERE deleted_at IS NULL"
DOCTORS = """SELECT d.id FROM doctors d JOIN clinics c ON c.id = d.clinic_id
 WHERE d.deleted_at IS NULL AND c.deleted_at IS NULL"""
SERVICES = "SELECT id FROM services WHERE deleted_at IS NULL AND clinic_id = '{here}'"
SLOTS = """SELECT s.id FROM time_slots s JOIN clinics c ON c.id = s.clinic_id
 WHERE s.deleted_at IS NULL AND s.closed_because IS NULL AND s.appointment_id IS NULL
 AND s.starts_at BETWEEN now() + c.min_notice_minutes * interval '1 minute'
  AND now() + least(c.horizon_days, 7) * interval '1 day'"""
STAFF = """SELECT g.user_id FROM role_grants g JOIN users u ON u.id = g.user_id
 WHERE g.clinic_id = '{here}' AND u.deleted_at IS NULL"""
INVITATIONS = "SELECT id FROM invitations WHERE clinic_id = '{here}'"
SESSIONS = """SELECT id FROM sessions WHERE user_id = '{user}' AND ended_at IS NULL
 AND last_used_at > now() - interval '30 days'"""
STAFF_SESSIONS = SESSIONS.replace("{user}", "{receptionist}")
PATIENTS = "SELECT p.id FROM patients p WHERE p.deleted_at IS NULL AND ("
KNOWN = """(EXISTS (SELECT FROM clinic_patients k WHERE k.patient_id = p.id
  AND k.clinic_id = '{%s}' AND k.known_because IN ('registered', 'taken_on'))
 OR EXISTS (SELECT FROM appointments b WHERE b.patient_id = p.id AND b.clinic_id = '{%s}'
  AND b.status IN ('confirmed', 'checked_in', 'completed', 'no_show')))"""


def _known(clinic: str) -> str:
    return KNOWN % (clinic, clinic)


# Else staff of one clinic would learn which of their patients another one knows.
AT_THE_DESK = """EXISTS (SELECT FROM role_grants g WHERE g.user_id = '{user}'
 AND g.clinic_id = '{value}' AND g.role IN ('receptionist', 'clinic_admin'))"""
BOOKINGS = "SELECT a.id FROM appointments a WHERE "

RULES = "SELECT id FROM availability_rules WHERE deleted_at IS NULL AND doctor_id = '{doctor}'"
EXCEPTIONS = (
    "SELECT id FROM availability_exceptions WHERE deleted_at IS NULL AND doctor_id = '{doctor}'"
)
TIME_OFF = "SELECT id FROM time_off WHERE deleted_at IS NULL AND doctor_id = '{doctor}'"
CLOSURES = "SELECT id FROM closures WHERE deleted_at IS NULL AND clinic_id = '{here}'"
ENDPOINTS = "SELECT id FROM webhook_endpoints WHERE deleted_at IS NULL"
UNREACHED = """SELECT DISTINCT a.id FROM appointments a JOIN message_ledger m
 ON m.appointment_id = a.id AND m.revision = a.revision WHERE a.clinic_id = '{here}'
 AND a.starts_at > now() AND m.recipient_key = 'patient' AND m.state = 'failed'"""
MATTERS = "SELECT id FROM payment_quarantine WHERE clinic_id = '{here}'"
FEEDS = "SELECT id FROM calendar_feeds WHERE revoked_at IS NULL AND user_id = '{user}'"
DESK = ("receptionist", "clinic_admin", "platform_admin", TWO_HATS)

Statements = Mapping[str, str | None]
"""By name; None for whoever is refused, `else` for all who are not named."""

PUBLIC_LISTS = {
    "/v1/clinics": CLINICS,
    "/v1/doctors": DOCTORS,
    "/v1/clinics/{clinic_id}/services": SERVICES,
    "/v1/slots": SLOTS,
}
LISTS: dict[str, Statements] = {
    **{path: {"else": statement} for path, statement in PUBLIC_LISTS.items()},
    "/v1/clinics/{clinic_id}/staff": {
        "clinic_admin": STAFF,
        "platform_admin": STAFF,
        "else": None,
    },
    "/v1/clinics/{clinic_id}/invitations": {
        "clinic_admin": INVITATIONS,
        "platform_admin": INVITATIONS,
        "else": None,
    },
    "/v1/clinics/{clinic_id}/staff/{user_id}/sessions": {
        "clinic_admin": STAFF_SESSIONS,
        "platform_admin": STAFF_SESSIONS,
        "else": None,
    },
    "/v1/doctors/{doctor_id}/availability": {
        **dict.fromkeys(("doctor", *DESK), RULES),
        "else": None,
    },
    "/v1/doctors/{doctor_id}/availability-exceptions": {
        **dict.fromkeys(("doctor", *DESK), EXCEPTIONS),
        "else": None,
    },
    "/v1/doctors/{doctor_id}/time-off": {
        **dict.fromkeys(("doctor", *DESK), TIME_OFF),
        "else": None,
    },
    "/v1/clinics/{clinic_id}/closures": {**dict.fromkeys(DESK, CLOSURES), "else": None},
    "/v1/webhook-endpoints": {
        "clinic_admin": f"{ENDPOINTS} AND clinic_id = '{{here}}'",
        "clinic_admin_elsewhere": f"{ENDPOINTS} AND clinic_id = '{{elsewhere}}'",
        "platform_admin": ENDPOINTS,
        "else": None,
    },
    "/v1/clinics/{clinic_id}/message-templates": {
        **dict.fromkeys(DESK, "SELECT id FROM message_templates WHERE clinic_id = '{here}'"),
        "else": None,
    },
    "/v1/clinics/{clinic_id}/unreached-bookings": {
        **dict.fromkeys(set(DESK) - {"platform_admin"}, UNREACHED),
        "else": None,
    },
    "/v1/clinics/{clinic_id}/payment-matters": {
        **dict.fromkeys(set(DESK) - {"platform_admin"}, MATTERS),
        "else": None,
    },
    "/v1/calendar-feeds": {ANONYMOUS: None, "else": FEEDS},
    "/v1/events": {"platform_admin": "SELECT id FROM event_feed", "else": None},
    "/v1/dead-messages": {
        "platform_admin": "SELECT id FROM message_ledger WHERE state = 'failed'",
        "else": None,
    },
    "/v1/dead-events": {"platform_admin": "SELECT id FROM dead_events", "else": None},
    "/v1/dev/outbox": {"platform_admin": "SELECT id FROM kept_messages", "else": None},
    "/v1/sessions": {ANONYMOUS: None, "else": SESSIONS},
    "/v1/patients": {
        ANONYMOUS: None,
        "patient": f"{PATIENTS} p.user_id = '{{user}}')",
        "other_patient": f"{PATIENTS} p.user_id = '{{user}}')",
        "receptionist": f"{PATIENTS} {_known('here')})",
        "clinic_admin": f"{PATIENTS} {_known('here')})",
        "receptionist_elsewhere": f"{PATIENTS} {_known('elsewhere')})",
        "clinic_admin_elsewhere": f"{PATIENTS} {_known('elsewhere')})",
        TWO_HATS: f"{PATIENTS} {_known('here')} OR p.user_id = '{{user}}')",
        "else": f"{PATIENTS} false)",
    },
    "/v1/bookings": {
        ANONYMOUS: None,
        "patient": f"{BOOKINGS} a.patient_id = '{{patient}}'",
        "other_patient": f"{BOOKINGS} a.patient_id = '{{patient}}'",
        "doctor": f"{BOOKINGS} a.doctor_id = '{{doctor}}'",
        "colleague": f"{BOOKINGS} a.doctor_id = '{{colleague}}'",
        "doctor_elsewhere": f"{BOOKINGS} a.doctor_id = '{{doctor_elsewhere}}'",
        "receptionist": f"{BOOKINGS} a.clinic_id = '{{here}}'",
        "clinic_admin": f"{BOOKINGS} a.clinic_id = '{{here}}'",
        "receptionist_elsewhere": f"{BOOKINGS} a.clinic_id = '{{elsewhere}}'",
        "clinic_admin_elsewhere": f"{BOOKINGS} a.clinic_id = '{{elsewhere}}'",
        TWO_HATS: f"{BOOKINGS} (a.clinic_id = '{{here}}' OR a.patient_id = '{{patient}}')",
        "else": f"{BOOKINGS} false",
    },
}
FILTERS: dict[str, dict[str, str]] = {
    "clinic_id": {
        "/v1/bookings": "a.clinic_id = '{value}'",
        "/v1/patients": f"{_known('value')} AND {AT_THE_DESK}",
        "/v1/doctors": "d.clinic_id = '{value}'",
        "/v1/slots": "s.clinic_id = '{value}'",
        "/v1/webhook-endpoints": "clinic_id = '{value}'",
    },
    "doctor_id": {
        "/v1/bookings": "a.doctor_id = '{value}'",
        "/v1/slots": "s.doctor_id = '{value}'",
    },
    "patient_id": {"/v1/bookings": "a.patient_id = '{value}'"},
}
"""What a parameter adds to the statement of a list: it narrows what is seen, never widens it."""


@pytest.fixture(scope="module")
async def world(
    postgres: TestServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    async with postgres.database() as url, a_world(url, tmp_path_factory.mktemp("lists")) as made:
        await _furnish(made)
        yield made


async def _invite(world: World) -> None:
    for clinic in (world.here, world.elsewhere, world.here):
        staff = {"email": f"{uuid4()}@example.com", "full_name": "Example", "role": "receptionist"}
        await world.api.made(f"/v1/clinics/{clinic['id']}/staff", staff)


async def _furnish_money(world: World) -> None:
    for _ in range(2):
        await scenes.payment_matter(world, "")


async def _furnish(world: World) -> None:
    """Rows that must not be seen stand beside those that must."""
    api, here = world.api, ClinicId(UUID(world.here["id"]))
    one = await newcomer(world)
    world.people[TWO_HATS] = both = await api.person(
        RoleGrant(role=Role.RECEPTIONIST, clinic_id=here),
        RoleGrant(role=Role.PATIENT, patient_id=PatientId(one.patient_id)),
        patient_id=one.patient_id,
    )
    await world.sql("UPDATE patients SET user_id = $1 WHERE id = $2", both.user_id, one.patient_id)
    await world.sql("DELETE FROM clinic_patients WHERE patient_id = $1", one.patient_id)
    for patient in ("patient", "other_patient", TWO_HATS):
        for doctor in (world.doctor, world.colleague, world.doctor_elsewhere):
            if (patient, doctor) != (TWO_HATS, world.colleague):
                await world.booking(world.person(patient), doctor)
    cancelled = await world.booking()
    await api.post(f"/v1/bookings/{cancelled['id']}/cancel", by=world.person("patient"))
    await _invite(world)
    for doctor in (world.doctor, world.colleague, world.doctor_elsewhere):
        for kind in ("open", "close", "delete"):
            slot = await world.slot(doctor)
            if kind == "close":
                await api.post(f"/v1/slots/{slot['id']}/close", by=api.admin)
            if kind == "delete":
                await api.send("DELETE", f"/v1/slots/{slot['id']}", api.admin)
    gone, service = await api.doctor(world.here), await api.service(world.here)
    patient_id, clinic = await registered(world), await api.clinic()
    await api.doctor(clinic)
    desk = world.person("receptionist")
    for path, by in (
        (f"/v1/doctors/{gone['id']}", api.admin),
        (f"/v1/services/{service['id']}", api.admin),
        (f"/v1/clinics/{clinic['id']}", api.admin),
        (f"/v1/patients/{patient_id}", desk),
    ):
        assert (await api.send("DELETE", path, by)).status_code == 204
    await registered(world)
    await api.service(world.here)
    await _furnish_calendars(world)
    await _furnish_webhooks(world)
    await _furnish_feeds(world)
    await _furnish_money(world)
    ended = await world.session(world.person("patient"), "ended")
    await world.session(world.person("patient"), "current")
    await api.post("/v1/auth/sign-out", by=ended)
    await world.session(world.person("patient"), "old")
    await world.session(desk, "current")
    await world.session(desk, "old")
    for days in (-5, 10):
        slot = await world.slot(world.colleague)
        await world.sql(
            "UPDATE time_slots SET starts_at = starts_at + $1 * interval '1 day',"
            " ends_at = ends_at + $1 * interval '1 day' WHERE id = $2",
            days,
            UUID(slot["id"]),
        )
    await world.sql(
        "UPDATE sessions SET last_used_at = now() - interval '31 days' WHERE user_agent = 'old'"
    )
    await _furnish_messages(world)
    await _furnish_message_settings(world)
    await Relay(database=api.container.database()).once()


async def _furnish_messages(world: World) -> None:
    await world.sql(
        "INSERT INTO kept_messages (id, message_id, channel, recipient, to_address, text, kept_at)"
        " SELECT gen_random_uuid(), gen_random_uuid(), 'sms', n, n, 'Hello', now()"
        " FROM unnest(ARRAY['+4930123', '+4930124']) n"
    )
    for number in (1, 2):
        await world.sql(DEAD_MESSAGE, uuid4())
        await world.sql(DEAD_EVENT, number)


async def _furnish_message_settings(world: World) -> None:
    """Of two clinics: templates, and messages that reached nobody."""
    for place in (world.here, world.elsewhere):
        for kind in ("reminder", "change"):
            await world.sql(
                OWN_TEMPLATES.replace("reminder", kind), UUID(place["id"]), world.api.admin.user_id
            )
    await world.sql(
        "INSERT INTO message_ledger (id, appointment_id, revision, kind, offset_minutes, channel,"
        " recipient_key, clinic_id, lane, planned_at, due_at, not_after, state, ended_at)"
        " SELECT gen_random_uuid(), id, revision, 'confirmation', 0, 'email', 'patient', clinic_id,"
        " 1, now(), now(), starts_at, 'failed', now() FROM appointments"
    )


async def _furnish_calendars(world: World) -> None:
    """Of two doctors and two clinics, and one of each taken back."""
    for doctor in (world.doctor, world.doctor, world.doctor, world.doctor_elsewhere):
        await made_rule(world, doctor)
        await made_exception(world, doctor)
        await made_time_off(world, doctor)
    for clinic in (world.elsewhere, world.here, world.here, world.here):
        closure = await made_closure(world, clinic)
    gone = await made_rule(world), await made_time_off(world), await made_exception(world)
    for path in (
        f"/v1/availability/{gone[0]}",
        f"/v1/time-off/{gone[1]}",
        f"/v1/clinics/{world.here['id']}/closures/{closure}",
        f"/v1/availability-exceptions/{gone[2]}",
    ):
        assert (await world.api.send("DELETE", path, world.api.admin)).is_success


async def _furnish_feeds(world: World) -> None:
    """Of several people, and a revoked one."""
    path, own = "/v1/calendar-feeds", {"scope": "patient"}
    for name in ("patient", "patient", "other_patient", "patient"):
        made = await world.api.made(path, own, world.person(name))
    gone = await world.api.send("DELETE", f"{path}/{made['id']}", world.person("patient"))
    assert gone.status_code == 204


async def _furnish_webhooks(world: World) -> None:
    """Of two clinics and of the platform, and one that was deleted."""
    path, url = "/v1/webhook-endpoints", {"url": "https://93.184.215.14/hook"}
    for clinic in (world.here, world.here, world.elsewhere, world.here):
        made = await world.api.made(path, {**url, "clinic_id": clinic["id"]})
    await world.api.made(path, url)
    gone = await world.api.send("DELETE", f"{path}/{made['id']}", world.api.admin)
    assert gone.status_code == 204


def _lists(world: World) -> Iterator[str]:
    for route in world.api.app.router.routes:
        if (
            isinstance(route, GuardedRoute)
            and route.methods == {"GET"}
            and "items" in getattr(route.response_model, "model_fields", ())
        ):
            yield route.path


async def test_every_list_is_compared(world: World) -> None:
    # A history, messages and documents are of one booking: whoever sees that one sees all of them,
    # and nobody else any. The soonest doctors are an overview of the slots that everybody sees.
    booking = "/v1/bookings/{booking_id}"
    # Deliveries are of one endpoint, in the same way.
    deliveries = "/v1/webhook-endpoints/{endpoint_id}/deliveries"
    # So are payments of one booking, and receipts of one payment.
    money = {f"{booking}/payments", "/v1/payments/{payment_id}/receipts"}
    # So are the chat and the further parties of one consultation.
    room = "/v1/consultations/{room_id}"
    talks = {f"{room}/messages", f"{room}/guests"}
    told = {f"{booking}/history", f"{booking}/notifications", f"{booking}/files"}
    others = {*told, *money, *talks, "/v1/slots/next", deliveries}
    assert set(_lists(world)) - others == set(LISTS)


@pytest.mark.parametrize("path", LISTS)
async def test_everybody_finds_in_a_list_just_what_is_theirs(world: World, path: str) -> None:
    counts = set()
    for name, person in world.people.items():
        statement = LISTS[path].get(name, LISTS[path]["else"])
        found = await _found(world, path, person)
        assert found == await _wanted(world, statement, person), name
        counts.add(0 if found is None else len(found))
    assert max(counts) > 1, "a list of nothing proves nothing"


@pytest.mark.parametrize("parameter", FILTERS)
async def test_a_filter_narrows_what_is_seen_and_never_widens_it(
    world: World, parameter: str
) -> None:
    places = [world.here["id"], world.elsewhere["id"]]
    doctors = [one["id"] for one in (world.doctor, world.colleague, world.doctor_elsewhere)]
    patients = [str(world.person(one).patient_id) for one in ("patient", "other_patient", TWO_HATS)]
    values = {"clinic_id": places, "doctor_id": doctors, "patient_id": patients}
    for path, condition in FILTERS[parameter].items():
        for name, person in world.people.items():
            statement = LISTS[path].get(name, LISTS[path]["else"])
            for value in values[parameter]:
                narrowed = statement and f"{statement} AND {condition}".replace("{value}", value)
                found = await _found(world, path, person, **{parameter: value})
                assert found == await _wanted(world, narrowed, person), (path, name)


async def _found(world: World, path: str, person: Person | None, **params: str) -> list[str] | None:
    """The ids, with repetitions; None where the caller is refused."""
    limit = {} if path.endswith("/staff") else {"limit": "200"}
    place = path.format(
        clinic_id=world.here["id"],
        doctor_id=world.doctor["id"],
        user_id=world.person("receptionist").user_id,
    )
    answer = await world.api.get(place, person, **limit, **params)
    if answer.status_code in {401, 403}:
        return None
    assert answer.status_code == 200, answer.text
    assert answer.json().get("next_cursor") is None
    return sorted(item.get("id") or item["user_id"] for item in answer.json()["items"])


async def _wanted(world: World, statement: str | None, person: Person | None) -> list[str] | None:
    if statement is None:
        return None
    filled = statement.format(
        here=world.here["id"],
        elsewhere=world.elsewhere["id"],
        doctor=world.doctor["id"],
        colleague=world.colleague["id"],
        doctor_elsewhere=world.doctor_elsewhere["id"],
        receptionist=world.person("receptionist").user_id,
        user=person and person.user_id,
        patient=person and person.patient_id,
    )
    return sorted(str(row[0]) for row in await world.sql(filled))


async def test_a_platform_administrator_learns_of_no_patient(world: World) -> None:
    """Whoever may remove a doctor or a clinic is told of its bookings, not of who booked."""
    for path in (f"/v1/doctors/{world.doctor['id']}", f"/v1/clinics/{world.here['id']}"):
        answer = await world.api.send("DELETE", path, world.api.admin)
        assert answer.status_code == 409
        assert answer.json()["bookings"]
        told = {name for booking in answer.json()["bookings"] for name in booking}
        assert told == {"id", "reference", "doctor_id", "starts_at"}
