"""E-mails by SendGrid: the request as SendGrid describes it, and what its answers mean."""

import base64
from collections.abc import AsyncIterator

import pytest

from booking_system.notifications.adapters.carriers.addresses import (
    SendGridAddress,
    email_address,
)
from booking_system.notifications.adapters.carriers.sendgrid import SendGridCarrier
from booking_system.notifications.domain.letter import Mailbox
from booking_system.notifications.domain.sending import Fault, NotSentError
from tests.notifications.carriers.letters import (
    CALENDAR,
    ID,
    OTHER_PDF,
    PDF,
    UNSUBSCRIBE,
    an_email,
    sent,
)
from tests.notifications.carriers.providers import Provider, a_provider, a_way, says
from tests.notifications.carriers.vendors import fits_sendgrid

KEY = "SG.secret-key.1"


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    async with a_provider(says(202, b"", X_Message_Id="F7KEJ8abc")) as provider:
        yield provider


@pytest.fixture
async def carrier(provider: Provider) -> AsyncIterator[SendGridCarrier]:
    async with a_way() as way:
        yield SendGridCarrier(an_address(), way=way, base=provider.url)


def an_address() -> SendGridAddress:
    address = email_address(f"sendgrid://{KEY}@api.eu.sendgrid.com")
    assert isinstance(address, SendGridAddress)
    return address


async def test_the_request_is_as_sendgrid_describes_it(
    provider: Provider, carrier: SendGridCarrier
) -> None:
    assert await sent(carrier.opened(an_email())) == "F7KEJ8abc"
    asked = provider.only()
    assert (asked.method, asked.target) == ("POST", "/v3/mail/send")
    assert asked.headers["authorization"] == f"Bearer {KEY}"
    assert asked.headers["content-type"] == "application/json"
    body = fits_sendgrid(asked.body)
    (person,) = body["personalizations"]
    assert person == {
        "to": [{"email": "joerg@example.org", "name": "Jörg"}],
        "custom_args": {"booking_message_id": str(ID)},
    }
    assert body["from"] == {"email": "termine@praxis.example", "name": "Praxis Müller"}
    assert body["reply_to"] == {"email": "desk@praxis.example"}
    assert body["subject"] == an_email().subject
    text, html, calendar = body["content"]
    assert text == {"type": "text/plain", "value": an_email().text}
    assert html == {"type": "text/html", "value": an_email().html}
    assert calendar == {"type": "text/calendar; method=REQUEST", "value": CALENDAR.decode()}
    (copy,) = body["attachments"]
    assert base64.b64decode(copy.pop("content")) == CALENDAR
    assert copy == {
        "type": "application/ics",
        "filename": "invite.ics",
        "disposition": "attachment",
    }
    assert body["headers"] == {
        "Message-ID": f"<{ID}@praxis.example>",
        "Auto-Submitted": "auto-generated",
        "List-Unsubscribe": f"<{UNSUBSCRIBE}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
    tracked = body["tracking_settings"]
    assert {name: one["enable"] for name, one in tracked.items()} == dict.fromkeys(
        ["click_tracking", "open_tracking", "subscription_tracking", "ganalytics"], False
    )
    assert tracked["click_tracking"]["enable_text"] is False


@pytest.mark.parametrize("has_calendar", [True, False])
async def test_documents_are_attached(
    provider: Provider, carrier: SendGridCarrier, has_calendar: bool
) -> None:
    email = an_email(documents=(PDF, OTHER_PDF), **({} if has_calendar else {"calendar": None}))
    await sent(carrier.opened(email))
    body = fits_sendgrid(provider.only().body)
    assert len(body["content"]) == (3 if has_calendar else 2)
    *copy, first, second = body["attachments"]
    assert [one["filename"] for one in copy] == (["invite.ics"] if has_calendar else [])
    for one, file in ((first, PDF), (second, OTHER_PDF)):
        assert base64.b64decode(one.pop("content")) == file.content
        assert one == {
            "type": "application/pdf",
            "filename": file.filename,
            "disposition": "attachment",
        }


async def test_a_mail_of_an_account(provider: Provider, carrier: SendGridCarrier) -> None:
    email = an_email(
        calendar=None,
        unsubscribe_url=None,
        reply_to=None,
        to=Mailbox(address="joerg@müller.example"),
        subject="Hello\r\nBcc: all@example.com",
    )
    await sent(carrier.opened(email))
    body = fits_sendgrid(provider.only().body)
    assert [part["type"] for part in body["content"]] == ["text/plain", "text/html"]
    assert not body.keys() & {"reply_to", "attachments"}
    assert "List-Unsubscribe" not in body["headers"]
    assert body["personalizations"][0]["to"] == [{"email": "joerg@xn--mller-kva.example"}]
    assert body["subject"] == "Hello Bcc: all@example.com"


@pytest.mark.parametrize(
    ("status", "body", "fault", "code"),
    [
        (
            400,
            b'{"errors":[{"message":"No address.","field":"personalizations.0.to.0.email"}]}',
            Fault.RECIPIENT,
            "400 personalizations.0.to.0.email",
        ),
        (400, b'{"errors":[{"field":"subject"}]}', Fault.POLICY, "400 subject"),
        (400, b'{"errors":[{"field":"Joerg <j@example.org>"}, 1]}', Fault.POLICY, "400"),
        (400, b'{"errors":null}', Fault.POLICY, "400"),
        (400, b"[", Fault.POLICY, "400"),
        (401, b'{"errors":[{"message":"x","field":null}]}', Fault.REFUSED, "401"),
        (403, b'{"errors":[{"message":"x","field":"from"}]}', Fault.REFUSED, "403 from"),
        (413, b"", Fault.POLICY, "413"),
        (404, b"", Fault.REFUSED, "404"),
        (302, b"", Fault.REFUSED, "302"),
    ],
)
async def test_what_sendgrid_refuses(
    provider: Provider,
    carrier: SendGridCarrier,
    status: int,
    body: bytes,
    fault: Fault,
    code: str,
) -> None:
    provider.answer = says(status, body)
    with pytest.raises(NotSentError) as told:
        await sent(carrier.opened(an_email()))
    assert (told.value.fault, told.value.code) == (fault, code)
    assert KEY not in repr(told.value)


def test_the_usual_address_and_no_key_in_sight(carrier: SendGridCarrier) -> None:
    usual = SendGridCarrier(an_address(), way=carrier._way)
    assert usual._url == "https://api.eu.sendgrid.com/v3/mail/send"
    assert KEY not in repr(an_address())
