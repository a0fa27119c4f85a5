"""Messages of a clinic go through its own account, and nobody else's do."""

import asyncio
import base64
import ssl
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

import pytest
from moto.core import DEFAULT_ACCOUNT_ID
from moto.ses.models import ses_backends
from moto.sns.models import sns_backends

from booking_system.notifications.adapters.own_channels.carriers import CachedOwnCarriers
from booking_system.notifications.domain.own_channel import OwnSender
from booking_system.notifications.domain.sending import Fault, NotSentError
from tests.api import Api, code_of
from tests.lines import SEEN
from tests.notifications.carriers.providers import Provider, a_provider, says
from tests.notifications.carriers.smtp_servers import (
    PASSWORD,
    USER,
    Inbox,
    knows,
    smtp_server,
    tls_contexts,
)
from tests.notifications.carriers.vendors import fits_sendgrid, fits_twilio
from tests.notifications.conftest import MAIL, NUMBER
from tests.notifications.own.desk import (
    AMAZON,
    AMAZON_SECRET,
    EMAIL,
    REGION,
    SENDGRID_KEY,
    SID,
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
from tests.waits import until_waiting

SENDER, NUMBER_OF_CLINIC = "termine@praxis.example", "+4930123456"
LOGIN = {"authenticator": knows, "auth_require_tls": False}
TAKEN_BY_TWILIO = says(201, b'{"sid": "SM%s"}' % (b"7" * 32))


def smtp_at(port: int, **about: Any) -> dict[str, Any]:
    server = {"host": "127.0.0.1", "port": port, "security": "none", "user": USER}
    return {"sender": SENDER, "smtp": {**server, "password": PASSWORD, **about}}


async def two_desks(api: Api) -> tuple[Desk, Desk]:
    return await a_desk(api), await a_desk(api)


async def check_others_go_as_before(api: Api, own: Desk, other: Desk, channel: str) -> None:
    """Of two clinics' messages the one went through its own, the other through the platform's."""
    assert (await ledger(api, other, channel))["provider"] == "outbox"
    assert (await ledger(api, own, channel))["state"] == "sent"
    to = MAIL if channel == "email" else NUMBER
    assert await kept(api) == [(channel, to)]
    shown = await own.shows(f"{channel}-channel")
    assert shown["verified_at"] is not None
    assert shown["failure"] is None
    assert (await other.shows(f"{channel}-channel"))["is_own"] is False


async def test_smtp(near: Api) -> None:
    own, other = await two_desks(near)
    inbox = Inbox()
    async with smtp_server(inbox, **LOGIN) as port:
        await own.sets(EMAIL, smtp_at(port))
        for desk in (own, other):
            await desk.books()
        await work(near)
    envelope = inbox.only()
    assert (envelope.mail_from, envelope.rcpt_tos) == (SENDER, [MAIL])
    mail = message_from_bytes(envelope.original_content, policy=default)
    assert mail["From"].addresses[0].addr_spec == SENDER
    (calendar,) = (part for part in mail.walk() if part.get_content_type() == "text/calendar")
    assert f"mailto:{SENDER}" in calendar.get_payload(decode=True).decode().replace("\r\n ", "")
    await check_others_go_as_before(near, own, other, "email")


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_smtp_over_tls(
    near: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, security: str
) -> None:
    """The connection goes to the address that was looked at, the certificate is the name's."""
    server, trust = tls_contexts(tmp_path)
    monkeypatch.setattr(ssl, "create_default_context", lambda: trust)
    desk, inbox = await a_desk(near), Inbox()
    how: dict[str, Any] = {"tls": server} if security == "tls" else {"tls_context": server}
    async with smtp_server(inbox, **LOGIN, **how) as port:
        for host, fits in (("localhost", True), ("127.0.0.1", False)):
            await desk.sets(EMAIL, smtp_at(port, host=host, security=security))
            answer = (await tried(desk, EMAIL)).json()
            expected = (True, None) if fits else (False, "tls_failed")
            assert (answer["accepted"], answer["code"]) == expected, host
            await rested(desk)
    assert len(inbox.envelopes) == 1


async def test_sendgrid(near: Api) -> None:
    own, other = await two_desks(near)
    async with a_provider(says(202, b"", X_Message_Id="sg-1")) as provider:
        with providers_at(near, sendgrid=provider.url):
            await own.sets(EMAIL, {"sender": SENDER, "sendgrid": {"api_key": SENDGRID_KEY}})
            for desk in (own, other):
                await desk.books()
            await work(near)
    asked = provider.only()
    assert asked.headers["authorization"] == f"Bearer {SENDGRID_KEY}"
    assert fits_sendgrid(asked.body)["from"]["email"] == SENDER
    await check_others_go_as_before(near, own, other, "email")


async def test_ses(near: Api, moto: str) -> None:
    own, other = await two_desks(near)
    backend = ses_backends[DEFAULT_ACCOUNT_ID][REGION]
    backend.sent_messages.clear()
    backend.verify_email_identity(SENDER)
    with providers_at(near, amazon=moto):
        await own.sets(EMAIL, {"sender": SENDER, "ses": AMAZON})
        for desk in (own, other):
            await desk.books()
        await work(near)
    (mail,) = backend.sent_messages
    assert mail.source == SENDER
    assert (await ledger(near, own, "email"))["provider_id"] == mail.id
    await check_others_go_as_before(near, own, other, "email")


async def test_twilio(near: Api) -> None:
    own, other = await two_desks(near)
    async with a_provider(TAKEN_BY_TWILIO) as provider:
        with providers_at(near, twilio=provider.url):
            await own.sets(SMS, {"sender": NUMBER_OF_CLINIC, "twilio": TWILIO})
            for desk in (own, other):
                await desk.books(email=None)
            await work(near)
    asked = provider.only()
    login = base64.b64decode(asked.headers["authorization"].removeprefix("Basic ")).decode()
    assert login == f"{SID}:{TOKEN}"
    form = fits_twilio(asked.body)
    assert (form["From"], form["To"]) == (NUMBER_OF_CLINIC, NUMBER)
    await check_others_go_as_before(near, own, other, "sms")


async def test_sns(near: Api, moto: str) -> None:
    own, other = await two_desks(near)
    backend = sns_backends[DEFAULT_ACCOUNT_ID][REGION]
    backend.sms_messages.clear()
    with providers_at(near, amazon=moto):
        await own.sets(SMS, {"sender": "Praxis", "sns": AMAZON})
        for desk in (own, other):
            await desk.books(email=None)
        await work(near)
    ((given, (to, _)),) = backend.sms_messages.items()
    assert (to, (await ledger(near, own, "sms"))["provider_id"]) == (NUMBER, given)
    await check_others_go_as_before(near, own, other, "sms")


async def test_amazon_is_asked_with_the_clinic_s_key(near: Api) -> None:
    own = await a_desk(near)
    async with a_provider(says(200)) as provider:
        with providers_at(near, amazon=provider.url):
            await own.sets(SMS, {"sns": AMAZON})
            await own.books(email=None)
            await work(near)
    credential = provider.only().headers["authorization"]
    assert f"Credential={AMAZON['access_key_id']}/" in credential


async def set_everywhere(desk: Desk) -> list[str]:
    """One account after the other in both channels; return all that was answered."""
    given = [
        (EMAIL, {"sender": SENDER, "sendgrid": {"api_key": SENDGRID_KEY}}),
        (EMAIL, {"sender": SENDER, "ses": AMAZON}),
        (SMS, {"sender": NUMBER_OF_CLINIC, "twilio": TWILIO}),
    ]
    told = []
    for what, body in given:
        told.append(str(await desk.sets(what, body)))
        told.append(str(await desk.shows(what)))
    return told


async def test_no_key_is_stored_shown_or_logged(near: Api) -> None:
    desk = await a_desk(near)
    told = await set_everywhere(desk)
    names = await sql(
        near,
        "SELECT relname FROM pg_class"
        " WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace",
    )
    for name in names:
        told += [str(row[0]) for row in await sql(near, f"SELECT t::text FROM {name[0]} t")]
    told += SEEN
    everything = "\n".join(told)
    assert SID in everything
    for secret in (SENDGRID_KEY, AMAZON_SECRET, TOKEN):
        for form in (
            secret,
            secret.encode().hex(),
            base64.b64encode(secret.encode()).decode().rstrip("="),
        ):
            assert form not in everything
    assert (await desk.shows(SMS))["secret_ends_with"] == TOKEN[-4:]


async def test_a_key_stays_with_its_account_only(near: Api) -> None:
    desk = await a_desk(near)
    at, body = desk.at(SMS), {"sender": NUMBER_OF_CLINIC, "twilio": TWILIO}
    first = await desk.sets(SMS, body, headers={"If-Match": '"0"'})
    # Another sender of the same account; then what is another account.
    without = {"account_sid": SID}
    second = await desk.sets(SMS, {"sender": "Praxis", "twilio": without})
    assert (second["version"], second["sender"]) == (first["version"] + 1, "Praxis")
    assert second["secret_ends_with"] == first["secret_ends_with"]
    other = {"sender": "Praxis", "twilio": {"account_sid": f"AC{'5' * 32}"}}
    answer = await near.send("PUT", at, desk.admin, json=other)
    assert code_of(answer) == (422, "validation_error")
    stale = await near.send("PUT", at, desk.admin, json=body, headers={"If-Match": '"1"'})
    assert code_of(stale) == (412, "precondition_failed")
    gone = await near.send("DELETE", at, desk.admin, headers={"If-Match": '"1"'})
    assert code_of(gone) == (412, "precondition_failed")
    assert gone.headers["ETag"] == f'"{second["version"]}"'
    assert (await near.send("DELETE", at, desk.admin)).status_code == 204
    assert await sql(near, "SELECT 1 FROM clinic_channels") == []
    assert (await desk.shows(SMS))["version"] == 0
    assert (await near.send("DELETE", at, desk.admin)).status_code == 404


async def test_of_two_at_once_one_is_refused(near: Api) -> None:
    desk = await a_desk(near)
    body = {"sender": "Praxis", "twilio": TWILIO}
    for seen in range(3):
        tag = {"If-Match": f'"{seen}"'}
        asked = [
            near.send("PUT", desk.at(SMS), desk.admin, json=body, headers=tag) for _ in range(3)
        ]
        answers = await asyncio.gather(*asked)
        assert sorted(one.status_code for one in answers) == [200, 412, 412]
        assert (await desk.shows(SMS))["version"] == seen + 1
    # Who does not mind what was there is not refused.
    answers = await asyncio.gather(
        *(near.send("PUT", desk.at(SMS), desk.admin, json=body) for _ in range(3))
    )
    assert [one.status_code for one in answers] == [200, 200, 200]


async def test_of_two_who_delete_it_at_once_one_finds_nothing(near: Api) -> None:
    desk = await a_desk(near)
    await desk.sets(SMS, {"sender": "Praxis", "twilio": TWILIO})
    async with near.container.database().driver_transaction() as first:
        await first.execute("DELETE FROM clinic_channels WHERE clinic_id = $1", desk.id)
        second = asyncio.ensure_future(near.send("DELETE", desk.at(SMS), desk.admin))
        await until_waiting(near.container.database())
    assert code_of(await second) == (404, "not_found")


MOVED = """UPDATE clinic_channels t SET sealed = o.sealed, key_id = o.key_id FROM clinic_channels o
 WHERE t.clinic_id = $1 AND o.clinic_id = $2 AND t.channel = o.channel"""
ELSEWHERE = """UPDATE clinic_channels SET target = target || '{"host": "localhost"}'
 WHERE clinic_id = $1"""


@pytest.mark.parametrize("change", [MOVED, ELSEWHERE])
async def test_a_key_that_was_moved_opens_nothing(near: Api, change: str) -> None:
    """To another clinic, or beside another host: nothing goes, and staff see why."""
    desk, other = await two_desks(near)
    inbox = Inbox()
    async with smtp_server(inbox, **LOGIN) as port:
        for one in (desk, other):
            await one.sets(EMAIL, smtp_at(port))
        places = [desk.id, other.id][: change.count("$")]
        await sql(near, change, *places)
        _, booking = await desk.books(phone=None)
        await work(near)
        assert inbox.envelopes == []
    row = await ledger(near, desk, "email")
    assert (row["state"], row["reason"]) == ("failed", "channel_unreadable")
    assert (await desk.shows(EMAIL))["failure"] == "channel_unreadable"
    assert await kept(near) == []
    unreached = (await near.get(desk.at("unreached-bookings"), desk.admin)).json()["items"]
    assert [one["id"] for one in unreached] == [booking["id"]]
    reasons = {(one["channel"], one["reason"]) for one in unreached[0]["messages"]}
    assert reasons == {("email", "channel_unreadable"), ("sms", "no_address")}


async def test_a_channel_that_does_not_work_falls_back_to_no_other_account(near: Api) -> None:
    """The provider refuses the login again and again; the other channel takes over in the end."""
    desk = await a_desk(near)
    async with smtp_server(Inbox(), **LOGIN) as port:
        await desk.sets(EMAIL, smtp_at(port, password="another password"))
        await desk.books()
        for _ in range(5):
            await work(near)
            await sql(
                near,
                "UPDATE message_ledger SET due_at = now() WHERE state = 'planned'"
                " AND kind = 'confirmation'",
            )
    row = await ledger(near, desk, "email")
    assert (row["state"], row["reason"]) == ("failed", "refused")
    assert row["error_code"].startswith("535")
    shown = await desk.shows(EMAIL)
    assert shown["failure"].startswith("535")
    await work(near)
    assert await kept(near) == [("sms", NUMBER)]
    # It works again with another password, and nobody is told of the old trouble.
    again = await desk.sets(EMAIL, smtp_at(port))
    assert again["failure"] is None


async def test_messages_go_through_the_account_of_now(near: Api) -> None:
    desk, before, after = await a_desk(near), Inbox(), Inbox()
    async with smtp_server(before, **LOGIN) as first, smtp_server(after, **LOGIN) as second:
        for port, inbox in ((first, before), (second, after)):
            await desk.sets(EMAIL, smtp_at(port))
            await desk.books()
            await work(near)
            assert len(inbox.envelopes) == 1
        await near.send("DELETE", desk.at(EMAIL), desk.admin)
        await desk.books()
        await work(near)
        assert (len(before.envelopes), len(after.envelopes)) == (1, 1)
    assert await kept(near) == [("email", MAIL)]


async def test_what_was_written_for_another_account_is_written_again(
    near: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is taken away when its carrier was found already, and nothing has begun yet."""
    desk, inbox = await a_desk(near), Inbox()
    real, taken_away = CachedOwnCarriers.email, list[int]()

    async def email(self: CachedOwnCarriers, own: OwnSender) -> Any:
        carrier = await real(self, own)
        gone = await near.send("DELETE", desk.at(EMAIL), desk.admin)
        taken_away.append(gone.status_code)
        return carrier

    monkeypatch.setattr(CachedOwnCarriers, "email", email)
    async with smtp_server(inbox, **LOGIN) as port:
        await desk.sets(EMAIL, smtp_at(port))
        await desk.books()
        await work(near)
    assert taken_away == [204]
    assert inbox.envelopes == []
    assert await kept(near) == [("email", MAIL)]


async def tried(desk: Desk, what: str, body: Any = None, **about: Any) -> Any:
    path = f"{desk.at(what)}/try"
    return await desk.api.post(path, body, desk.admin, **about)


async def rested(desk: Desk) -> None:
    earlier = "UPDATE clinic_channels SET tried_at = tried_at - interval '10 seconds'"
    await sql(desk.api, earlier)


async def test_an_account_is_tried(near: Api) -> None:
    desk = await a_desk(near)
    assert code_of(await tried(desk, EMAIL)) == (404, "not_found")
    inbox = Inbox()
    async with smtp_server(inbox, **LOGIN) as port:
        await desk.sets(EMAIL, smtp_at(port))
        key = {"Idempotency-Key": "0123456789abcdef"}
        for _ in range(2):
            answer = (await tried(desk, EMAIL, headers=key)).json()
            assert (answer["accepted"], answer["code"]) == (True, None)
        envelope = inbox.only()
        assert envelope.rcpt_tos == [f"{desk.admin.user_id}@example.com"]
        assert (await desk.shows(EMAIL))["verified_at"] is not None
        too_soon = await tried(desk, EMAIL)
        assert code_of(too_soon) == (429, "rate_limited")
        assert int(too_soon.headers["retry-after"]) > 0
        await desk.sets(EMAIL, smtp_at(port, password="another password"))
        await rested(desk)
        answer = (await tried(desk, EMAIL)).json()
        assert answer["accepted"] is False
        assert answer["code"].startswith("535")
        assert answer["told"].startswith("The provider refuses the account")
        shown = await desk.shows(EMAIL)
        assert (shown["verified_at"], shown["failure"]) == (None, answer["code"])
    await rested(desk)
    answer = (await tried(desk, EMAIL)).json()
    assert (answer["accepted"], answer["code"]) == (False, "no_connection")
    assert await sql(near, "SELECT 1 FROM message_ledger") == []


async def test_an_sms_is_tried(near: Api) -> None:
    desk = await a_desk(near)
    async with a_provider(TAKEN_BY_TWILIO) as provider:
        with providers_at(near, twilio=provider.url):
            await desk.sets(SMS, {"sender": NUMBER_OF_CLINIC, "twilio": TWILIO})
            nowhere = await tried(desk, SMS, {})
            assert code_of(nowhere) == (422, "validation_error")
            answer = (await tried(desk, SMS, {"number": NUMBER})).json()
            assert (answer["accepted"], answer["sent_to"]) == (True, NUMBER)
            await check_what_hangs(desk, provider)
    form = dict(parse_qsl(provider.asked[0].body.decode()))
    assert (form["To"], form["From"]) == (NUMBER, NUMBER_OF_CLINIC)


async def check_what_hangs(desk: Desk, provider: Provider) -> None:
    """A provider that says nothing is given up before the request is."""
    provider.answer = b""
    await rested(desk)
    answer = await tried(desk, SMS, {"number": NUMBER})
    assert (answer.status_code, answer.json()["code"]) == (200, "timeout")
    assert answer.json()["told"].startswith("The message went out, and no answer came")


async def test_staff_are_told_of_the_account_s_faults_only(near: Api) -> None:
    """Not of recipients, and not of mistakes of ours."""
    desk = await a_desk(near)
    shown = await desk.sets(SMS, {"sender": "Praxis", "twilio": TWILIO})
    (row,) = await sql(near, "SELECT id FROM clinic_channels")
    own = OwnSender(row["id"], shown["version"], "Praxis")
    carriers = near.container.notifications.own.own_carriers()
    for fault, code, noted in (
        (Fault.RECIPIENT, "21614", None),
        (Fault.POLICY, "30007", None),
        (Fault.TEMPORARY, "stalled", None),
        (Fault.TEMPORARY, "LookupError", None),
        (Fault.TEMPORARY, "20429", "20429"),
        (Fault.TEMPORARY, "timeout", "timeout"),
        (Fault.REFUSED, "blocked_address", "blocked_address"),
    ):
        await carriers.failed(own, NotSentError(fault, code))
        assert (await desk.shows(SMS))["failure"] == noted, code
    # Of a version that is not the present one nothing is noted.
    await carriers.failed(OwnSender(own.channel_id, own.version + 1, None), "channel_unreadable")
    assert (await desk.shows(SMS))["failure"] == "blocked_address"
    await carriers.went_well(own)
    assert (await desk.shows(SMS))["failure"] is None


async def test_the_platform_sees_it_and_may_end_it_and_does_not_name_it(near: Api) -> None:
    desk = await a_desk(near)
    body = {"sender": NUMBER_OF_CLINIC, "twilio": TWILIO}
    assert (await near.send("PUT", desk.at(SMS), near.admin, json=body)).status_code == 403
    await desk.sets(SMS, body)
    shown = (await near.get(desk.at(SMS), near.admin)).json()
    assert UUID(shown["changed_by"]) == desk.admin.user_id
    assert (await near.send("DELETE", desk.at(SMS), near.admin)).status_code == 204
