"""Local times carry the offset of the clinic's wall, also where it is zero: `Z` would say UTC."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.api import Api

WINTER = datetime(datetime.now(UTC).year + 1, 1, 12, 9, tzinfo=UTC)
"""When the clock in London shows UTC."""
HOUR = timedelta(hours=1)


def local_values(body: Any) -> Iterator[str]:
    if isinstance(body, dict):
        for name, value in body.items():
            if name.startswith("local_") and value is not None:
                yield value
            else:
                yield from local_values(value)
    elif isinstance(body, list):
        for one in body:
            yield from local_values(one)


def operations_with_local_times(document: dict[str, Any]) -> set[str]:
    """The ids of those whose answers, good or bad, can have a local time."""
    schemas = document["components"]["schemas"]

    def has_local(schema: Any, seen: frozenset[str] = frozenset()) -> bool:
        if isinstance(schema, list):
            return any(has_local(one, seen) for one in schema)
        if not isinstance(schema, dict):
            return False
        if any(name.startswith("local_") for name in schema.get("properties", {})):
            return True
        name = schema.get("$ref", "").rpartition("/")[2]
        if name:
            return name not in seen and has_local(schemas[name], seen | {name})
        return any(has_local(one, seen) for one in schema.values())

    return {
        operation["operationId"]
        for path in document["paths"].values()
        for operation in path.values()
        if any(
            has_local(media.get("schema"))
            for answer in operation["responses"].values()
            for media in answer.get("content", {}).values()
        )
    }


async def test_no_local_time_of_any_operation_ends_in_z(api: Api) -> None:
    clinic = await api.clinic(time_zone="Europe/London", policy={"horizon_days": 730})
    doctor, desk = await api.doctor(clinic), await api.receptionist(clinic["id"])
    slots = await api.slots(doctor, 4, start=WINTER)
    await api.slots(doctor, 2, start=WINTER + timedelta(days=2))
    service = await api.service(clinic, doctor_ids=[doctor["id"]])
    patient, about = await api.patient(), {"service_id": service["id"]}
    day, whose = WINTER.date().isoformat(), {"doctor_id": doctor["id"]}
    week = {"from": WINTER.isoformat(), "to": (WINTER + timedelta(days=7)).isoformat()}

    asked = {
        "search_slots": await api.get("/v1/slots", **whose, **about, **week),
        "find_next_slots": await api.get("/v1/slots/next", **whose, **about),
        "read_slot": await api.get(f"/v1/slots/{slots[0]['id']}"),
        "create_booking": await api.book(slots[0], patient, **about),
    }
    booking = asked["create_booking"].json()
    one = f"/v1/bookings/{booking['id']}"
    taken = {"time_slot_id": slots[0]["id"], **about}
    far = WINTER + timedelta(days=20)
    away = await api.made(
        f"/v1/doctors/{doctor['id']}/time-off",
        {"starts_at": far.isoformat(), "ends_at": (far + HOUR).isoformat()},
        desk,
    )
    closures = f"/v1/clinics/{clinic['id']}/closures"
    (closed,) = (await api.made(closures, {"dates": [far.date().isoformat()]}, desk))["items"]
    absence = {"starts_at": WINTER.isoformat(), "ends_at": (WINTER + HOUR).isoformat()}
    dry = {"dry_run": "true"}
    asked |= {
        "create_hold": await api.post("/v1/holds", taken, await api.patient()),
        "read_booking": await api.get(one, patient),
        "list_bookings": await api.get("/v1/bookings", patient),
        "read_doctor_day": await api.get(f"/v1/doctors/{doctor['id']}/day", desk, date=day),
        "read_clinic_day": await api.get(f"/v1/clinics/{clinic['id']}/day", desk, date=day),
        "create_time_off": await api.post(
            f"/v1/doctors/{doctor['id']}/time-off", absence, desk, params=dry
        ),
        "create_closures": await api.post(closures, {"dates": [day]}, desk, params=dry),
        "change_time_off": await api.send(
            "PATCH", f"/v1/time-off/{away['id']}", desk, json=absence, params=dry
        ),
        "change_closure": await api.send(
            "PATCH", f"{closures}/{closed['id']}", desk, json={"date": day}, params=dry
        ),
        "close_slot": await api.post(f"/v1/slots/{slots[3]['id']}/close", by=desk),
        "reopen_slot": await api.post(f"/v1/slots/{slots[3]['id']}/reopen", by=desk),
        "reschedule_booking": await api.post(
            f"{one}/reschedule", {"time_slot_id": slots[1]["id"]}, patient
        ),
        "check_in_booking": await api.get(one, desk),
        "cancel_booking": await api.post(f"{one}/cancel", None, patient),
    }

    for name, answer in asked.items():
        found = list(local_values(answer.json()))
        assert found, (name, answer.text)
        assert {value[-6:] for value in found} == {"+00:00"}, name
    # Marks answer as a booking that is read does.
    marks = {"check_in_booking", "complete_booking", "mark_no_show", "undo_booking_step"}
    missing = operations_with_local_times(api.app.openapi()) - marks - asked.keys()
    assert not missing, f"also try {missing}"
