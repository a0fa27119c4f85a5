"""Whom nothing reached, and what becomes of addresses that do not work."""

from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from booking_system.notifications.adapters.unreached import PAGE
from booking_system.notifications.domain.message import Channel
from booking_system.notifications.domain.planning import Skipped
from tests.api import START, Api, Person, code_of
from tests.notifications.conftest import MAIL, NUMBER, reachable
from tests.notifications.own.desk import Desk, a_desk, kept, sql, work

UNREACHED = "unreached-bookings"


def preferences(person: Person) -> str:
    return f"/v1/patients/{person.patient_id}/notification-preferences"


async def blocked(api: Api, channel: Channel, address: str, reason: Skipped, **about: Any) -> None:
    recipients = api.container.notifications.recipients()
    async with api.container.database().driver_transaction() as connection:
        await recipients.block(connection, channel, address, reason, **about)


async def states(api: Api, person: Person, by: Person | None = None) -> dict[str, tuple[str, bool]]:
    answer = await api.get(preferences(person), by or person)
    assert answer.status_code == 200, answer.text
    return {
        one["channel"]: (one["state"], one["may_be_lifted"]) for one in answer.json()["addresses"]
    }


async def listed(desk: Desk) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await desk.shows(UNREACHED))["items"]
    return items


async def test_the_desk_sees_whom_nothing_reached(api: Api) -> None:
    desk, other = await a_desk(api), await a_desk(api)
    patient, booking = await desk.books(email=MAIL, phone=None)
    await blocked(api, Channel.EMAIL, MAIL, Skipped.BOUNCED)
    await other.books(email=None, phone=None)
    await desk.books(email="well@example.com", phone=None)
    await work(api)
    (one,) = await listed(desk)
    assert (one["id"], one["patient_id"]) == (booking["id"], str(patient.patient_id))
    assert (one["patient_name"], one["email"], one["phone"]) == ("Example Patient", MAIL, None)
    reasons = [(m["kind"], m["channel"], m["state"], m["reason"]) for m in one["messages"]]
    assert sorted(reasons) == [
        ("confirmation", "email", "skipped", "bounced"),
        ("confirmation", "sms", "skipped", "no_address"),
    ]
    assert (await api.get(desk.at(UNREACHED), api.admin)).status_code == 403
    # Moved, and told of in another way: nothing is to be telephoned any more.
    moved = "UPDATE patients SET email = 'new@example.com' WHERE id = $1"
    await sql(api, moved, patient.patient_id)
    answer = await api.post(f"/v1/bookings/{booking['id']}/cancel", {}, patient)
    assert answer.status_code == 200
    await work(api)
    assert await listed(desk) == []


async def test_who_was_reached_another_way_is_not_listed(api: Api) -> None:
    desk = await a_desk(api)
    await desk.books()
    await blocked(api, Channel.EMAIL, MAIL, Skipped.BOUNCED)
    await work(api)
    assert await kept(api) == [("sms", NUMBER)]
    assert await listed(desk) == []
    # That one fails as well.
    await sql(
        api,
        "UPDATE message_ledger SET state = 'failed', reason = 'unknown'"
        " WHERE channel = 'sms' AND kind = 'confirmation'",
    )
    (one,) = await listed(desk)
    assert {m["channel"] for m in one["messages"]} == {"email", "sms"}
    await sql(
        api,
        "UPDATE appointments SET starts_at = starts_at - interval '30 days',"
        " ends_at = ends_at - interval '30 days',"
        " blocked_from = blocked_from - interval '30 days',"
        " blocked_until = blocked_until - interval '30 days'",
    )
    assert await listed(desk) == []


async def test_pages_of_those_whom_nothing_reached(api: Api) -> None:
    desk = await a_desk(api)
    booked = [(await desk.books(email=None, phone=None))[1]["id"] for _ in range(5)]
    await work(api)
    found: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = (await api.get(desk.at(UNREACHED), desk.admin, limit="2", **cursor)).json()
        found += [one["id"] for one in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert sorted(found) == sorted(booked)
    assert len(set(found)) == 5


async def test_the_list_is_found_by_an_index(untouched: asyncpg.Connection) -> None:
    """However many bookings a clinic has, of whose patients all was told."""
    given = {"clinic_id": uuid4(), "now": START, "since": START, "after": uuid4(), "most": 51}
    await untouched.execute("SET enable_seqscan = off")
    plan = await untouched.fetch(f"EXPLAIN {PAGE.text}", *(given[name] for name in PAGE.names))
    told = "\n".join(row[0] for row in plan)
    assert "Seq Scan" not in told, told
    assert "ix_message_ledger_missed" in told, told


async def test_states_of_addresses(api: Api) -> None:
    patient = await reachable(api)
    well = {"email": ("ok", False), "sms": ("ok", False)}
    assert await states(api, patient) == well
    steps: list[tuple[Channel, str, Skipped, tuple[str, bool]]] = [
        (Channel.EMAIL, MAIL, Skipped.BOUNCED, ("bounced", True)),
        (Channel.SMS, NUMBER, Skipped.UNUSABLE, ("unusable", True)),
        (Channel.EMAIL, MAIL, Skipped.COMPLAINED, ("suppressed", False)),
        (Channel.SMS, NUMBER, Skipped.OPTED_OUT, ("opted_out", False)),
    ]
    for channel, address, reason, expected in steps:
        await blocked(api, channel, address, reason)
        assert (await states(api, patient))[channel] == expected, reason
    await sql(api, "UPDATE patients SET phone = '+49301234567', email = NULL")
    assert await states(api, patient) == {"sms": ("unusable", False)}


async def test_an_address_is_lifted(api: Api) -> None:
    desk = await a_desk(api)
    patient, booking = await desk.books(phone=None)
    await blocked(api, Channel.EMAIL, MAIL, Skipped.BOUNCED)
    for by in (patient, await api.receptionist(desk.clinic["id"])):
        answer = await api.post(f"{preferences(patient)}/email/lift", by=by)
        assert answer.status_code == 200, answer.text
        assert answer.json()["addresses"][0]["state"] == "ok"
    await work(api)
    assert ("email", MAIL) in await kept(api)
    # It has bounced before: once more within a month, and it is let be for good.
    await blocked(api, Channel.EMAIL, MAIL, Skipped.BOUNCED)
    (row,) = await sql(api, "SELECT until, times FROM recipient_blocks")
    assert tuple(row) == (None, 2)
    answer = await api.post(f"{preferences(patient)}/sms/lift", by=patient)
    assert code_of(answer) == (404, "not_found")
    assert (await api.post(f"{preferences(patient)}/fax/lift", by=patient)).status_code == 422
    stranger = await api.patient()
    answer = await api.post(f"{preferences(patient)}/email/lift", by=stranger)
    assert code_of(answer) == (404, "not_found")
    assert booking["id"]


@pytest.mark.parametrize("reason", [Skipped.OPTED_OUT, Skipped.COMPLAINED])
async def test_what_somebody_asked_for_is_lifted_by_nobody_else(api: Api, reason: Skipped) -> None:
    desk = await a_desk(api)
    patient, _ = await desk.books()
    for channel, address in ((Channel.EMAIL, MAIL), (Channel.SMS, NUMBER)):
        await blocked(api, channel, address, reason)
        await blocked(api, channel, address, Skipped.BOUNCED)
    for by in (patient, desk.admin):
        for channel in Channel:
            answer = await api.post(f"{preferences(patient)}/{channel}/lift", by=by)
            assert code_of(answer) == (409, "address_not_lifted")
    assert {one[0] for one in (await states(api, patient)).values()} <= {"opted_out", "suppressed"}


async def test_staff_are_told_what_their_own_account_told(api: Api) -> None:
    """Not which other clinic knows the patient."""
    desk, other = await a_desk(api), await a_desk(api)
    patient, _ = await desk.books()
    await blocked(api, Channel.EMAIL, MAIL, Skipped.BOUNCED, scope=f"clinic:{other.id}")
    assert (await states(api, patient))["email"] == ("bounced", True)
    assert (await states(api, patient, desk.admin))["email"] == ("ok", False)
    await api.post(f"{preferences(patient)}/email/lift", by=desk.admin)
    assert (await states(api, patient))["email"] == ("bounced", True)
    await blocked(api, Channel.EMAIL, MAIL, Skipped.BOUNCED, scope=f"clinic:{desk.id}")
    assert (await states(api, patient, desk.admin))["email"] == ("bounced", True)
