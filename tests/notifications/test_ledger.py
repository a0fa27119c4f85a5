"""Claims with a fence, and a gate that no cancellation slips through."""

import asyncio
from contextvars import Context
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from booking_system.notifications.adapters.ledger import PostgresLedger
from booking_system.notifications.adapters.sending_job import AT_A_TIME, SendingJob
from booking_system.notifications.application.ledger_ports import Claim
from booking_system.notifications.domain.gate import Send, Verdict
from booking_system.notifications.domain.planning import Lane
from booking_system.notifications.domain.sending import OutcomeUnknownError
from tests.api import START, Api, Person
from tests.notifications.conftest import reachable
from tests.notifications.office import Office
from tests.patience import PATIENCE

FAR = START + timedelta(days=10)
CONFIRMATION = """SELECT state, reason, began, attempts, provider_id FROM message_ledger
 WHERE kind = 'confirmation'"""
OVER = """UPDATE message_ledger SET lease_until = now() - interval '1 s'
 WHERE lease_until IS NOT NULL"""
COPIES = """INSERT INTO message_ledger (id, appointment_id, revision, kind, offset_minutes, channel,
 recipient_key, clinic_id, lane, planned_at, due_at, not_after, state)
 SELECT gen_random_uuid(), appointment_id, revision, kind, n, channel, recipient_key, clinic_id,
 lane, planned_at, due_at - interval '1 hour', not_after, 'planned'
 FROM message_ledger, generate_series(1, $2::int) n
 WHERE appointment_id = $1 AND kind = 'confirmation'"""


async def booked(api: Api) -> tuple[Person, dict[str, Any]]:
    slot = await api.slot(start=FAR)
    patient = await reachable(api)
    answer = await api.book(slot, patient)
    assert answer.status_code == 201, answer.text
    return patient, answer.json()


async def confirmation(office: Office) -> dict[str, Any]:
    async with office.database.reading() as connection:
        row = await connection.fetchrow(CONFIRMATION)
    assert row is not None
    return dict(row)


async def leases_are_over(office: Office) -> None:
    async with office.database.driver_transaction() as connection:
        await connection.execute(OVER)


async def claimed(office: Office) -> Claim:
    (claim,) = await office.ledger.claim(Lane.CHANGES, most=5, now=datetime.now(UTC))
    return claim


async def begin(office: Office, claim: Claim) -> None:
    found = await office.ledger.look(claim)
    verdict = await office.ledger.begin(claim, found, judge=lambda _: Send(), provider="mail")
    assert verdict == Send()


async def cancel(api: Api, booking: dict[str, Any], by: Person) -> None:
    answer = await api.post(f"/v1/bookings/{booking['id']}/cancel", {}, by)
    assert answer.status_code == 200, answer.text


async def test_a_cancellation_waits_until_the_bytes_are_out(api: Api, office: Office) -> None:
    patient, booking = await booked(api)
    acknowledged: asyncio.Task[None] | None = None
    waits: list[bool] = []

    async def meanwhile(_: object) -> None:
        nonlocal acknowledged
        acknowledged = asyncio.create_task(cancel(api, booking, patient), context=Context())
        await asyncio.sleep(0.15)
        waits.append(not acknowledged.done())

    office.email.on_write = meanwhile
    await office.work()
    assert acknowledged is not None
    await acknowledged
    assert waits == [True]
    assert "confirmation" in office.email.kinds


async def test_any_change_of_the_appointment_waits(api: Api, office: Office) -> None:
    _, booking = await booked(api)
    changed: asyncio.Task[None] | None = None
    waits: list[bool] = []

    async def change() -> None:
        async with office.database.driver_transaction() as connection:
            more = "UPDATE appointments SET version = version + 1 WHERE id = $1"
            await connection.execute(more, booking["id"])

    async def meanwhile(_: object) -> None:
        nonlocal changed
        changed = asyncio.create_task(change(), context=Context())
        await asyncio.sleep(0.15)
        waits.append(not changed.done())

    office.email.on_write = meanwhile
    await office.work()
    assert changed is not None
    await changed
    assert waits == [True]


@dataclass(frozen=True, slots=True, kw_only=True)
class Interrupted(PostgresLedger):
    """Something happens between the note that sending begins and the hand-over."""

    meanwhile: Any

    async def begin(self, claim: Claim, found: Any, **about: Any) -> Verdict | None:
        verdict = await PostgresLedger.begin(self, claim, found, **about)
        if isinstance(verdict, Send):
            await self.meanwhile(claim)
        return verdict


def interrupted(office: Office, meanwhile: Any) -> SendingJob:
    old = office.ledger
    ledger = Interrupted(
        database=old.database,
        recipients=old.recipients,
        identities=old.identities,
        clock=old.clock,
        meanwhile=meanwhile,
    )
    send = replace(office.send, ledger=ledger)
    return SendingJob(ledger=ledger, send=send, clock=office.clock)


async def test_what_is_cancelled_behind_the_last_look_does_not_go(api: Api, office: Office) -> None:
    patient, booking = await booked(api)
    await office.plan()

    async def meanwhile(_: Claim) -> None:
        await asyncio.create_task(cancel(api, booking, patient), context=Context())

    await interrupted(office, meanwhile).once()
    assert office.email.kinds == []
    assert await confirmation(office) == {
        "state": "withdrawn",
        "reason": "superseded",
        "began": 0,
        "attempts": 1,
        "provider_id": None,
    }


async def test_what_is_cancelled_while_it_is_written_does_not_go(api: Api, office: Office) -> None:
    patient, booking = await booked(api)
    await office.plan()

    async def meanwhile(_: object) -> None:
        await asyncio.create_task(cancel(api, booking, patient), context=Context())

    office.email.on_open = meanwhile
    await office.job.once()
    assert office.email.kinds == []
    assert (await confirmation(office))["state"] == "withdrawn"


async def test_what_was_written_for_an_old_address_is_written_anew(
    api: Api, office: Office
) -> None:
    patient, _ = await booked(api)
    await office.plan()

    async def meanwhile(_: object) -> None:
        office.email.on_open = leave
        async with office.database.driver_transaction() as connection:
            new = "UPDATE patients SET email = 'new@example.com' WHERE id = $1"
            await connection.execute(new, patient.patient_id)

    office.email.on_open = meanwhile
    await office.job.once()
    assert office.email.kinds == []
    await office.job.once()
    assert [one.letter.to.address for one in office.email.arrived] == ["new@example.com"]


async def test_a_mark_and_its_undoing_change_no_message(api: Api, office: Office) -> None:
    """They count as versions of the appointment, and are no revision."""
    slot = await api.slot(start=datetime.now(UTC) + timedelta(hours=23))
    patient = await reachable(api)
    booking = (await api.book(slot, patient)).json()
    clinic = await api.receptionist(booking["clinic"]["id"])
    await office.plan()
    for mark in ("check-in", "undo"):
        answer = await api.post(f"/v1/bookings/{booking['id']}/{mark}", None, clinic)
        assert answer.status_code == 200, answer.text
    await office.work()
    assert office.email.kinds == ["confirmation"]
    states = {row[0]: row[3] for row in await office.told() if row[2] != 1440}
    assert states == {"confirmation": "sent", "reminder": "planned"}


async def test_who_is_checked_in_while_a_message_is_handed_over_gets_it(
    api: Api, office: Office
) -> None:
    slot = await api.slot(start=datetime.now(UTC) + timedelta(hours=23))
    booking = (await api.book(slot, await reachable(api))).json()
    clinic = await api.receptionist(booking["clinic"]["id"])
    await office.plan()
    marked: asyncio.Task[Any] | None = None

    async def meanwhile(_: Claim) -> None:
        nonlocal marked
        if marked is None:
            mark = api.post(f"/v1/bookings/{booking['id']}/check-in", None, clinic)
            marked = asyncio.create_task(mark, context=Context())
        await asyncio.wait([marked])

    await interrupted(office, meanwhile).once()
    assert marked is not None
    assert marked.result().status_code == 200
    assert office.email.kinds == ["confirmation"]
    assert (await confirmation(office))["state"] == "sent"


async def test_a_lost_claim_sends_nothing(api: Api, office: Office) -> None:
    await booked(api)
    await office.plan()

    async def lost(_: object) -> None:
        await leases_are_over(office)
        await office.ledger.rescue()

    office.email.on_open = lost
    await office.job.once()
    assert office.email.kinds == []
    assert (await confirmation(office))["state"] == "planned"
    office.email.on_open = leave
    await office.job.once()
    assert office.email.kinds == ["confirmation"]


async def leave(_: object) -> None:
    return None


async def test_a_claim_that_was_over_before_its_turn_sends_nothing(
    api: Api, office: Office
) -> None:
    await booked(api)
    await office.plan()

    async def over(_: object) -> None:
        await leases_are_over(office)

    office.email.on_open = over
    await office.job.once()
    assert office.email.kinds == []


async def test_a_claim_lost_behind_the_note_sends_nothing(api: Api, office: Office) -> None:
    await booked(api)
    await office.plan()

    async def meanwhile(_: Claim) -> None:
        await leases_are_over(office)
        await office.ledger.rescue()

    await interrupted(office, meanwhile).once()
    assert office.email.kinds == []
    assert (await confirmation(office))["state"] == "unknown"


async def test_a_process_that_stood_still_sends_nothing(api: Api, office: Office) -> None:
    """Behind the note that sending begins; nobody has taken the message from it."""
    await booked(api)
    await office.plan()
    seconds = [0.0]

    async def stands_still(_: Claim) -> None:
        seconds[0] = 4.1

    job = interrupted(office, stands_still)
    job.send = replace(job.send, monotonic=lambda: seconds[0])
    await job.once()
    assert office.email.kinds == []
    row = await confirmation(office)
    assert (row["state"], row["began"], row["attempts"]) == ("planned", 0, 1)


@pytest.mark.parametrize("rounds", [1, 2])
async def test_a_late_answer_counts(api: Api, office: Office, rounds: int) -> None:
    """Also where a repeat was planned already: it is not needed."""
    await booked(api)
    await office.plan()

    async def late(_: object) -> None:
        for _ in range(rounds):
            await leases_are_over(office)
            await office.ledger.rescue()

    office.email.on_answer = late
    await office.job.once()
    row = await confirmation(office)
    assert (row["state"], row["began"]) == ("sent", 1)
    assert row["provider_id"] is not None
    await office.job.once()
    assert office.email.kinds == ["confirmation"]


async def test_a_late_answer_does_not_touch_a_repeat_under_way(api: Api, office: Office) -> None:
    await booked(api)
    await office.plan()
    first = await claimed(office)
    await begin(office, first)
    for _ in range(2):
        await leases_are_over(office)
        await office.ledger.rescue()
    again = await claimed(office)
    assert again.token > first.token
    await begin(office, again)
    await office.ledger.finish(first, provider="mail", provider_id="late")
    assert (await confirmation(office))["state"] == "sending"
    await office.ledger.finish(again, provider="mail", provider_id="own")
    assert (await confirmation(office))["provider_id"] == "own"


async def test_what_could_not_be_handed_over_counts_as_not_sent(api: Api, office: Office) -> None:
    await booked(api)
    await office.plan()

    async def broken(_: Claim) -> None:
        raise ZeroDivisionError

    job = interrupted(office, broken)
    for _ in range(4):
        await job.once()
        office.clock.shift += timedelta(hours=1)
    assert office.email.kinds == []
    assert (await confirmation(office))["began"] == 0
    await office.job.once()
    assert office.email.kinds == ["confirmation"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgetful(PostgresLedger):
    """What the provider has said cannot be noted."""

    async def finish(self, claim: Claim, *, provider: str, provider_id: str | None) -> None:
        raise ZeroDivisionError


async def test_what_was_sent_and_could_not_be_noted_is_sent_once_more_at_most(
    api: Api, office: Office
) -> None:
    await booked(api)
    await office.plan()
    old = office.ledger
    ledger = Forgetful(
        database=old.database, recipients=old.recipients, identities=old.identities, clock=old.clock
    )
    send = replace(office.send, ledger=ledger)
    job = SendingJob(ledger=ledger, send=send, clock=office.clock)
    for _ in range(6):
        await job.once()
        await leases_are_over(office)
        office.clock.shift += timedelta(hours=1)
    assert office.email.kinds == ["confirmation"] * 2
    row = await confirmation(office)
    assert (row["state"], row["reason"], row["began"]) == ("failed", "unknown", 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Speechless(Forgetful):
    """Nor can it be told that nobody knows."""

    async def leave_unknown(self, claim: Claim, *, code: str) -> None:
        raise ZeroDivisionError


async def test_what_may_be_out_is_not_tried_as_if_it_had_failed(api: Api, office: Office) -> None:
    await booked(api)
    await office.plan()
    old = office.ledger
    ledger = Speechless(
        database=old.database, recipients=old.recipients, identities=old.identities, clock=old.clock
    )
    job = SendingJob(ledger=ledger, send=replace(office.send, ledger=ledger), clock=office.clock)
    await job.once()
    assert (await confirmation(office))["state"] == "sending"
    for _ in range(6):
        await leases_are_over(office)
        office.clock.shift += timedelta(hours=1)
        await job.once()
    assert office.email.kinds == ["confirmation"] * 2
    row = await confirmation(office)
    assert (row["state"], row["reason"], row["began"]) == ("failed", "unknown", 2)


async def test_claims_never_share_a_message_and_never_wait(api: Api, office: Office) -> None:
    _, booking = await booked(api)
    await office.plan()
    async with office.database.driver_transaction() as connection:
        await connection.execute(COPIES, booking["id"], 19)
    now = datetime.now(UTC)
    async with office.database.driver_transaction() as connection:
        await connection.execute("SELECT 1 FROM message_ledger WHERE offset_minutes = 3 FOR UPDATE")
        async with asyncio.timeout(PATIENCE):
            claims = await asyncio.create_task(claim_all(office, now), context=Context())
    ids = [claim.id for some in claims for claim in some]
    assert len(ids) == len(set(ids)) == 19
    assert {claim.token for some in claims for claim in some} == {1}


async def claim_all(office: Office, now: datetime) -> list[Any]:
    claiming = [office.ledger.claim(Lane.CHANGES, most=7, now=now) for _ in range(4)]
    return await asyncio.gather(*claiming)


async def test_a_burst_of_one_clinic_does_not_hold_up_another(api: Api, office: Office) -> None:
    (_, one), (_, other) = await booked(api), await booked(api)
    await office.plan()
    async with office.database.driver_transaction() as connection:
        await connection.execute(COPIES, one["id"], 600)
    claims = await office.ledger.claim(Lane.CHANGES, most=AT_A_TIME, now=datetime.now(UTC))
    found = [(await office.ledger.look(claim)).appointment.id for claim in claims]
    assert str(other["id"]) in map(str, found)


async def test_a_worker_that_stops_waits_for_its_answers(api: Api, office: Office) -> None:
    await booked(api)
    await office.plan()
    asked, answer = asyncio.Event(), asyncio.Event()

    async def slowly(_: object) -> None:
        asked.set()
        await answer.wait()

    office.email.on_answer = slowly
    async with asyncio.timeout(PATIENCE):
        async with office.job.running():
            await asked.wait()
            asyncio.get_running_loop().call_later(0.1, answer.set)
    assert (await confirmation(office))["state"] == "sent"


async def test_an_sms_is_not_repeated_when_its_end_is_unknown(api: Api, office: Office) -> None:
    async def lost(_: object) -> None:
        raise OutcomeUnknownError("timeout")

    slot = await api.slot(start=FAR)
    await api.book(slot, await reachable(api, email=None))
    assert office.sms is not None
    office.sms.on_answer = lost
    for _ in range(4):
        await office.work()
        await leases_are_over(office)
    assert office.sms.kinds == ["confirmation"]
    told = [row for row in await office.told() if row[1] == "sms" and row[0] == "confirmation"]
    assert told == [("confirmation", "sms", 0, "failed", "unknown")]
