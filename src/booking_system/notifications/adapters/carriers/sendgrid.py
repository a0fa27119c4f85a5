"""E-mails by SendGrid's API (v3, `mail/send`)."""

import base64
import re
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

import httpx
import orjson

from booking_system.notifications.adapters.carriers.addresses import SendGridAddress
from booking_system.notifications.adapters.carriers.http_answers import object_in, refuse
from booking_system.notifications.adapters.carriers.http_handover import HttpWay
from booking_system.notifications.adapters.carriers.mailboxes import (
    ascii_domain,
    on_the_wire,
    one_line,
)
from booking_system.notifications.adapters.carriers.mime import further_fields
from booking_system.notifications.adapters.correlation import MESSAGE_ID
from booking_system.notifications.application.sending_ports import Handover
from booking_system.notifications.domain.letter import Email, Mailbox
from booking_system.notifications.domain.sending import Fault

NOTHING_IS_TRACKED = {
    # Links that are opened once, and calendars, must arrive as they were written.
    "click_tracking": {"enable": False, "enable_text": False},
    "open_tracking": {"enable": False},
    "subscription_tracking": {"enable": False},
    "ganalytics": {"enable": False},
}
FIELD = re.compile(r"[a-z0-9_.]{1,60}", re.ASCII)


class SendGridCarrier:
    """Brings e-mails to SendGrid, which takes them as parts and writes the mail itself."""

    name = "sendgrid"

    def __init__(self, address: SendGridAddress, *, way: HttpWay, base: str | None = None) -> None:
        """`base` is another address of the API."""
        self._url = f"{base or f'https://{address.host}'}/v3/mail/send"
        self._key = address.key
        self._way = way

    def opened(self, email: Email) -> AbstractAsyncContextManager[Handover]:
        """Connect."""
        request = self._way.client.build_request(
            "POST",
            self._url,
            content=orjson.dumps(_body(email)),
            headers={
                "Authorization": f"Bearer {self._key.get_secret_value()}",
                "Content-Type": "application/json",
            },
        )
        return self._way.handover(request, self._judged)

    def _judged(self, response: httpx.Response) -> str | None:
        if response.is_success:
            given: str | None = response.headers.get("X-Message-Id")
            return given
        field = _field_at_fault(response)
        is_recipient = response.status_code == 400 and field.startswith("personalizations.0.to")
        raise refuse(
            response, self._way.clock, fault=Fault.RECIPIENT if is_recipient else None, code=field
        )


def _body(email: Email) -> dict[str, Any]:
    # What these parts may be is in the contract; `custom_args` beside them would be a text.
    body: dict[str, Any] = {
        "personalizations": [
            {"to": [_box(email.to)], "custom_args": {MESSAGE_ID: str(email.id)}},
        ],
        "from": _box(email.sender),
        "subject": one_line(email.subject),
        "content": [
            {"type": "text/plain", "value": email.text},
            {"type": "text/html", "value": email.html},
        ],
        "headers": {
            "Message-ID": f"<{email.id}@{ascii_domain(email.sender.address)}>",
            **further_fields(email),
        },
        "tracking_settings": NOTHING_IS_TRACKED,
    }
    if email.reply_to is not None:
        body["reply_to"] = _box(email.reply_to)
    attached: list[dict[str, str]] = []
    if email.calendar is not None:
        method, content = email.calendar.method, email.calendar.content
        body["content"].append(
            {"type": f"text/calendar; method={method}", "value": content.decode("utf-8")}
        )
        attached.append(_attachment(content, "application/ics", "invite.ics"))
    attached += [
        _attachment(one.content, "application/pdf", one.filename) for one in email.documents
    ]
    if attached:
        body["attachments"] = attached
    return body


def _attachment(content: bytes, kind: str, filename: str) -> dict[str, str]:
    return {
        "content": base64.b64encode(content).decode("ascii"),
        "type": kind,
        "filename": filename,
        "disposition": "attachment",
    }


def _box(mailbox: Mailbox) -> dict[str, str]:
    box = {"email": on_the_wire(mailbox.address)}
    return box if mailbox.name is None else {**box, "name": one_line(mailbox.name)}


def _field_at_fault(response: httpx.Response) -> str:
    """Return the name of the first field that SendGrid names; its sentences may quote."""
    errors = object_in(response).get("errors")
    for error in errors if isinstance(errors, list) else ():
        field = error.get("field") if isinstance(error, Mapping) else None
        if isinstance(field, str) and FIELD.fullmatch(field):
            return field
    return ""
