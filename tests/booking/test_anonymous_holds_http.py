"""Visitors hold a slot before they have an account, and keep it while they make one."""

import pytest

from tests.api import Api, Person, code_of
from tests.booking.holding import Keeping

ABSENT = (404, "not_found")
HELD = (409, "slot_held")


async def test_a_visitor_keeps_the_slot_through_registration(api: Api) -> None:
    here = await Keeping.of(api)
    hold = await here.held(here.slots[0], None)
    token = hold["hold_token"]
    assert token.startswith("ht_")
    assert hold["patient_id"] is None

    assert code_of(await here.ask("GET", hold, None, token=token)) == (200, None)
    registered = await api.post(
        "/v1/auth/register",
        {
            "email": "visitor@example.com",
            "password": "three quiet otters",
            "full_name": "Example Visitor",
        },
    )
    assert registered.status_code == 201, registered.text
    visitor = Person(registered.json()["user_id"], registered.json()["access_token"])
    assert code_of(await here.ask("GET", hold, visitor)) == ABSENT
    assert code_of(await here.ask("GET", hold, visitor, token=token)) == (200, None)
    assert code_of(await here.book(here.slots[0], visitor, hold_id=hold["id"])) == HELD

    booked = await here.book(here.slots[0], visitor, token, hold_id=hold["id"])

    assert code_of(booked) == (201, None)
    assert booked.json()["patient_id"] == registered.json()["patient_id"]
    assert code_of(await here.ask("GET", hold, visitor, token=token)) == ABSENT


async def test_the_token_alone_is_enough_to_book_extend_and_let_go(api: Api) -> None:
    here = await Keeping.of(api)
    first, second = [await here.held(slot, None) for slot in here.slots[:2]]

    extended = await here.ask("POST", first, None, "/extend", token=first["hold_token"])
    assert code_of(extended) == (200, None)
    assert "hold_token" not in extended.json()
    strange = await here.ask("POST", first, None, "/extend", token=second["hold_token"])
    assert code_of(strange) == ABSENT
    released = await here.ask("DELETE", second, None, token=second["hold_token"])
    assert released.status_code == 204
    booked = await here.book(here.slots[0], here.patient, first["hold_token"])
    assert code_of(booked) == (201, None)


async def test_the_token_of_one_hold_opens_no_other(api: Api) -> None:
    here = await Keeping.of(api)
    first, second = [await here.held(slot, None) for slot in here.slots[:2]]

    wrong = await here.book(here.slots[0], here.patient, second["hold_token"], hold_id=first["id"])

    assert code_of(wrong) == HELD
    assert code_of(await here.ask("GET", first, None, token=second["hold_token"])) == ABSENT
    token = first["hold_token"]
    forged = token[:30] + ("A" if token[30] != "A" else "B") + token[31:]
    assert code_of(await here.ask("GET", first, None, token=forged)) == ABSENT


async def test_a_visitor_who_shows_the_token_gets_the_same_hold_again(api: Api) -> None:
    here = await Keeping.of(api)
    first = await here.held(here.slots[0], None)

    assert code_of(await here.hold(here.slots[0], None)) == HELD
    again = await here.hold(here.slots[0], None, first["hold_token"])

    assert code_of(again) == (201, None)
    assert (again.json()["id"], again.json()["expires_at"]) == (first["id"], first["expires_at"])


async def test_a_lost_answer_is_given_again_with_its_token(api: Api) -> None:
    here = await Keeping.of(api)
    key = {"Idempotency-Key": "of-22-characters-or-more"}
    body = {"time_slot_id": here.slots[0]["id"]}

    first = await api.post("/v1/holds", body, headers=key)
    again = await api.post("/v1/holds", body, headers=key)

    assert [code_of(one) for one in (first, again)] == [(201, None)] * 2
    assert again.headers["idempotent-replayed"] == "true"
    assert again.json()["hold_token"] == first.json()["hold_token"]
    assert again.headers["location"] == first.headers["location"]
    other = {"time_slot_id": here.slots[1]["id"]}
    reused = await api.post("/v1/holds", other, headers=key)
    assert code_of(reused) == (422, "idempotency_key_reused")


@pytest.mark.parametrize("length", [1, 21])
async def test_a_key_that_a_neighbour_could_guess_is_none(api: Api, length: int) -> None:
    """Whoever shares the visitor's address would be given their token."""
    here = await Keeping.of(api)
    key = {"Idempotency-Key": "1" * length}
    body = {"time_slot_id": here.slots[0]["id"]}

    answers = [await api.post("/v1/holds", body, headers=key) for _ in range(2)]

    assert [code_of(one) for one in answers] == [(422, "validation_error")] * 2
    (wrong,) = answers[0].json()["errors"]
    assert (wrong["pointer"], wrong["in"]) == ("/Idempotency-Key", "header")
    # Whoever signs in has keys of their own.
    assert code_of(await api.post("/v1/holds", body, here.patient, headers=key)) == (201, None)


async def test_the_key_of_a_visitor_is_not_that_of_a_user(api: Api) -> None:
    here = await Keeping.of(api)
    key = {"Idempotency-Key": "of-22-characters-or-more"}
    body = {"time_slot_id": here.slots[0]["id"]}
    await api.post("/v1/holds", body, headers=key)

    assert code_of(await api.post("/v1/holds", body, here.patient, headers=key)) == HELD


async def test_visitors_of_one_address_hold_ten_together(api: Api) -> None:
    here = await Keeping.of(api, 12)
    holds = [await here.held(slot, None) for slot in here.slots[:10]]

    assert code_of(await here.hold(here.slots[10], None)) == (409, "too_many_holds")
    assert code_of(await here.hold(here.slots[10], here.patient)) == (201, None)
    await here.ask("DELETE", holds[0], None, token=holds[0]["hold_token"])
    assert code_of(await here.hold(here.slots[11], None)) == (201, None)


async def test_a_clinic_may_want_everybody_to_sign_in_first(api: Api) -> None:
    here = await Keeping.of(api, anonymous_holds=False)

    assert code_of(await here.hold(here.slots[0], None)) == (401, "unauthenticated")
    assert code_of(await here.hold(here.slots[0], here.patient)) == (201, None)


async def test_a_visitor_holds_for_nobody_else(api: Api) -> None:
    here = await Keeping.of(api)
    named = {"patient_id": str(here.patient.patient_id)}

    assert code_of(await here.hold(here.slots[0], None, **named)) == (401, "unauthenticated")


async def test_no_address_is_stored(api: Api) -> None:
    here = await Keeping.of(api)
    await here.held(here.slots[0], None)

    (row,) = await here.sql("SELECT hold_network FROM time_slots WHERE hold_id IS NOT NULL")

    assert len(row[0]) == 16
    assert b"127" not in row[0]


@pytest.mark.parametrize("what", ["GET", "DELETE"])
async def test_a_visitor_without_the_token_is_told_of_nothing(api: Api, what: str) -> None:
    here = await Keeping.of(api)
    theirs, others = (
        await here.held(here.slots[0], None),
        await here.held(here.slots[1], here.patient),
    )

    assert code_of(await here.ask(what, theirs, None)) == ABSENT
    assert code_of(await here.ask(what, others, None)) == ABSENT
