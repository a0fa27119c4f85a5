"""What providers tell of a clinic's own account: believed by its secret, and of its messages."""

import base64
import json
from collections.abc import AsyncIterator
from contextlib import ExitStack
from typing import Any
from unittest.mock import patch
from urllib.parse import urlencode
from uuid import uuid4

import pytest

from booking_system.notifications.adapters.reports.sendgrid import public_key
from tests.api import Api, code_of
from tests.notifications.carriers.providers import a_provider, says
from tests.notifications.conftest import MAIL, NUMBER
from tests.notifications.own.desk import (
    AMAZON,
    EMAIL,
    SENDGRID_KEY,
    SMS,
    TOKEN,
    TWILIO,
    Desk,
    a_desk,
    kept,
    ledger,
    providers_at,
    sql,
    work,
)
from tests.notifications.reports.office import (
    NOW,
    SENDGRID_KEYS,
    TOKENS,
    TOPIC,
    Office,
    envelope,
    shown,
    signed_by_amazon,
)
from tests.notifications.reports.test_sendgrid_reports import fields as signed_by_sendgrid
from tests.notifications.reports.test_twilio_reports import FORM, signature
from tests.platform.own_routes import undocumented

HERE = "http://test"
OTHER_TOPIC = TOPIC.replace("mail-events", "another")
WRONG = (400, "invalid_signature")
ABSENT = (404, "not_found")


@pytest.fixture
async def hooks(near: Api) -> AsyncIterator[Api]:
    async with undocumented(near):
        yield near


async def own_path(desk: Desk, what: str) -> str:
    (row,) = await sql(
        desk.api,
        "SELECT id FROM clinic_channels WHERE clinic_id = $1 AND channel = $2",
        desk.id,
        what.partition("-")[0],
    )
    return f"/v1/message-callbacks/own/{row['id']}"


async def twilio_tells(api: Api, target: str, token: str, **fields: Any) -> Any:
    sid = f"SM{'7' * 32}"
    body = urlencode({"MessageSid": sid, "To": NUMBER, "From": "Praxis", **fields}).encode()
    given = signature(target, body, token=token, url=HERE)
    headers = {"X-Twilio-Signature": given, **FORM}
    return await api.send("POST", target, content=body, headers=headers)


async def sent_by_twilio(api: Api, *desks: Desk) -> list[dict[str, Any]]:
    """A confirmation of each clinic, by its own account where it has one."""
    async with a_provider(says(201, b"{}")) as provider:
        with providers_at(api, twilio=provider.url):
            for desk in desks:
                await desk.books(email=None)
            await work(api)
    return [await ledger(api, desk, "sms") for desk in desks]


async def test_twilio_is_believed_by_the_clinic_s_own_token(hooks: Api) -> None:
    desk, other = await a_desk(hooks), await a_desk(hooks)
    await desk.sets(SMS, {"sender": "Praxis", "twilio": TWILIO})
    others = {**TWILIO, "auth_token": "another clinic's own token"}
    await other.sets(SMS, {"sender": "Praxis", "twilio": others})
    (message,) = await sent_by_twilio(hooks, desk)
    own = await own_path(desk, SMS)
    path = f"{own}/twilio/{message['id']}"
    status = {"MessageStatus": "delivered"}
    for token in (TOKENS[0], others["auth_token"], ""):
        assert code_of(await twilio_tells(hooks, path, token, **status)) == WRONG
    replies = f"{own}/twilio-replies"
    assert code_of(await twilio_tells(hooks, replies, TOKENS[0], Body="Hello")) == WRONG
    assert (await twilio_tells(hooks, replies, TOKEN, Body="Hello")).status_code == 204
    platform = f"/v1/message-callbacks/twilio/{message['id']}"
    assert code_of(await twilio_tells(hooks, platform, TOKEN, **status)) == ABSENT
    hook = hooks.container.notifications.report_routes().twilio
    with patch.object(hook, "_tokens", (TOKENS[0].encode(),)):
        assert code_of(await twilio_tells(hooks, platform, TOKEN, **status)) == WRONG
    assert (await ledger(hooks, desk, "sms"))["state"] == "sent"
    assert (await twilio_tells(hooks, path, TOKEN, **status)).status_code == 204
    assert (await ledger(hooks, desk, "sms"))["state"] == "delivered"


async def test_an_address_of_nobody_is_not_found(hooks: Api) -> None:
    desk = await a_desk(hooks)
    await desk.sets(SMS, {"sender": "Praxis", "twilio": TWILIO})
    own = await own_path(desk, SMS)
    for path in (
        f"/v1/message-callbacks/own/{uuid4()}/twilio-replies",
        "/v1/message-callbacks/own/none/twilio-replies",
        f"{own}/sendgrid",
        f"{own}/sns",
    ):
        assert code_of(await twilio_tells(hooks, path, TOKEN)) == ABSENT
    assert (await desk.shows(SMS))["callbacks"] == [f"{HERE}{own}/twilio-replies"]
    await sql(hooks, "UPDATE clinic_channels SET key_id = 'unknown'")
    answer = await twilio_tells(hooks, f"{own}/twilio-replies", TOKEN)
    assert code_of(answer) == (503, "dependency_unavailable")
    await hooks.send("DELETE", desk.at(SMS), desk.admin)
    assert code_of(await twilio_tells(hooks, f"{own}/twilio-replies", TOKEN)) == ABSENT


async def test_a_clinic_tells_of_its_own_messages_and_for_itself_only(hooks: Api) -> None:
    """With its own token it can sign what it likes."""
    desk, other = await a_desk(hooks), await a_desk(hooks)
    await desk.sets(SMS, {"sender": "+4915112345678", "twilio": TWILIO})
    _, theirs = await sent_by_twilio(hooks, desk, other)
    own = await own_path(desk, SMS)
    # Of another clinic's message, and of the number for all: it has failed, it wants no more.
    lie = {"MessageStatus": "undelivered", "ErrorCode": "30005"}
    answer = await twilio_tells(hooks, f"{own}/twilio/{theirs['id']}", TOKEN, **lie)
    assert answer.status_code == 204
    stop = {"From": NUMBER, "To": "+4915112345678", "Body": "STOP", "OptOutType": "STOP"}
    answer = await twilio_tells(hooks, f"{own}/twilio-replies", TOKEN, **stop)
    assert answer.status_code == 204
    assert (await ledger(hooks, other, "sms"))["state"] == "sent"
    scopes = await sql(hooks, "SELECT DISTINCT sender FROM recipient_blocks")
    assert [row["sender"] for row in scopes] == [f"clinic:{desk.id}"]
    # What it told has the ids of nobody else's events.
    events = await sql(hooks, "SELECT event_id, message_id FROM message_reports")
    assert {row["event_id"].partition(" ")[0] for row in events} == {f"clinic:{desk.id}"}
    assert {row["message_id"] for row in events} == {None}
    await sql(hooks, "DELETE FROM kept_messages")
    for one in (other, desk):
        await one.books(email=None)
    await work(hooks)
    assert await kept(hooks) == [("sms", NUMBER)]
    skipped = "SELECT reason FROM message_ledger WHERE clinic_id = $1 AND state = 'skipped'"
    reasons = {row["reason"] for row in await sql(hooks, skipped, desk.id)}
    assert "opted_out" in reasons or "unusable" in reasons
    start = {**stop, "MessageSid": f"SM{'8' * 32}", "Body": "START", "OptOutType": "START"}
    await twilio_tells(hooks, f"{own}/twilio-replies", TOKEN, **start)
    left = await sql(hooks, "SELECT reason FROM recipient_blocks")
    assert "opted_out" not in {row["reason"] for row in left}


async def test_what_a_clinic_s_provider_refuses_holds_for_that_clinic(hooks: Api) -> None:
    desk, other = await a_desk(hooks), await a_desk(hooks)
    await desk.sets(SMS, {"sender": "Praxis", "twilio": TWILIO})
    refusal = b'{"code": 21614, "message": "no mobile number"}'
    async with a_provider(says(400, refusal)) as provider:
        with providers_at(hooks, twilio=provider.url):
            await desk.books(email=None)
            await work(hooks)
    assert (await ledger(hooks, desk, "sms"))["reason"] == "recipient"
    await other.books(email=None)
    await work(hooks)
    assert await kept(hooks) == [("sms", NUMBER)]


async def test_sendgrid_is_believed_by_the_clinic_s_own_key(hooks: Api) -> None:
    desk, office = await a_desk(hooks), Office()
    own_key, platform_key = SENDGRID_KEYS
    account = {"api_key": SENDGRID_KEY, "webhook_keys": [shown(own_key)]}
    await desk.sets(EMAIL, {"sender": "desk@example.com", "sendgrid": account})
    path = f"{await own_path(desk, EMAIL)}/sendgrid"
    event = {"event": "bounce", "sg_event_id": "e-1", "email": MAIL, "timestamp": 1}
    body = json.dumps([event]).encode()
    hook = hooks.container.notifications.report_routes().sendgrid
    with ExitStack() as patched:
        patched.enter_context(patch.object(hook, "_keys", (public_key(shown(platform_key)),)))
        for at, key, expected in (
            (path, platform_key, WRONG),
            ("/v1/message-callbacks/sendgrid", own_key, WRONG),
            (path, own_key, (204, None)),
        ):
            headers = signed_by_sendgrid(body, key)
            answer = await hooks.send("POST", at, content=body, headers=headers)
            assert code_of(answer) == expected, at
    (block,) = await sql(hooks, "SELECT reason, sender FROM recipient_blocks")
    assert tuple(block) == ("bounced", f"clinic:{desk.id}")
    assert office.told == []


async def test_amazon_is_believed_by_the_clinic_s_own_topics(hooks: Api) -> None:
    desk, office = await a_desk(hooks), Office()
    office.empty()
    await desk.sets(EMAIL, {"sender": "desk@example.com", "ses": {**AMAZON, "topics": [TOPIC]}})
    path = f"{await own_path(desk, EMAIL)}/sns"
    told = {
        "notificationType": "Bounce",
        "bounce": {"bounceType": "Permanent", "bouncedRecipients": [{"emailAddress": MAIL}]},
        "mail": {"messageId": "m-1"},
    }
    routes = hooks.container.notifications
    with ExitStack() as patched:
        for signature_of_sns in (routes.report_routes().sns,):
            patched.enter_context(
                patch.object(signature_of_sns, "_topics", frozenset({OTHER_TOPIC}))
            )
            patched.enter_context(
                patch.object(signature_of_sns, "_certificates", office.certificates)
            )
        kept_by_own = routes.certificates()
        patched.enter_context(patch.object(kept_by_own, "_fetch", office.certificates._fetch))
        patched.enter_context(patch.object(kept_by_own, "_clock", office.clock))
        for at, topic, expected in (
            (path, OTHER_TOPIC, (403, "forbidden")),
            ("/v1/message-callbacks/sns", TOPIC, (403, "forbidden")),
            (path, TOPIC, (204, None)),
        ):
            body = signed_by_amazon(envelope(told, TopicArn=topic))
            answer = await hooks.send(
                "POST", at, content=body, headers={"Content-Type": "text/plain"}
            )
            assert code_of(answer) == expected, (at, topic)
        forged = json.loads(signed_by_amazon(envelope(told)))
        forged["Signature"] = base64.b64encode(b"x" * 256).decode()
        answer = await hooks.send("POST", path, content=json.dumps(forged).encode())
        assert code_of(answer) == WRONG
    (block,) = await sql(hooks, "SELECT reason, sender FROM recipient_blocks")
    assert tuple(block) == ("bounced", f"clinic:{desk.id}")
    assert office.clock.at == NOW
