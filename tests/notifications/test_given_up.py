"""What was given up is seen, listed, and begun anew by command and over HTTP."""

from typing import Any

from prometheus_client import CollectorRegistry

from booking_system.bootstrap import after_failures
from booking_system.notifications.adapters.dead_messages import LOOK
from booking_system.notifications.domain.sending import Fault, NotSentError
from booking_system.platform.observability.queue_metrics import QueueMetrics, QueueWatch
from tests.api import Api, code_of
from tests.notifications.office import Office, nothing
from tests.notifications.test_messages import booked


async def given_up(api: Api, office: Office) -> dict[str, Any]:
    """A confirmation that a provider refuses for good."""

    async def refused(_: object) -> None:
        raise NotSentError(Fault.POLICY, "554")

    _, booking = await booked(api)
    office.email.on_open = refused
    office.sms = None
    await office.plan()
    await office.job.once()
    office.email.on_open = nothing
    return booking


async def test_a_dead_message_is_listed_and_sent_again(api: Api, office: Office) -> None:
    booking = await given_up(api, office)
    items = (await api.get("/v1/dead-messages", api.admin)).json()["items"]
    (dead,) = [one for one in items if one["kind"] == "confirmation"]
    assert (dead["appointment_id"], dead["reason"], dead["error_code"]) == (
        booking["id"],
        "policy",
        "554",
    )
    more = await api.get("/v1/dead-messages", api.admin, after=max(one["id"] for one in items))
    assert more.json() == {"items": []}
    answer = await api.post(f"/v1/dead-messages/{dead['id']}/retry", None, api.admin)
    assert answer.status_code == 204
    await office.job.once()
    assert office.email.kinds == ["confirmation"]
    again = await api.post(f"/v1/dead-messages/{dead['id']}/retry", None, api.admin)
    assert code_of(again) == (404, "not_found")


async def test_what_is_of_no_use_any_more_is_not_sent_again(api: Api, office: Office) -> None:
    await given_up(api, office)
    (dead, *_) = (await api.get("/v1/dead-messages", api.admin)).json()["items"]
    async with office.database.driver_transaction() as connection:
        await connection.execute("UPDATE message_ledger SET not_after = now()")
    answer = await api.post(f"/v1/dead-messages/{dead['id']}/retry", None, api.admin)
    assert code_of(answer) == (404, "not_found")


async def test_the_commands_do_the_same(api: Api, office: Office) -> None:
    await given_up(api, office)
    container = api.container
    found = await after_failures._dead_letters(container, retry=False)
    assert (len(found.lines), found.retried) == (2, 0)
    assert "confirmation" in "".join(found.lines)
    assert "example.com" not in "".join(found.lines)
    assert (await after_failures._dead_letters(container, retry=True)).retried == 2
    assert await after_failures._replan(container) == 1
    await office.job.once()
    assert sorted(office.email.kinds) == ["confirmation", "staff_notice"]


async def test_queues_are_measured(api: Api, office: Office) -> None:
    registry = CollectorRegistry()
    watch = QueueWatch(database=office.database, looks=[LOOK], metrics=QueueMetrics(registry))

    async def told(what: str, queue: str) -> float | None:
        await watch.once()
        return registry.get_sample_value(f"booking_queue_{what}", {"queue": queue})

    assert await told("waiting", "messages of changes") == 0
    await booked(api)
    await office.plan()
    assert await told("waiting", "messages of changes") == 2
    assert (await told("late_seconds", "messages of changes") or 0) > 0
    assert await told("waiting", "reminders") == 0
    async with office.database.driver_transaction() as connection:
        await connection.execute(
            "UPDATE message_ledger SET state = 'failed' WHERE kind = 'reminder'"
        )
    assert await told("dead", "reminders") == 2
