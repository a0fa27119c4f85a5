"""Endpoints are kept, rotated, tried and replayed over HTTP, and bookings reach them."""

from collections.abc import AsyncIterator
from typing import Any
from unittest.mock import ANY
from uuid import UUID

import pytest
from prometheus_client import CollectorRegistry

from booking_system.platform.http.event_kinds import kinds
from booking_system.platform.outward.connecting import CheckedAddresses, NotConnectedError
from booking_system.platform.postgres.feed import Relay
from booking_system.webhooks.adapters import url_check
from booking_system.webhooks.adapters.metrics import WebhookMetrics, WebhookWatch
from booking_system.webhooks.adapters.url_check import UrlCheck
from booking_system.webhooks.domain.endpoint import MOST_OF_CLINIC
from tests.api import Api, Person, code_of, document_of_all
from tests.webhooks.receiving import Receiver, always, receiving, verified
from tests.webhooks.test_addresses import WRONG

PATH = "/v1/webhook-endpoints"
PUBLIC = "https://93.184.215.14/hook"


@pytest.fixture
async def near(stage: Any, database_url: str) -> AsyncIterator[Api]:
    """An application that may send to this machine."""
    async with stage.api(webhook_allow_private=True) as api:
        yield api


async def work(api: Api) -> None:
    """What workers do."""
    container = api.container
    await Relay(database=container.database()).once()
    assert await container.webhooks.consumer().once()
    await container.webhooks.sending().once()


async def made(api: Api, by: Person, **about: Any) -> dict[str, Any]:
    return await api.made(PATH, {"url": PUBLIC, **about}, by)


async def deliveries(api: Api, endpoint: dict[str, Any], by: Person, **params: Any) -> Any:
    answer = await api.get(f"{PATH}/{endpoint['id']}/deliveries", by, **params)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


async def test_a_booking_reaches_the_clinic_and_the_platform(near: Api) -> None:
    slot = await near.slot()
    admin = await near.clinic_admin(slot["clinic_id"])
    async with receiving() as receiver:
        about = {"url": receiver.url, "events": ["booking.*"]}
        clinics = await made(near, admin, clinic_id=slot["clinic_id"], **about)
        platforms = await made(near, near.admin, **about)
        by_platform = await made(
            near, near.admin, url=receiver.url, clinic_id=slot["clinic_id"], events=["slot.*"]
        )
        assert (clinics["patient_ids"], platforms["patient_ids"]) == (True, False)
        assert by_platform["patient_ids"] is False
        patient = await near.patient()
        booking = (await near.book(slot, patient)).json()
        await work(near)
        told = {}
        for endpoint in (clinics, platforms):
            for got in receiver.arrived:
                if verifies(near, got, endpoint["secret"]):
                    told[endpoint["id"]] = verified(got, endpoint["secret"], near.container.clock())
    theirs, ours = told[clinics["id"]], told[platforms["id"]]
    assert (theirs["type"], ours["type"]) == ("booking.created", "booking.created")
    assert theirs["data"]["appointment_id"] == booking["id"]
    assert theirs["data"]["patient_id"] == str(patient.patient_id)
    assert ours["data"] == {k: v for k, v in theirs["data"].items() if k != "patient_id"}
    document = document_of_all()
    said = document["webhooks"]["booking.created"]["post"]["requestBody"]["content"]
    fields = said["application/json"]["schema"]["properties"]
    assert fields.keys() == theirs.keys()
    data = document["components"]["schemas"][fields["data"]["$ref"].rpartition("/")[2]]
    assert data["properties"].keys() == theirs["data"].keys()
    (delivery,) = await deliveries(near, clinics, admin)
    assert delivery == {
        "id": ANY,
        "event_seq": theirs["seq"],
        "event_id": ANY,
        "name": "booking.created",
        "state": "delivered",
        "attempts": 1,
        "due_at": ANY,
        "attempted_at": ANY,
        "ended_at": ANY,
        "stored_at": ANY,
        "last_status": 204,
        "error_code": None,
        "answer": "",
    }


def verifies(api: Api, got: Any, secret: str) -> bool:
    try:
        verified(got, secret, api.container.clock())
    except Exception:  # noqa: BLE001  (whatever is wrong with it)
        return False
    return True


def test_the_catalogue_names_every_event_once() -> None:
    names = [kind.name for kind in kinds()]
    assert {"booking.created", "slot.held", "webhook.disabled"} <= {*names}
    assert len({*names}) == len(names)
    assert document_of_all()["webhooks"].keys() == {*names}


@pytest.mark.parametrize("url", [url for url in WRONG if len(url) < 2000])
async def test_an_address_that_cannot_be_called_is_refused_at_once(api: Api, url: str) -> None:
    answer = await api.post(PATH, {"url": url}, api.admin)
    assert code_of(answer) == (422, "validation_error")
    error = answer.json()["errors"][0]
    # A line break is refused by the layer before.
    assert error["code"] in {WRONG[url], "forbidden_text"}


async def test_a_private_address_is_refused_and_stays_out_of_a_change(api: Api) -> None:
    for url in ("https://127.0.0.1/", "https://[::ffff:10.0.0.1]/", "https://[64:ff9b::7f00:1]/"):
        answer = await api.post(PATH, {"url": url}, api.admin)
        (error,) = answer.json()["errors"]
        assert (error["pointer"], error["code"]) == ("/url", "address_not_allowed")
        endpoint = await made(api, api.admin)
        answer = await api.send("PATCH", f"{PATH}/{endpoint['id']}", api.admin, json={"url": url})
        assert code_of(answer) == (422, "validation_error")


async def test_a_name_that_leads_nowhere_yet_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    async def nowhere(host: str, port: int) -> list[str]:
        raise NotConnectedError("dns")

    async def never(host: str, port: int) -> list[str]:
        raise TimeoutError

    monkeypatch.setattr(url_check, "SECONDS", 0.01)
    for resolve in (nowhere, never):
        check = UrlCheck(addresses=CheckedAddresses(allow_private=False, resolve=resolve))
        await check("https://example.com/")


async def test_an_endpoint_is_changed_paused_and_deleted(api: Api) -> None:
    clinic = await api.clinic()
    admin = await api.clinic_admin(clinic["id"])
    new = await made(api, admin, clinic_id=clinic["id"], description="Example")
    secret = new.pop("secret")
    at = f"{PATH}/{new['id']}"
    assert secret.startswith("whsec_")
    answer = await api.get(at, admin)
    assert (answer.json(), answer.headers["etag"]) == (new, '"1"')
    assert secret not in answer.text

    changes = {"events": ["booking.*", "slot.held"], "state": "paused", "description": "Other"}
    answer = await api.send("PATCH", at, admin, json=changes, headers={"If-Match": '"1"'})
    changed = answer.json()
    assert (changed["version"], changed["state"], changed["reason"]) == (2, "paused", None)
    assert changed["events"] == changes["events"]
    stale = await api.send("PATCH", at, admin, json={}, headers={"If-Match": '"1"'})
    assert code_of(stale) == (412, "precondition_failed")
    assert code_of(await api.post(f"{at}/ping", by=admin)) == (409, "webhook_endpoint_not_enabled")
    replay = await api.post(f"{at}/replay", by=admin)
    assert code_of(replay) == (409, "webhook_endpoint_not_enabled")

    by_platform = await api.send("PATCH", at, api.admin, json={"url": PUBLIC + "/other"})
    assert by_platform.json()["patient_ids"] is False
    again = await api.send("PATCH", at, admin, json={"url": PUBLIC, "state": "enabled"})
    assert (again.json()["patient_ids"], again.json()["state"]) == (True, "enabled")

    assert (await api.send("DELETE", at, admin)).status_code == 204
    for method in ("GET", "DELETE", "PATCH"):
        body = {"json": {}} if method == "PATCH" else {}
        assert code_of(await api.send(method, at, admin, **body)) == (404, "not_found")
    assert (await api.get(PATH, admin)).json()["items"] == []


async def test_what_is_no_event_is_refused(api: Api) -> None:
    wrong: list[list[str]] = [[], ["booking"], ["*.created"], ["a.b", "a.b"], ["A.b"], 51 * ["a.b"]]
    for events in wrong:
        answer = await api.post(PATH, {"url": PUBLIC, "events": events}, api.admin)
        assert code_of(answer) == (422, "validation_error"), events


async def test_a_clinic_has_so_many_endpoints(api: Api) -> None:
    clinic, other = await api.clinic(), await api.clinic()
    admin = await api.clinic_admin(clinic["id"])
    first = await made(api, admin, clinic_id=clinic["id"])
    async with api.container.database().driver_transaction() as connection:
        await connection.execute(
            "INSERT INTO webhook_endpoints (id, clinic_id, url, events, with_patients, secret,"
            " state, state_since, version, created_at, updated_at)"
            " SELECT gen_random_uuid(), $1, 'https://example.com', '{*}', true, '', 'enabled',"
            " now(), 1, now(), now() FROM generate_series(2, $2)",
            UUID(clinic["id"]),
            MOST_OF_CLINIC,
        )
    body = {"url": PUBLIC, "clinic_id": clinic["id"]}
    answer = await api.post(PATH, body, admin)
    assert code_of(answer) == (409, "too_many_webhook_endpoints")
    await made(api, api.admin, clinic_id=other["id"])
    await api.send("DELETE", f"{PATH}/{first['id']}", admin)
    await made(api, admin, clinic_id=clinic["id"])


async def test_a_secret_is_shown_once_and_rotated(near: Api) -> None:
    key = {"Idempotency-Key": "0123456789abcdef"}
    async with receiving() as receiver:
        answers = [
            await near.post(PATH, {"url": receiver.url}, near.admin, headers=key) for _ in range(2)
        ]
        first, second = (one.json() for one in answers)
        assert answers[1].headers["idempotent-replayed"] == "true"
        assert (second["id"], second["secret"]) == (first["id"], None)
        at = f"{PATH}/{first['id']}"
        rotated = (await near.post(f"{at}/rotate-secret", by=near.admin)).json()
        assert (rotated["version"], len(rotated["secret"])) == (2, len(first["secret"]))
        ping = await near.post(f"{at}/ping", by=near.admin)
        assert ping.status_code == 202
        assert ping.json()["state"] == "pending"
        await work(near)
        (got,) = receiver.arrived
        for secret in (first["secret"], rotated["secret"]):
            told = verified(got, secret, near.container.clock())
        assert told == {
            "type": "webhook.ping",
            "timestamp": ANY,
            "data": {"webhook_endpoint_id": first["id"]},
            "seq": None,
        }
        (delivery,) = await deliveries(near, first, near.admin)
        assert (delivery["state"], delivery["event_id"]) == ("delivered", got.id)


async def test_what_was_missed_is_replayed(near: Api) -> None:
    clinic = await near.clinic()
    admin = await near.clinic_admin(clinic["id"])
    doctor = await near.doctor(clinic)
    slots = await near.slots(doctor, 4)
    patient = await near.patient()
    async with receiving(always(410, body="Gone with patient 17.")) as receiver:
        endpoint = await made(near, admin, url=receiver.url, clinic_id=clinic["id"])
        at = f"{PATH}/{endpoint['id']}"
        for slot in slots[:2]:
            await near.book(slot, patient)
        await work(near)
        await work(near)
        shown = (await near.get(at, admin)).json()
        assert (shown["state"], shown["reason"]) == ("disabled", "gone")
        kept = await deliveries(near, endpoint, admin, state="paused")
        assert [one["name"] for one in kept][:1] == ["webhook.disabled"]
        refused = await near.post(f"{at}/deliveries/{kept[0]['id']}/replay", by=admin)
        assert code_of(refused) == (409, "webhook_endpoint_not_enabled")
        await check_who_reads_answers(near, endpoint, admin)

        receiver.answer = always(204)
        receiver.arrived.clear()
        await near.send("PATCH", at, admin, json={"state": "enabled"})
        await work(near)
        assert receiver.arrived == []
        second = kept[-2]["event_seq"]
        replayed = await near.post(f"{at}/replay?since_seq={second}", by=admin)
        assert replayed.json() == {"replayed": len(kept) - 1, "next_seq": None}
        await work(near)
        assert len(receiver.arrived) == len(kept) - 1
        left = await deliveries(near, endpoint, admin, state="paused")
        assert [one["id"] for one in left] == [kept[-1]["id"]]

        one = f"{at}/deliveries/{kept[0]['id']}/replay"
        answer = await near.post(one, by=admin)
        assert (answer.status_code, answer.json()["attempts"]) == (202, 0)
        assert code_of(await near.post(one, by=admin)) == (409, "webhook_delivery_under_way")
        await work(near)
        assert receiver.ids.count(kept[0]["event_id"]) == 2
        await check_pages(near, endpoint, admin)


async def check_who_reads_answers(api: Api, endpoint: dict[str, Any], admin: Person) -> None:
    """What the clinic's receiver says is not for the platform."""
    theirs = await deliveries(api, endpoint, admin)
    ours = await deliveries(api, endpoint, api.admin)
    assert "Gone with patient 17." in {one["answer"] for one in theirs}
    assert {one["answer"] for one in ours} == {None}


async def check_pages(api: Api, endpoint: dict[str, Any], by: Person) -> None:
    whole = await deliveries(api, endpoint, by)
    path, found, cursor = f"{PATH}/{endpoint['id']}/deliveries", [], {}
    while True:
        page = (await api.get(path, by, limit="1", **cursor)).json()
        found += page["items"]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert found == whole


async def test_pages_of_endpoints_and_those_of_one_clinic(api: Api) -> None:
    clinic, other = await api.clinic(), await api.clinic()
    for one in (clinic, other, clinic):
        await made(api, api.admin, clinic_id=one["id"])
    admin = await api.clinic_admin(clinic["id"])
    page = await api.get(PATH, admin, limit="1")
    assert page.headers["link"].endswith('rel="next"')
    rest = await api.get(PATH, admin, limit="1", cursor=page.json()["next_cursor"])
    assert rest.json()["next_cursor"] is None
    assert len((await api.get(PATH, api.admin)).json()["items"]) == 3
    assert len((await api.get(PATH, api.admin, clinic_id=other["id"])).json()["items"]) == 1
    assert (await api.get(PATH, admin, clinic_id=other["id"])).json()["items"] == []


async def test_what_is_due_is_told_to_prometheus(near: Api) -> None:
    registry = CollectorRegistry()
    watch = WebhookWatch(database=near.container.database(), tell=WebhookMetrics(registry).tell)

    async def told() -> list[float | None]:
        await watch.once()
        names = ("deliveries_due", "deliveries_oldest_seconds", "endpoints_disabled")
        return [registry.get_sample_value(f"booking_webhook_{name}") for name in names]

    assert await told() == [0.0, 0.0, 0.0]
    async with receiving(always(410)) as receiver:
        await pinged(near, receiver)
        due, seconds, disabled = await told()
        assert (due, disabled) == (1.0, 0.0)
        assert seconds is not None
        assert seconds >= 90.0
        await work(near)
        assert await told() == [0.0, 0.0, 1.0]
    await near.container.webhooks.watch().once()
    assert "booking_webhook_endpoints_disabled 1.0" in (await near.get("/metrics")).text


async def pinged(api: Api, receiver: Receiver) -> None:
    """One that is due for a minute and a half."""
    endpoint = await made(api, api.admin, url=receiver.url)
    await api.post(f"{PATH}/{endpoint['id']}/ping", by=api.admin)
    async with api.container.database().driver_transaction() as connection:
        earlier = "UPDATE webhook_deliveries SET due_at = due_at - interval '90 seconds'"
        await connection.execute(earlier)
