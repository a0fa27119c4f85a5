"""Why a slot can be booked or not: the same rules, all of them, for whoever asks."""

from uuid import UUID

from booking_system.booking.adapters.models import OverridableCode
from booking_system.booking.domain.booking_rules import OVERRIDABLE
from booking_system.booking.domain.money_first import PAYMENT_REQUIRED
from tests.api import Api, Person, code_of
from tests.booking.holding import Keeping, Made

SLOT_CODES = [
    "slot_unavailable",
    "slot_held",
    "slot_already_booked",
    "slot_in_past",
    "notice_too_short",
    "beyond_horizon",
]
SERVICE_CODES = ["service_required", "service_not_offered"]
PATIENT_CODES = ["too_many_open_bookings", "patient_overlap"]


async def explained(here: Keeping, slot: Made, by: Person | None, **about: str) -> Made:
    answer = await here.api.get(f"/v1/slots/{slot['id']}/explain", by, **about)
    assert code_of(answer) == (200, None), answer.text
    made: Made = answer.json()
    return made


def refused(told: Made) -> list[str]:
    assert told["bookable"] == all(rule["passed"] for rule in told["rules"])
    return [rule["code"] for rule in told["rules"] if not rule["passed"]]


async def test_every_rule_is_named_and_says_what_holds(api: Api) -> None:
    here = await Keeping.of(api)

    told = await explained(here, here.slots[0], here.patient)

    codes = [rule["code"] for rule in told["rules"]]
    assert codes == [*SLOT_CODES, *SERVICE_CODES, *PATIENT_CODES]
    assert refused(told) == []
    assert told["rules"][0]["detail"] == "The slot is not closed, nor any other that is needed."


async def test_a_visitor_is_told_of_no_patient(api: Api) -> None:
    here = await Keeping.of(api)

    told = await explained(here, here.slots[0], None)

    assert [rule["code"] for rule in told["rules"]] == [*SLOT_CODES, *SERVICE_CODES]


async def test_all_reasons_are_told_at_once(api: Api) -> None:
    here = await Keeping.of(api, min_notice_minutes=60 * 24 * 30, horizon_days=1)
    await api.service(here.clinic)
    await api.post(f"/v1/slots/{here.slots[0]['id']}/close", by=here.desk)

    told = await explained(here, here.slots[0], here.patient)

    assert refused(told) == [
        "slot_unavailable",
        "notice_too_short",
        "beyond_horizon",
        "service_required",
    ]
    detail = next(one["detail"] for one in told["rules"] if one["code"] == "service_required")
    assert detail == "This clinic wants to know which of its services is booked."


async def test_it_depends_on_who_asks_and_says_what_booking_would(api: Api) -> None:
    here = await Keeping.of(api)
    hold = await here.held(here.slots[0], here.patient)
    visitors = await here.held(here.slots[1], None)

    assert refused(await explained(here, here.slots[0], here.patient)) == []
    assert refused(await explained(here, here.slots[0], here.other)) == ["slot_held"]
    with_token = await api.send(
        "GET",
        f"/v1/slots/{here.slots[1]['id']}/explain",
        headers={"Hold-Token": visitors["hold_token"]},
    )
    assert refused(with_token.json()) == []
    await here.book(here.slots[0], here.patient, hold_id=hold["id"])
    told = await explained(here, here.slots[0], here.patient)
    assert refused(told) == ["slot_already_booked", "patient_overlap"]


async def test_staff_ask_for_a_patient_whom_their_clinic_knows(api: Api) -> None:
    here = await Keeping.of(api)
    await here.book(here.slots[0], here.patient)
    named = {"patient_id": str(here.patient.patient_id)}

    told = await explained(here, here.slots[0], here.desk, **named)

    assert refused(told) == ["slot_already_booked", "patient_overlap"]
    path = f"/v1/slots/{here.slots[0]['id']}/explain"
    for by, patient in ((here.other, here.patient), (here.desk, here.other), (None, here.patient)):
        answer = await api.get(path, by, patient_id=str(patient.patient_id))
        assert code_of(answer) == (404, "not_found")


async def test_a_service_is_judged_where_it_is_named(api: Api) -> None:
    here = await Keeping.of(api)
    fits = await api.service(here.clinic, doctor_ids=[here.doctor["id"]])
    online = await api.service(here.clinic, doctor_ids=[here.doctor["id"]], mode="online")

    told = await explained(here, here.slots[0], here.patient, service_id=fits["id"])
    assert refused(told) == []
    told = await explained(here, here.slots[0], here.patient, service_id=online["id"])
    assert refused(told) == ["service_not_offered"]
    booked = await here.book(here.slots[0], here.patient, service_id=online["id"])
    assert code_of(booked) == (422, "service_not_offered")


async def test_explaining_locks_and_changes_nothing(api: Api) -> None:
    here = await Keeping.of(api)
    async with api.container.database().driver_transaction() as rival:
        await rival.execute(
            "SELECT FROM time_slots WHERE id = $1 FOR UPDATE", UUID(here.slots[0]["id"])
        )
        assert refused(await explained(here, here.slots[0], here.patient)) == []


def test_what_can_be_set_aside_is_what_the_rules_say() -> None:
    assert set(OverridableCode.__args__) == {*OVERRIDABLE, PAYMENT_REQUIRED}
    assert set(OVERRIDABLE) == {*SLOT_CODES, *SERVICE_CODES, *PATIENT_CODES} - {"service_required"}
