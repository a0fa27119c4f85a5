"""Holding a slot over HTTP: nobody else's until it is over, and then anybody's."""

import json
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from booking_system.identity.domain.actor import Role, RoleGrant
from booking_system.shared_kernel.identifiers import PatientId, UserId
from tests.api import Api, code_of
from tests.booking.holding import Keeping, token_header

HELD = (409, "slot_held")
ABSENT = (404, "not_found")


async def test_a_held_slot_is_its_holders_and_nobody_elses(api: Api) -> None:
    here = await Keeping.of(api)
    slot = here.slots[0]

    answer = await here.hold(slot, here.patient)

    assert code_of(answer) == (201, None)
    hold = answer.json()
    assert answer.headers["location"] == f"/v1/holds/{hold['id']}"
    assert hold["patient_id"] == str(here.patient.patient_id)
    assert hold["hold_token"] is None
    assert await here.status(slot) == "held"
    assert code_of(await here.hold(slot, here.other)) == HELD
    assert code_of(await here.book(slot, here.other)) == HELD
    assert code_of(await here.hold(slot, here.desk)) == HELD
    booked = await here.book(slot, here.patient, hold_id=hold["id"])
    assert code_of(booked) == (201, None)
    assert await here.status(slot) == "booked"
    assert code_of(await here.ask("GET", hold, here.patient)) == ABSENT


async def test_a_refused_hold_names_other_slots(api: Api) -> None:
    here = await Keeping.of(api, 3)
    await here.held(here.slots[0], here.patient)

    refused = (await here.hold(here.slots[0], here.other)).json()

    assert [one["id"] for one in refused["alternatives"]] == [one["id"] for one in here.slots[1:]]


async def test_the_clinic_says_how_long_and_the_server_what_time_it_is(api: Api) -> None:
    here = await Keeping.of(api, hold_minutes=7)

    hold = await here.held(here.slots[0], here.patient)

    now = datetime.fromisoformat(hold["server_now"])
    assert timedelta(0) <= datetime.now(UTC) - now < timedelta(seconds=20)
    left = datetime.fromisoformat(hold["expires_at"]) - now
    assert timedelta(minutes=7, seconds=-20) < left <= timedelta(minutes=7)
    assert (hold["starts_at"], hold["ends_at"]) == (
        here.slots[0]["starts_at"],
        here.slots[0]["ends_at"],
    )


async def test_the_holder_may_book_without_naming_the_hold(api: Api) -> None:
    here = await Keeping.of(api)
    await here.held(here.slots[0], here.patient)

    assert code_of(await here.book(here.slots[0], here.patient)) == (201, None)


async def test_a_held_slot_is_not_searched_nor_offered_instead(api: Api) -> None:
    here = await Keeping.of(api, 3)
    everything = await here.found()
    hold = await here.held(here.slots[0], here.patient)

    assert await here.found() == everything - {here.slots[0]["id"]}
    await here.held(here.slots[1], here.patient)
    refused = (await here.hold(here.slots[0], here.other)).json()
    assert [one["id"] for one in refused["alternatives"]] == [here.slots[2]["id"]]
    await here.pass_time(hold)
    assert await here.found() == everything - {here.slots[1]["id"]}


async def test_the_same_page_is_not_sent_again_after_a_hold(api: Api) -> None:
    here = await Keeping.of(api)
    first = await api.get("/v1/slots", clinic_id=here.clinic["id"])

    await here.held(here.slots[0], here.patient)

    again = await api.send(
        "GET",
        "/v1/slots",
        params={"clinic_id": here.clinic["id"]},
        headers={"If-None-Match": first.headers["etag"]},
    )
    assert again.status_code == 200
    assert len(again.json()["items"]) == len(first.json()["items"]) - 1


async def test_a_hold_that_is_over_keeps_nobody_out(api: Api) -> None:
    here = await Keeping.of(api)
    slot = here.slots[0]
    hold = await here.held(slot, here.patient)
    await here.pass_time(hold)

    assert await here.status(slot) == "open"
    assert code_of(await here.ask("GET", hold, here.patient)) == ABSENT
    assert code_of(await here.ask("DELETE", hold, here.patient)) == ABSENT
    assert code_of(await here.ask("POST", hold, here.patient, "/extend")) == (409, "hold_expired")
    assert code_of(await here.hold(slot, here.other)) == (201, None)
    late = await here.book(slot, here.patient, hold_id=hold["id"])
    assert code_of(late) == (409, "hold_expired")
    assert late.json()["alternatives"]
    assert code_of(await here.ask("POST", hold, here.patient, "/extend")) == ABSENT


async def test_whoever_was_late_still_books_a_slot_that_is_free(api: Api) -> None:
    here = await Keeping.of(api)
    hold = await here.held(here.slots[0], here.patient)
    await here.pass_time(hold)

    booked = await here.book(here.slots[0], here.patient, hold_id=hold["id"])

    assert code_of(booked) == (201, None)


async def test_whoever_was_late_is_told_that_the_hold_is_over_where_the_slot_is_gone(
    api: Api,
) -> None:
    here = await Keeping.of(api)
    hold = await here.held(here.slots[0], here.patient)
    await here.pass_time(hold)
    assert code_of(await here.book(here.slots[0], here.other)) == (201, None)

    late = await here.book(here.slots[0], here.patient, hold_id=hold["id"])

    assert code_of(late) == (409, "hold_expired")


async def test_to_hold_again_is_no_second_hold_and_no_longer_one(api: Api) -> None:
    here = await Keeping.of(api)
    first = await here.held(here.slots[0], here.patient)

    again = await here.held(here.slots[0], here.patient)

    assert {**again, "server_now": 0} == {**first, "server_now": 0}
    (row,) = await here.sql("SELECT count(*) FROM outbox WHERE name = 'slot.held'")
    assert row[0] == 1


async def test_a_hold_is_extended_once_by_the_same_length(api: Api) -> None:
    here = await Keeping.of(api)
    hold = await here.held(here.slots[0], here.patient)
    assert hold["can_be_extended"]

    longer = await here.ask("POST", hold, here.patient, "/extend")

    assert code_of(longer) == (200, None)
    lengths = [
        datetime.fromisoformat(one["expires_at"]) - datetime.fromisoformat(hold["expires_at"])
        for one in (hold, longer.json())
    ]
    assert lengths == [timedelta(0), timedelta(minutes=10)]
    assert not longer.json()["can_be_extended"]
    again = await here.ask("POST", hold, here.patient, "/extend")
    assert code_of(again) == (409, "hold_already_extended")


async def test_a_hold_that_is_given_back_opens_the_slot_at_once(api: Api) -> None:
    here = await Keeping.of(api)
    hold = await here.held(here.slots[0], here.patient)

    released = await here.ask("DELETE", hold, here.patient)

    assert (released.status_code, released.content) == (204, b"")
    assert await here.status(here.slots[0]) == "open"
    assert code_of(await here.ask("DELETE", hold, here.patient)) == ABSENT
    assert code_of(await here.book(here.slots[0], here.other)) == (201, None)
    names = await here.sql("SELECT name FROM outbox WHERE name ~ '^(slot|booking)' ORDER BY n")
    told = [row[0] for row in names]
    assert told == ["slot.opened", "slot.held", "slot.released", "booking.created"]


async def test_a_patient_holds_three_at_a_time(api: Api) -> None:
    here = await Keeping.of(api, 5)
    held = [await here.held(slot, here.patient) for slot in here.slots[:3]]

    refused = await here.hold(here.slots[3], here.patient)

    assert code_of(refused) == (409, "too_many_holds")
    assert "alternatives" not in refused.json()
    assert code_of(await here.hold(here.slots[0], here.patient)) == (201, None)
    assert code_of(await here.hold(here.slots[3], here.other)) == (201, None)
    await here.pass_time(held[0])
    assert code_of(await here.hold(here.slots[4], here.patient)) == (201, None)


async def test_staff_hold_for_whoever_is_on_the_telephone(api: Api) -> None:
    here = await Keeping.of(api)
    hold = await here.held(here.slots[0], here.desk)
    assert hold["patient_id"] is None
    body = {"clinic_id": here.clinic["id"], "full_name": "Example Patient"}
    patient = await api.made("/v1/patients", body, here.desk)

    assert code_of(await here.book(here.slots[0], here.patient)) == HELD
    booked = await here.book(here.slots[0], here.desk, hold_id=hold["id"], patient_id=patient["id"])

    assert code_of(booked) == (201, None)


async def test_what_staff_hold_for_a_patient_is_that_patients(api: Api) -> None:
    here = await Keeping.of(api)
    assert code_of(await here.book(here.slots[1], here.patient)) == (201, None)
    named = {"patient_id": str(here.patient.patient_id)}

    hold = await here.held(here.slots[0], here.desk, **named)

    assert hold["patient_id"] == named["patient_id"]
    assert code_of(await here.ask("GET", hold, here.patient)) == (200, None)
    assert code_of(await here.book(here.slots[0], here.other)) == HELD
    assert code_of(await here.book(here.slots[0], here.patient)) == (201, None)


async def test_what_staff_hold_for_one_patient_is_not_given_to_another(api: Api) -> None:
    here = await Keeping.of(api)
    body = {"clinic_id": here.clinic["id"], "full_name": "Example Patient"}
    one, other = [await api.made("/v1/patients", body, here.desk) for _ in range(2)]

    hold = await here.held(here.slots[0], here.desk, patient_id=one["id"])

    refused = await here.hold(here.slots[0], here.desk, patient_id=other["id"])
    assert code_of(refused) == HELD
    assert code_of(await here.book(here.slots[0], here.desk, patient_id=other["id"])) == HELD
    booked = await here.book(here.slots[0], here.desk, patient_id=one["id"], hold_id=hold["id"])
    assert code_of(booked) == (201, None)


async def test_one_desk_holds_ten_for_nobody_in_particular(api: Api) -> None:
    here = await Keeping.of(api, 11)
    for slot in here.slots[:10]:
        await here.held(slot, here.desk)

    assert code_of(await here.hold(here.slots[10], here.desk)) == (409, "too_many_holds")


async def test_the_desk_sees_a_hold_but_does_not_take_it_away(api: Api) -> None:
    here = await Keeping.of(api)
    hold = await here.held(here.slots[0], here.patient)

    assert code_of(await here.ask("GET", hold, here.desk)) == (200, None)
    assert code_of(await here.ask("DELETE", hold, here.desk)) == (403, "forbidden")
    assert code_of(await here.ask("GET", hold, here.other)) == ABSENT


async def test_a_held_slot_is_neither_closed_nor_deleted(api: Api) -> None:
    here = await Keeping.of(api)
    path = f"/v1/slots/{here.slots[0]['id']}"
    hold = await here.held(here.slots[0], here.patient)

    assert code_of(await api.post(f"{path}/close", by=here.desk)) == HELD
    assert code_of(await api.send("DELETE", path, here.desk)) == HELD
    await here.pass_time(hold)
    assert code_of(await api.post(f"{path}/close", by=here.desk)) == (200, None)


async def test_a_doctor_who_leaves_takes_the_holds_along(api: Api) -> None:
    here = await Keeping.of(api)
    hold = await here.held(here.slots[0], here.patient)

    await api.send("DELETE", f"/v1/doctors/{here.doctor['id']}", api.admin)

    assert code_of(await here.ask("GET", hold, here.patient)) == ABSENT
    refused = await here.book(here.slots[0], here.patient, hold_id=hold["id"])
    assert code_of(refused) == (404, "slot_not_found")


async def test_nobody_holds_what_they_could_not_book(api: Api) -> None:
    here = await Keeping.of(api, min_notice_minutes=60 * 24 * 40)

    assert code_of(await here.hold(here.slots[0], here.patient)) == (422, "notice_too_short")
    assert code_of(await here.hold({"id": str(uuid4())}, None)) == (404, "slot_not_found")
    far = await Keeping.of(api, horizon_days=1)
    assert code_of(await far.hold(far.slots[0], far.patient)) == (422, "beyond_horizon")
    await api.post(f"/v1/slots/{far.slots[0]['id']}/close", by=far.desk)
    assert code_of(await far.hold(far.slots[0], None)) == (409, "slot_unavailable")
    await here.sql(
        "UPDATE time_slots SET starts_at = now() - interval '1 hour',"
        " ends_at = now() - interval '30 minutes' WHERE id = $1",
        UUID(far.slots[1]["id"]),
    )
    assert code_of(await far.hold(far.slots[1], far.patient)) == (422, "slot_in_past")
    few = await Keeping.of(api, max_open_bookings_per_patient=1)
    assert code_of(await few.book(few.slots[0], few.patient)) == (201, None)
    many = await few.hold(few.slots[1], few.patient)
    assert code_of(many) == (422, "too_many_open_bookings")
    busy = await Keeping.of(api)
    assert code_of(await busy.book(busy.slots[0], busy.patient)) == (201, None)
    elsewhere = await Keeping.of(api)
    assert code_of(await elsewhere.hold(elsewhere.slots[0], busy.patient)) == (
        409,
        "patient_overlap",
    )


@pytest.mark.parametrize("token", ["", "ht_", "ht_AAAA", "Bearer", "ht_" + "A" * 44])
async def test_a_token_that_is_none_opens_nothing(api: Api, token: str) -> None:
    here = await Keeping.of(api)
    hold = await here.held(here.slots[0], None)

    assert code_of(await here.ask("GET", hold, None, token=token)) == ABSENT
    assert token_header(token) == {"Hold-Token": token}


async def test_a_hold_that_is_long_over_is_tidied_up_and_no_other(api: Api) -> None:
    here = await Keeping.of(api)
    old, late, kept = [await here.held(slot, here.patient) for slot in here.slots[:3]]
    await here.pass_time(old, timedelta(hours=2))
    await here.pass_time(late)

    await api.container.tidying().once()

    rows = await here.sql("SELECT hold_id FROM time_slots WHERE hold_id IS NOT NULL")
    assert {str(row[0]) for row in rows} == {late["id"], kept["id"]}
    assert code_of(await here.hold(here.slots[0], here.other)) == (201, None)


async def test_who_left_the_desk_has_its_holds_no_more(api: Api) -> None:
    here = await Keeping.of(api)
    one = await api.receptionist(here.clinic["id"])
    hold = await here.held(here.slots[0], one)
    staff = f"/v1/clinics/{here.clinic['id']}/staff/{one.user_id}"
    assert (await api.send("DELETE", staff, api.admin)).status_code == 204
    # From now on they are a patient.
    patient_id = PatientId((await api.patient()).patient_id or UUID(int=0))
    async with api.container.database().transaction() as connection:
        role = RoleGrant(role=Role.PATIENT, patient_id=patient_id)
        accounts = api.container.identity.accounts_of()(connection)
        await accounts.grant(UserId(one.user_id), role, datetime.now(UTC))

    for method, more in (("GET", ""), ("POST", "/extend"), ("DELETE", "")):
        assert code_of(await here.ask(method, hold, one, more)) == ABSENT
    refused = await here.book(here.slots[0], one, hold_id=hold["id"])
    assert code_of(refused) == (409, "slot_held")
    assert (await here.ask("DELETE", hold, here.desk)).status_code == 204


async def test_the_short_way_and_the_long_way_answer_alike(api: Api) -> None:
    """Only a plain body goes the short way: a charset, which changes nothing, leaves it."""
    slot, patient = await api.slot(), await api.patient()
    wish = {"time_slot_id": slot["id"]}
    wrong = [
        {},
        {"time_slot_id": "none"},
        wish | {"more": 1},
        wish | {"patient_id": 7},
        wish | {"service_id": str(uuid4())},
        wish | {"time_slot_id": str(uuid4())},
        wish | {"booking_id": str(uuid4())},
    ]
    asked = [(body, None, caller) for body in wrong for caller in (None, patient)]
    asked += [(wish, None, patient), (wish, "x" * 101, patient), (wish, None, None)]
    seen = set()
    for body, token, caller in asked:
        told = []
        for kind in ("application/json", "application/json; charset=utf-8"):
            headers = {"Content-Type": kind} | ({"Hold-Token": token} if token else {})
            answer = await api.send(
                "POST", "/v1/holds", caller, content=json.dumps(body), headers=headers
            )
            text = answer.text.replace(answer.headers["x-request-id"], "")
            # It is held from then on: the hold is the same one, and lasts as long from now on.
            text = text if answer.status_code >= 400 else answer.json()["id"]
            told.append((answer.status_code, text, answer.headers.get("location")))
        assert told[0] == told[1], body
        seen.add(told[0][0])
    assert seen == {201, 404, 409, 422}
