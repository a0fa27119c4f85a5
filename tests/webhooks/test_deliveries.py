"""Events reach their receivers: signed, tried again, each once in the end."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from standardwebhooks import WebhookVerificationError

from booking_system.bootstrap.secret_key import _new_key
from booking_system.platform.keyring import Keyring
from booking_system.platform.postgres.outbox import RECORD
from booking_system.platform.postgres.transaction import Database
from booking_system.shared_kernel.identifiers import ClinicId
from booking_system.webhooks.adapters.resealing import Resealing
from booking_system.webhooks.adapters.sealing import SealedSecrets, UnreadableSecretError
from booking_system.webhooks.adapters.writing import WebhookWriter
from booking_system.webhooks.application.sending_ports import Room
from booking_system.webhooks.domain.delivery import Answer
from booking_system.webhooks.domain.endpoint import FORMER_SECRET_GOOD_FOR, Endpoint, EndpointId
from booking_system.webhooks.domain.retrying import WAITS, rest_after, wait_after
from tests.webhooks.courier import KEYS, Courier
from tests.webhooks.receiving import (
    Receiver,
    always,
    in_turn,
    receiving,
    said,
    slammed,
    verified,
)


@pytest.fixture
def courier(database: Database) -> Courier:
    return Courier(database)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as one:
        yield one


async def test_a_webhook_arrives_signed_and_says_what_happened(
    courier: Courier, receiver: Receiver
) -> None:
    clinic_id = await courier.clinic()
    _, secret = await courier.endpoint(receiver.url, clinic_id=clinic_id)
    (event_id,) = await courier.happened(
        "booking.created", clinic_id=clinic_id, patient_id="p", version=1
    )
    await courier.job.once()

    (got,) = receiver.arrived
    assert got.head == "POST /hook?from=here HTTP/1.1"
    assert got.headers["host"] == f"127.0.0.1:{receiver.port}"
    assert got.headers["content-type"] == "application/json"
    assert got.id == str(event_id)
    told = verified(got, secret, courier.clock)
    assert told == {
        "type": "booking.created",
        "timestamp": told["timestamp"],
        "data": {"clinic_id": str(clinic_id), "patient_id": "p", "version": 1},
        "seq": 1,
    }
    assert told["timestamp"].endswith("Z")
    (row,) = await courier.rows()
    assert (row["state"], row["attempts"], row["last_status"]) == ("delivered", 1, 204)
    assert str(row["id"])[14] == "7", "ids are of version 7"
    await courier.job.once()
    assert len(receiver.arrived) == 1


async def test_who_is_told_what(courier: Courier, receiver: Receiver) -> None:
    here, elsewhere = await courier.clinic(), await courier.clinic()
    ids = {
        "here": (await courier.endpoint(receiver.url, clinic_id=here))[0],
        "elsewhere": (await courier.endpoint(receiver.url, clinic_id=elsewhere))[0],
        "platform": (await courier.endpoint(receiver.url))[0],
        "bookings": (await courier.endpoint(receiver.url, events=["booking.*"]))[0],
        "one": (await courier.endpoint(receiver.url, events=["booking.created"]))[0],
    }
    await courier.happened("booking.created", clinic_id=here, patient_id="p", left_patient_id="q")
    await courier.happened("booking.cancelled", clinic_id=elsewhere, patient_id="p")
    await courier.happened("patient.merged", patient_id="p", merged_patient_id="q", patient_ids="x")

    told = {
        (name, row["name"]): row["payload"]
        for row in await courier.rows()
        for name, endpoint_id in ids.items()
        if row["endpoint_id"] == endpoint_id
    }
    in_here, there = {"clinic_id": str(here)}, {"clinic_id": str(elsewhere)}
    of_all = {"clinic_id": None, "patient_ids": "x"}
    assert told == {
        ("here", "booking.created"): {**in_here, "patient_id": "p", "left_patient_id": "q"},
        ("elsewhere", "booking.cancelled"): {**there, "patient_id": "p"},
        ("platform", "booking.created"): in_here,
        ("platform", "booking.cancelled"): there,
        ("platform", "patient.merged"): of_all,
        ("bookings", "booking.created"): in_here,
        ("bookings", "booking.cancelled"): there,
        ("one", "booking.created"): in_here,
    }


async def test_ids_of_patients_end_with_the_clinic_s_own_address(
    courier: Courier, receiver: Receiver
) -> None:
    """What was stored for the clinic does not go where the platform has pointed it since."""
    clinic_id = await courier.clinic()
    endpoint_id, _ = await courier.endpoint("https://clinic.example.com", clinic_id=clinic_id)
    await courier.happened("booking.created", clinic_id=clinic_id, patient_id="p")

    def pointed(endpoint: Endpoint) -> Endpoint:
        return endpoint.changed({"url": receiver.url}, by_clinic=False, now=courier.clock.now())

    await courier.endpoints.change(endpoint_id, pointed)
    await courier.job.once()
    (got,) = receiver.arrived
    assert json.loads(got.body)["data"] == {"clinic_id": str(clinic_id)}


async def test_an_event_that_is_undone_is_told_to_nobody(
    courier: Courier, receiver: Receiver
) -> None:
    await courier.endpoint(receiver.url)

    class UndoneError(Exception):
        pass

    with pytest.raises(UndoneError):
        async with courier.database.driver_transaction() as connection:
            event = {"id": str(uuid4()), "name": "a.b", "payload": {}, "occurred_at": "2026-01-01Z"}
            await RECORD.execute(connection, events=json.dumps([event]))
            raise UndoneError
    await courier.plan()
    assert await courier.rows() == []


async def test_a_batch_has_its_effect_once(courier: Courier, receiver: Receiver) -> None:
    await courier.endpoint(receiver.url)
    await courier.happened("a.a", "a.b")
    async with courier.database.driver_transaction() as connection:
        await connection.execute("UPDATE feed_consumers SET seq = 0 WHERE name = 'webhooks'")
    await courier.plan()
    assert [row["name"] for row in await courier.rows()] == ["a.a", "a.b"]


async def test_a_receiver_that_fails_five_times_gets_one_delivery(courier: Courier) -> None:
    failures = [said(500), said(404), said(302, "Location: /x"), said(500), said(200)[:3]]
    async with receiving(in_turn(*failures, said(200, body="Thank you."))) as receiver:
        endpoint_id, secret = await courier.endpoint(receiver.url)
        (event_id,) = await courier.happened("booking.created")
        await courier.job.once()
        for tries, wait in enumerate(WAITS[:5], start=1):
            (row,) = await courier.rows()
            assert (row["state"], row["attempts"]) == ("pending", tries)
            # Half of the jitter lies on each wait.
            due = row["attempted_at"] + wait * 1.05
            assert timedelta(0) <= row["due_at"] - due < timedelta(seconds=60)
            await courier.later(seconds=wait.total_seconds() * 0.99)
            assert len(receiver.arrived) == tries
            await courier.later(seconds=wait.total_seconds() * 0.08 + 30)
            assert len(receiver.arrived) == tries + 1

    assert receiver.ids == 6 * [str(event_id)]
    assert len({one.headers["webhook-timestamp"] for one in receiver.arrived}) == 6
    assert len({one.headers["webhook-signature"] for one in receiver.arrived}) == 6
    assert len({one.body for one in receiver.arrived}) == 1
    verified(receiver.arrived[-1], secret, courier.clock)
    with pytest.raises(WebhookVerificationError):
        verified(receiver.arrived[0], secret, courier.clock)
    (row,) = await courier.rows()
    assert (row["state"], row["attempts"], row["answer"]) == ("delivered", 6, "Thank you.")
    stored = await courier.stored(endpoint_id)
    assert (stored["failures"], stored["failing_since"]) == (0, None)


async def test_what_cannot_be_brought_is_given_up_after_three_days(courier: Courier) -> None:
    async with receiving(always(500, body="x" * 2000 + "\x00")) as receiver:
        await courier.endpoint(receiver.url)
        await courier.happened("booking.created")
        began = courier.clock.now()
        for _ in range(10):
            await courier.job.once()
            (row,) = await courier.rows()
            if row["state"] == "pending":
                courier.clock.shift += row["due_at"] - courier.clock.now()
        assert len(receiver.arrived) == 10
    assert row["state"] == "failed"
    assert row["answer"] == "x" * 1024
    lasted = courier.clock.now() - began
    assert timedelta(hours=75) < lasted < timedelta(hours=84)


def test_the_schedule() -> None:
    three_days = sum(WAITS, timedelta(0))
    assert three_days == timedelta(hours=75, minutes=35, seconds=5)
    assert wait_after(1, chance=0.0, asked=None) == timedelta(seconds=5)
    assert wait_after(1, chance=1.0, asked=None) == timedelta(seconds=5.5)
    assert wait_after(9, chance=0.0, asked=None) == timedelta(hours=24)
    assert wait_after(10, chance=0.0, asked=None) is None
    assert wait_after(1, chance=0.0, asked=timedelta(minutes=7)) == timedelta(minutes=7)
    assert wait_after(1, chance=0.0, asked=timedelta(days=7)) == timedelta(days=1)
    busy = Answer(status=429, again_after=timedelta(minutes=2), excerpt="")
    assert rest_after(busy, failures=0) == timedelta(minutes=2)
    for status, rest in ((502, 30), (503, 30), (504, 30), (500, 0), (404, 0)):
        other = Answer(status=status, again_after=None, excerpt="")
        assert rest_after(other, failures=0) == timedelta(seconds=rest)
    assert rest_after(None, failures=3) == timedelta(0)
    assert rest_after(None, failures=4) == timedelta(seconds=30)
    assert rest_after(None, failures=6) == timedelta(minutes=2)
    assert rest_after(None, failures=4000) == timedelta(minutes=10)


async def test_a_busy_receiver_is_left_alone_with_all_that_waits(courier: Courier) -> None:
    answers = in_turn(said(429, "Retry-After: 120"), said(204))
    async with receiving(answers) as receiver:
        await courier.endpoint(receiver.url)
        await courier.happened("booking.created")
        await courier.job.once()
        await courier.happened("booking.cancelled")
        await courier.later(seconds=110)
        assert len(receiver.arrived) == 1
        await courier.later(seconds=11)
        await courier.job.once()
        assert len(receiver.arrived) == 3


async def test_until_when_it_is_busy_may_be_a_date(courier: Courier) -> None:
    said_when = ("Wed, 21 Oct 2099 07:28:00 GMT", "soon", "-5", "9" * 30, "Mon, 1 Jan 1 0", "é")
    for number, when in enumerate(said_when):
        async with receiving(always(503, f"Retry-After: {when}")) as receiver:
            await courier.endpoint(receiver.url, events=[f"a.{number}"])
            await courier.happened(f"a.{number}")
            await courier.job.once()
            assert len(receiver.arrived) == 1
    waits = [row["due_at"] - row["attempted_at"] for row in await courier.rows()]
    assert waits[0] >= timedelta(hours=24)
    assert max(waits[1:]) < timedelta(minutes=1)


async def test_an_endpoint_that_is_gone_is_told_nothing_more(courier: Courier) -> None:
    async with receiving(always(410)) as receiver:
        clinic_id = await courier.clinic()
        endpoint_id, _ = await courier.endpoint(receiver.url, clinic_id=clinic_id)
        async with courier.database.driver_transaction() as connection:
            await connection.execute("UPDATE webhook_endpoints SET failures = 1")
        await courier.happened("booking.created", "booking.cancelled", clinic_id=clinic_id)
        await courier.job.once()
        assert len(receiver.arrived) == 1
        stored = await courier.stored(endpoint_id)
        assert (stored["state"], stored["reason"], stored["version"]) == ("disabled", "gone", 2)
        await courier.plan()
        await courier.later(days=4)
        assert len(receiver.arrived) == 1
    rows = await courier.rows()
    assert [row["state"] for row in rows] == 3 * ["paused"]
    notice = rows[-1]
    assert notice["name"] == "webhook.disabled"
    assert notice["payload"] == {
        "webhook_endpoint_id": str(endpoint_id),
        "clinic_id": str(clinic_id),
        "reason": "gone",
    }


async def test_an_endpoint_where_all_fails_for_three_days_is_disabled(courier: Courier) -> None:
    async with receiving(always(500)) as receiver:
        endpoint_id, _ = await courier.endpoint(receiver.url)
        other_id, _ = await courier.endpoint(receiver.url, events=["webhook.disabled"])
        await courier.happened("booking.created")
        for _ in range(8):
            await courier.later(hours=8.9)
            await courier.happened("booking.created")
        stored = await courier.stored(endpoint_id)
        assert stored["state"] == "enabled"
        assert stored["failures"] > 8
        await courier.later(hours=9.9)
        stored = await courier.stored(endpoint_id)
        assert (stored["state"], stored["reason"]) == ("disabled", "failing")
        assert stored["failing_since"] is not None
        await courier.plan()
    rows = await courier.rows()
    assert {row["state"] for row in rows if row["endpoint_id"] == endpoint_id} == {"paused"}
    assert [row["name"] for row in rows if row["endpoint_id"] == other_id] == ["webhook.disabled"]


async def test_one_success_is_enough_to_stay(courier: Courier) -> None:
    async with receiving(always(500)) as receiver:
        endpoint_id, _ = await courier.endpoint(receiver.url)
        for hours in (0, 50, 50):
            await courier.happened("booking.created")
            receiver.answer = always(204 if hours == 50 else 500)
            await courier.later(hours=hours)
            receiver.answer = always(500)
            await courier.happened("booking.created")
            await courier.later(minutes=20)
        assert (await courier.stored(endpoint_id))["state"] == "enabled"


async def test_a_secret_that_is_rotated_signs_for_a_day_with_the_new_one(
    courier: Courier, receiver: Receiver
) -> None:
    endpoint_id, first = await courier.endpoint(receiver.url)

    async def rotate() -> str:
        new = courier.secrets.new(endpoint_id)
        until = courier.clock.now() + FORMER_SECRET_GOOD_FOR
        await courier.endpoints.rotate(
            endpoint_id, lambda one: one, secret=new.sealed, former_until=until
        )
        return new.text

    second = await rotate()
    await courier.happened("booking.created")
    await courier.job.once()
    assert receiver.arrived[-1].headers["webhook-signature"].count("v1,") == 2
    for secret in (first, second):
        verified(receiver.arrived[-1], secret, courier.clock)
    await courier.later(hours=24.1)
    await courier.happened("booking.created")
    await courier.job.once()
    verified(receiver.arrived[-1], second, courier.clock)
    with pytest.raises(WebhookVerificationError):
        verified(receiver.arrived[-1], first, courier.clock)


async def test_secrets_are_stored_sealed_and_opened_by_any_key(
    courier: Courier, receiver: Receiver
) -> None:
    endpoint_id, secret = await courier.endpoint(receiver.url)
    stored = (await courier.stored(endpoint_id))["secret"]
    raw = courier.secrets.opened(stored, endpoint_id)
    assert raw not in stored
    assert len(raw) == 32
    other = another_key()
    both = SealedSecrets(Keyring.of([*other.keys, *KEYS.keys]))
    assert both.opened(stored, endpoint_id) == raw
    with pytest.raises(UnreadableSecretError):
        SealedSecrets(other).opened(stored, endpoint_id)
    with pytest.raises(UnreadableSecretError):
        courier.secrets.opened(stored, EndpointId(uuid4()))
    assert courier.secrets.seal(raw, endpoint_id) != stored
    assert secret.startswith("whsec_")


async def test_secrets_pass_over_to_a_new_key(courier: Courier, receiver: Receiver) -> None:
    endpoint_id, secret = await courier.endpoint(receiver.url)
    formerly = courier.secrets.new(endpoint_id)
    until = courier.clock.now() + FORMER_SECRET_GOOD_FOR
    await courier.endpoints.rotate(
        endpoint_id, lambda one: one, secret=formerly.sealed, former_until=until
    )
    other = another_key()
    both = SealedSecrets(Keyring.of([*other.keys, *KEYS.keys]))
    for keys in (SealedSecrets(other), both, both):
        before = await courier.stored(endpoint_id)
        await Resealing(database=courier.database, secrets=keys).once()
    assert await courier.stored(endpoint_id) == before, "the second time nothing is left to do"
    only_new = WebhookWriter(secrets=SealedSecrets(other), allow_private=True)
    courier.job.send = replace(courier.send, write=only_new)
    await courier.happened("booking.created")
    await courier.job.once()
    for one in (secret, formerly.text):
        verified(receiver.arrived[-1], one, courier.clock)


def another_key() -> Keyring:
    return Keyring.of([_new_key().decode()])


async def test_a_secret_that_nobody_can_open_is_no_fault_of_the_receiver(
    courier: Courier, receiver: Receiver
) -> None:
    endpoint_id, _ = await courier.endpoint(receiver.url)
    await courier.happened("booking.created")
    stranger = WebhookWriter(secrets=SealedSecrets(another_key()), allow_private=True)
    courier.job.send = replace(courier.send, write=stranger)
    await courier.job.once()
    (row,) = await courier.rows()
    assert (row["state"], row["error_code"]) == ("pending", "UnreadableSecretError")
    assert (await courier.stored(endpoint_id))["failures"] == 0
    courier.job.send = courier.send
    await courier.later(seconds=6)
    assert await courier.states() == ["delivered"]


async def test_a_worker_that_has_lost_its_claim_writes_nothing(
    courier: Courier, receiver: Receiver
) -> None:
    endpoint_id, _ = await courier.endpoint(receiver.url)
    await courier.happened("booking.created")
    impatient = replace(courier.queue, lease=timedelta(0))
    (lost,) = await impatient.claim(Room.WELL, most=5, now=courier.clock.now())
    assert await courier.queue.claim(Room.WELL, most=5, now=courier.clock.now()) == []
    await courier.queue.rescue()
    (mine,) = await courier.queue.claim(Room.WELL, most=5, now=courier.clock.now())
    assert (mine.id, mine.token, mine.attempts) == (lost.id, lost.token + 2, 2)
    await courier.queue.rescue()
    answer = Answer(status=410, again_after=None, excerpt="")
    late = replace(courier.send, post=lambda _: told(answer))
    await late(lost)
    await replace(late, post=lambda _: told(replace(answer, status=500)))(lost)
    await replace(late, post=lambda _: told(replace(answer, status=200)))(lost)
    await late.failed(lost, "program_error")
    (row,) = await courier.rows()
    assert (row["state"], row["token"], row["last_status"]) == ("sending", mine.token, None)
    stored = await courier.stored(endpoint_id)
    assert (stored["state"], stored["failures"]) == ("enabled", 0)
    await courier.queue.finish(mine, replace(answer, status=200), now=courier.clock.now())
    assert await courier.states() == ["delivered"]


async def told(answer: Answer) -> Answer:
    return answer


async def test_a_delivery_that_ends_its_worker_is_not_tried_for_ever(
    courier: Courier, receiver: Receiver
) -> None:
    await courier.endpoint(receiver.url)
    await courier.happened("booking.created")
    impatient = replace(courier.queue, lease=timedelta(0))
    for _ in range(10):
        assert await impatient.claim(Room.WELL, most=5, now=courier.clock.now())
        await impatient.rescue()
    (row,) = await courier.rows()
    assert (row["state"], row["error_code"]) == ("failed", "worker_lost")


async def test_few_at_a_time_go_to_one_endpoint_over_all_workers(courier: Courier) -> None:
    endpoint_id, _ = await courier.endpoint("https://example.com/")
    await courier.happened(*(10 * ["booking.created"]))
    now = courier.clock.now()
    claims = [courier.queue.claim(Room.WELL, most=3, now=now) for _ in range(8)]
    claimed = [one for some in await asyncio.gather(*claims) for one in some]
    claimed += await courier.queue.claim(Room.WELL, most=12, now=now)
    assert len(claimed) == 4
    assert {one.event_seq for one in claimed} == {1, 2, 3, 4}
    for one in claimed:
        await courier.queue.put_off(one, code="x", due_at=now, now=now)
    async with courier.database.driver_transaction() as connection:
        await connection.execute("UPDATE webhook_endpoints SET failures = 1")
    assert await courier.queue.claim(Room.WELL, most=12, now=now) == []
    assert len(await courier.queue.claim(Room.FAILING, most=12, now=now)) == 1
    assert await courier.queue.claim(Room.FAILING, most=12, now=now) == []
    assert (await courier.stored(endpoint_id))["state"] == "enabled"


async def test_a_removed_clinic_is_told_nothing(courier: Courier, receiver: Receiver) -> None:
    here, there = await courier.clinic(), await courier.clinic()
    for clinic_id in (here, there):
        await courier.endpoint(receiver.url, clinic_id=clinic_id)
    async with courier.database.driver_transaction() as connection:
        await connection.execute("UPDATE clinics SET deleted_at = now() WHERE id = $1", here)
    for clinic_id in (here, there):
        await courier.happened("booking.cancelled", clinic_id=ClinicId(clinic_id))
    (row,) = await courier.rows()
    assert row["payload"]["clinic_id"] == str(there)


async def test_a_connection_that_ends_without_an_answer_is_a_failure(courier: Courier) -> None:
    async with receiving(slammed) as receiver:
        await courier.endpoint(receiver.url)
        await courier.happened("booking.created")
        await courier.job.once()
    await courier.endpoint(receiver.url)
    await courier.happened("booking.created")
    await courier.job.once()
    codes = {(row["error_code"], row["last_status"]) for row in await courier.rows()}
    assert codes == {("protocol", None), ("connection", None)}
