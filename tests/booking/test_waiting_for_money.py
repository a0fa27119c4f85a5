"""A service that has to be paid for first: its time is kept, and becomes its own by money alone."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from booking_system.booking.application.settle_payment import ConfirmPaid
from booking_system.booking.domain.lifecycle import PaymentStatus
from booking_system.scheduling.domain.refusals import (
    SlotAlreadyBooked,
    SlotHeld,
    SlotInPast,
    SlotUnavailable,
)
from booking_system.shared_kernel.errors import Refusal
from booking_system.shared_kernel.identifiers import AppointmentId
from tests.api import START, Api, Person, code_of
from tests.booking.builders import FixedClock

PRICE = {"amount": 5000, "currency": "EUR"}
DEPOSIT = {"amount": 1500, "currency": "EUR"}
LATER = timedelta(minutes=39)
"""Behind the half hour to pay, the grace, and the while left to workers that ask providers."""


class Desk:
    """A clinic with one doctor, four slots of 30 minutes, and a service that is paid for first."""

    def __init__(self, api: Api, clinic: dict[str, Any], doctor: dict[str, Any]) -> None:
        self.api, self.clinic, self.doctor = api, clinic, doctor
        self.slots: list[dict[str, Any]] = []
        self.service: dict[str, Any] = {}

    @classmethod
    async def open(cls, api: Api, policy: dict[str, Any] | None = None, **about: Any) -> "Desk":
        clinic = await api.clinic(policy=policy or {})
        desk = cls(api, clinic, await api.doctor(clinic))
        desk.slots = await api.slots(desk.doctor, 4)
        terms = {"price": PRICE, "payment": "required", "duration_minutes": 30} | about
        desk.service = await api.service(clinic, doctor_ids=[desk.doctor["id"]], **terms)
        return desk

    async def book(self, by: Person, slot: int = 0, **about: Any) -> Any:
        body = {"service_id": self.service["id"]} | about
        return await self.api.book(self.slots[slot], by, **body)

    async def shown(self, booking: dict[str, Any], by: Person) -> dict[str, Any]:
        return dict((await self.api.get(f"/v1/bookings/{booking['id']}", by)).json())

    async def time_goes_by(self, booking: dict[str, Any], by: timedelta = LATER) -> None:
        """As if it had been booked earlier."""
        async with self.api.container.database().driver_transaction() as connection:
            for statement in (
                "UPDATE appointments SET pay_by = pay_by - $2::interval WHERE id = $1",
                "UPDATE time_slots SET held_until = held_until - $2::interval WHERE hold_id = $1",
            ):
                await connection.execute(statement, UUID(booking["id"]), by)

    async def pay(self, booking: dict[str, Any]) -> None:
        await self.api.container.booking.confirm_paid()(
            appointment_id=UUID(booking["id"]), status=PaymentStatus.PAID
        )

    async def open_now(self) -> set[str]:
        found = await self.api.get(
            "/v1/slots",
            clinic_id=self.clinic["id"],
            service_id=self.service["id"],
            **{"from": START.isoformat(), "to": (START + timedelta(days=1)).isoformat()},
        )
        return {slot["id"] for slot in found.json()["items"]}


async def test_it_is_kept_while_it_waits_and_its_own_when_it_is_paid(api: Api) -> None:
    desk = await Desk.open(api)
    patient, rival = await api.patient(), await api.patient()

    answer = await desk.book(patient)

    booked = answer.json()
    assert (answer.status_code, booked["status"], booked["payment_status"]) == (
        201,
        "pending_payment",
        "unpaid",
    )
    assert booked["due_first"] == PRICE
    assert booked["allowed_actions"] == ["cancel", "pay"]
    kept = datetime.fromisoformat(booked["expires_at"]) - datetime.now(UTC)
    assert timedelta(minutes=32) < kept <= timedelta(minutes=33)
    assert code_of(await desk.book(rival)) == (409, "slot_held")
    assert desk.slots[0]["id"] not in await desk.open_now()

    await desk.pay(booked)

    paid = await desk.shown(booked, patient)
    assert (paid["status"], paid["payment_status"]) == ("confirmed", "paid")
    assert (paid["expires_at"], paid["due_first"]) == (None, None)
    assert paid["allowed_actions"] == ["cancel", "reschedule"]
    assert code_of(await desk.book(rival)) == (409, "slot_already_booked")
    history = await api.get(f"/v1/bookings/{booked['id']}/history", patient)
    assert [(one["action"], one["by"]) for one in history.json()["items"]] == [
        ("booked", "patient"),
        ("confirmed", "system"),
    ]


async def test_nobody_gets_it_by_the_rules_of_holds(api: Api) -> None:
    desk = await Desk.open(api)
    patient = await api.patient()
    booked = (await desk.book(patient)).json()
    path = f"/v1/holds/{booked['id']}"

    assert code_of(await api.get(path, patient)) == (404, "not_found")
    assert code_of(await api.post(f"{path}/extend", None, patient)) == (404, "not_found")
    assert code_of(await api.send("DELETE", path, by=patient)) == (404, "not_found")
    assert code_of(await desk.book(patient, hold_id=booked["id"])) == (409, "slot_held")
    assert (await desk.shown(booked, patient))["status"] == "pending_payment"


async def test_a_deposit_is_what_is_due_first_as_it_was_when_it_was_held(api: Api) -> None:
    desk = await Desk.open(api, deposit=DEPOSIT)
    patient = await api.patient()
    body = {"time_slot_id": desk.slots[0]["id"], "service_id": desk.service["id"]}
    held = await api.made("/v1/holds", body, patient)
    admin = await api.clinic_admin(desk.clinic["id"])
    dearer = {"price": {"amount": 9900, "currency": "EUR"}, "deposit": None}
    path = f"/v1/services/{desk.service['id']}"
    assert (await api.send("PATCH", path, by=admin, json=dearer)).status_code == 200

    booked = (await desk.book(patient, hold_id=held["id"])).json()

    assert (booked["status"], booked["price"]) == ("pending_payment", PRICE)
    assert booked["due_first"] == DEPOSIT


async def test_it_counts_as_the_patients_time_until_it_has_to_be_paid(api: Api) -> None:
    desk = await Desk.open(api)
    other = await api.doctor(desk.clinic)
    [same_time, *_] = await api.slots(other, 1)
    free = await api.service(desk.clinic, doctor_ids=[other["id"]], duration_minutes=30)
    patient = await api.patient()
    booked = (await desk.book(patient)).json()

    again = await api.book(same_time, patient, service_id=free["id"])
    assert code_of(again) == (409, "patient_overlap")

    await desk.time_goes_by(booked)
    assert (await api.book(same_time, patient, service_id=free["id"])).status_code == 201
    with pytest.raises(Refusal):
        await desk.pay(booked)
    assert (await desk.shown(booked, patient))["status"] == "pending_payment"


async def test_what_is_overdue_is_free_for_all_before_anything_tidies_up(api: Api) -> None:
    desk = await Desk.open(api)
    patient, rival = await api.patient(), await api.patient()
    booked = (await desk.book(patient)).json()
    await desk.time_goes_by(booked)

    assert desk.slots[0]["id"] in await desk.open_now()
    taken = (await desk.book(rival)).json()

    assert taken["status"] == "pending_payment"
    with pytest.raises(SlotHeld):
        await desk.pay(booked)
    await desk.pay(taken)
    with pytest.raises(SlotAlreadyBooked):
        await desk.pay(booked)
    assert await api.container.booking.expire_unpaid()() == 1
    assert (await desk.shown(booked, patient))["status"] == "expired"
    assert (await desk.shown(taken, rival))["status"] == "confirmed"


async def test_what_is_overdue_stands_in_nobodys_way(api: Api) -> None:
    """Time off, a move of the clinic to another zone, and the end of a service or a doctor."""
    desk = await Desk.open(api)
    booked = (await desk.book(await api.patient())).json()
    day = START.date().isoformat()
    doctor, clinic = f"/v1/doctors/{desk.doctor['id']}", f"/v1/clinics/{desk.clinic['id']}"
    away = {"starts_at": START.isoformat(), "ends_at": (START + timedelta(hours=1)).isoformat()}
    asked = [
        ("POST", f"{doctor}/time-off", away, {"dry_run": True}),
        ("POST", f"{clinic}/closures", {"dates": [day]}, {"dry_run": True}),
        ("PATCH", clinic, {"time_zone": "Asia/Tokyo"}, {"dry_run": True}),
    ]
    ending = [f"/v1/services/{desk.service['id']}", doctor, clinic]

    async def met() -> list[Any]:
        found = []
        for method, path, body, params in asked:
            answer = await api.send(method, path, api.admin, json=body, params=params)
            assert answer.is_success, answer.text
            shown = answer.json()
            found.append(shown.get("moved_count", shown.get("count")))
        return found

    assert await met() == [1] * 3
    for path in ending:
        refused = await api.send("DELETE", path, api.admin)
        assert code_of(refused) == (409, "bookings_affected")

    await desk.time_goes_by(booked)

    assert await met() == [0] * 3
    for path in ending:
        assert (await api.send("DELETE", path, api.admin)).status_code == 204


ENDINGS = ["time off", "closure", "the doctor goes", "the clinic goes"]


async def ended(desk: Desk, way: str, on_conflict: str) -> None:
    """The clinic ends the time of all slots of the desk, in one of these ways."""
    doctor, clinic = f"/v1/doctors/{desk.doctor['id']}", f"/v1/clinics/{desk.clinic['id']}"
    away = {"starts_at": START.isoformat(), "ends_at": (START + timedelta(hours=2)).isoformat()}
    method, path, body = {
        "time off": ("POST", f"{doctor}/time-off", away),
        "closure": ("POST", f"{clinic}/closures", {"dates": [START.date().isoformat()]}),
        "the doctor goes": ("DELETE", doctor, None),
        "the clinic goes": ("DELETE", clinic, None),
    }[way]
    params = {"on_conflict": on_conflict}
    answer = await desk.api.send(method, path, desk.api.admin, json=body, params=params)
    assert answer.is_success, answer.text


@pytest.mark.parametrize("way", ENDINGS)
@pytest.mark.parametrize("minutes", [30, 45])
async def test_what_the_clinic_keeps_waits_on_and_is_paid_for(
    api: Api, way: str, minutes: int
) -> None:
    desk = await Desk.open(api, duration_minutes=minutes)
    patient = await api.patient()
    booked = (await desk.book(patient)).json()
    wish = {"time_slot_id": desk.slots[2]["id"], "service_id": desk.service["id"]}
    held = await api.made("/v1/holds", wish, await api.patient())
    assert await holds_of(api, desk) == {UUID(booked["id"]), UUID(held["id"])}

    await ended(desk, way, "keep")

    assert await holds_of(api, desk) == {UUID(booked["id"])}
    assert (await desk.shown(booked, patient))["status"] == "pending_payment"
    await desk.pay(booked)
    assert (await desk.shown(booked, patient))["status"] == "confirmed"


@pytest.mark.parametrize("way", ENDINGS)
async def test_what_the_clinic_cancels_waits_no_more(api: Api, way: str) -> None:
    desk = await Desk.open(api)
    patient = await api.patient()
    booked = (await desk.book(patient)).json()

    await ended(desk, way, "cancel")

    assert await holds_of(api, desk) == set()
    assert (await desk.shown(booked, patient))["status"] == "cancelled"


async def holds_of(api: Api, desk: Desk) -> set[UUID]:
    async with api.container.database().reading() as connection:
        rows = await connection.fetch(
            "SELECT hold_id FROM time_slots WHERE doctor_id = $1 AND hold_id IS NOT NULL",
            UUID(desk.doctor["id"]),
        )
    return {row["hold_id"] for row in rows}


async def test_what_is_in_time_is_not_ended(api: Api) -> None:
    desk, patient = await Desk.open(api), await api.patient()
    booked = (await desk.book(patient)).json()
    expire = api.container.booking.expire_unpaid()

    assert not await expire.one(AppointmentId(UUID(booked["id"])))
    assert (await desk.shown(booked, patient))["status"] == "pending_payment"

    await desk.time_goes_by(booked)
    assert await expire.one(AppointmentId(UUID(booked["id"])))
    assert (await desk.shown(booked, patient))["status"] == "expired"


async def test_it_counts_among_what_a_patient_may_have_until_it_has_to_be_paid(api: Api) -> None:
    desk = await Desk.open(api, policy={"max_open_bookings_per_patient": 1})
    patient = await api.patient()
    booked = (await desk.book(patient)).json()

    assert code_of(await desk.book(patient, 1)) == (422, "too_many_open_bookings")

    await desk.time_goes_by(booked)
    assert (await desk.book(patient, 1)).status_code == 201


async def test_late_money_takes_the_time_again_where_it_is_free(api: Api) -> None:
    desk = await Desk.open(api)
    patient = await api.patient()
    booked = (await desk.book(patient)).json()
    await desk.time_goes_by(booked)
    assert await api.container.booking.expire_unpaid()() == 1
    expired = await desk.shown(booked, patient)
    assert (expired["status"], expired["allowed_actions"]) == ("expired", [])

    await desk.pay(booked)

    assert (await desk.shown(booked, patient))["status"] == "confirmed"
    assert desk.slots[0]["id"] not in await desk.open_now()


async def test_late_money_takes_no_time_that_was_closed_meanwhile(api: Api) -> None:
    desk = await Desk.open(api)
    patient = await api.patient()
    booked = (await desk.book(patient)).json()
    await desk.time_goes_by(booked)
    admin = await api.clinic_admin(desk.clinic["id"])
    assert (await api.post(f"/v1/slots/{desk.slots[0]['id']}/close", None, admin)).is_success

    with pytest.raises(SlotUnavailable):
        await desk.pay(booked)


async def test_late_money_takes_no_time_that_has_begun(api: Api) -> None:
    desk, patient = await Desk.open(api), await api.patient()
    booked = (await desk.book(patient)).json()
    await desk.time_goes_by(booked)
    clock = FixedClock(datetime.fromisoformat(booked["starts_at"]))
    paying = api.container.booking.paying()

    with pytest.raises(SlotInPast):
        await ConfirmPaid(transaction=paying.transaction, clock=clock)(
            appointment_id=AppointmentId(UUID(booked["id"])), status=PaymentStatus.PAID
        )


async def test_money_in_time_takes_no_slot_that_it_lost_before(api: Api) -> None:
    desk, patient = await Desk.open(api), await api.patient()
    booked = (await desk.book(patient)).json()
    staff = await api.receptionist(desk.clinic["id"])
    newcomer = {"clinic_id": desk.clinic["id"], "full_name": "Example Patient"}
    other = await api.made("/v1/patients", newcomer, staff)
    insists = {"reason": "An emergency", "codes": ["slot_held", "payment_required"]}
    wish = {"patient_id": other["id"], "override": insists}
    taken = await desk.book(staff, **wish)
    assert (taken.status_code, taken.json()["status"]) == (201, "confirmed"), taken.text

    with pytest.raises(SlotAlreadyBooked):
        await desk.pay(booked)


async def test_a_long_service_keeps_its_time_around_until_it_is_paid(api: Api) -> None:
    desk = await Desk.open(api, duration_minutes=60, buffer_after_minutes=15)
    patient, rival = await api.patient(), await api.patient()
    short = await api.service(desk.clinic, doctor_ids=[desk.doctor["id"]], duration_minutes=30)

    booked = (await desk.book(patient)).json()

    assert len(booked["time_slot_ids"]) == 2
    for slot in (0, 1, 2):
        answer = await desk.book(rival, slot, service_id=short["id"])
        assert code_of(answer) == (409, "slot_held"), slot
    await desk.pay(booked)
    for slot in (0, 1, 2):
        answer = await desk.book(rival, slot, service_id=short["id"])
        assert code_of(answer) == (409, "slot_already_booked"), slot
    assert (await desk.book(rival, 3, service_id=short["id"])).status_code == 201


async def test_late_money_does_not_reach_into_what_somebody_else_keeps(api: Api) -> None:
    desk = await Desk.open(api, duration_minutes=30, buffer_after_minutes=30)
    patient, rival = await api.patient(), await api.patient()
    short = await api.service(desk.clinic, doctor_ids=[desk.doctor["id"]], duration_minutes=30)
    booked = (await desk.book(patient)).json()
    await desk.time_goes_by(booked)
    body = {"time_slot_id": desk.slots[1]["id"], "service_id": short["id"]}
    await api.made("/v1/holds", body, rival)

    with pytest.raises(SlotHeld):
        await desk.pay(booked)


async def test_a_cancelled_one_lets_its_time_go(api: Api) -> None:
    desk = await Desk.open(api, duration_minutes=60)
    patient = await api.patient()
    booked = (await desk.book(patient)).json()

    answer = await api.post(f"/v1/bookings/{booked['id']}/cancel", None, patient)

    assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
    assert desk.slots[0]["id"] in await desk.open_now()
    with pytest.raises(Refusal):
        await desk.pay(booked)


async def test_staff_may_let_it_be_paid_later(api: Api) -> None:
    desk = await Desk.open(api)
    admin = await api.clinic_admin(desk.clinic["id"])
    patient = await api.patient()
    known = (await desk.book(patient, 3)).json()
    override = {"codes": ["payment_required"], "reason": "Pays at the desk"}
    whom = {"patient_id": known["patient_id"]}

    waiting = (await desk.book(admin, 0, **whom)).json()
    booked = (await desk.book(admin, 1, override=override, **whom)).json()

    assert waiting["status"] == "pending_payment"
    assert (booked["status"], booked["payment_status"]) == ("confirmed", "unpaid")
    assert booked["override"] == override
    assert "pay" in booked["allowed_actions"]
    refused = await desk.book(patient, 2, override=override)
    assert code_of(refused) == (403, "forbidden")


async def test_an_optional_payment_makes_nobody_wait(api: Api) -> None:
    desk = await Desk.open(api, payment="optional")
    patient = await api.patient()

    booked = (await desk.book(patient)).json()

    assert (booked["status"], booked["payment_status"]) == ("confirmed", "unpaid")
    assert booked["allowed_actions"] == ["cancel", "reschedule", "pay"]


async def test_a_request_that_comes_twice_waits_once(api: Api) -> None:
    desk = await Desk.open(api)
    patient = await api.patient()
    body = {"time_slot_id": desk.slots[0]["id"], "service_id": desk.service["id"]}
    headers = {"Idempotency-Key": "paid-first"}

    answers = await asyncio.gather(
        *(
            api.send("POST", "/v1/bookings", by=patient, json=body, headers=headers)
            for _ in range(6)
        )
    )

    made = {one.json()["id"] for one in answers if one.status_code == 201}
    assert len(made) == 1
    busy = {code_of(one)[1] for one in answers if one.status_code != 201}
    assert busy <= {"idempotency_key_in_use"}


async def test_payment_against_the_end_of_its_time_has_one_outcome(api: Api) -> None:
    desk = await Desk.open(api)
    patient, rival = await api.patient(), await api.patient()
    for number in range(4):
        booked = (await desk.book(patient, number)).json()
        await desk.time_goes_by(booked)

        paid, ended, taken = await asyncio.gather(
            desk.pay(booked),
            api.container.booking.expire_unpaid()(),
            desk.book(rival, number),
            return_exceptions=True,
        )

        owner = await desk.shown(booked, patient)
        assert isinstance(ended, int)
        if owner["status"] == "confirmed":
            assert paid is None
            assert taken.status_code == 409, taken.text
        else:
            assert isinstance(paid, Refusal)
            assert taken.status_code == 201, taken.text
