"""An application that may speak with this machine, and clinics with accounts of their own."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from unittest.mock import patch
from uuid import UUID

from booking_system.notifications.adapters.carriers.choosing import ApiBases
from booking_system.platform.postgres.feed import Relay
from tests.api import Api, Person
from tests.notifications.conftest import MAIL, NUMBER, reachable
from tests.notifications.test_messages import FAR

TOKEN = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
SID = f"AC{'4' * 32}"
SENDGRID_KEY = "SG.a-key-of-one-clinic-only.9f3a"
AMAZON_SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
REGION = "eu-central-1"
EMAIL, SMS = "email-channel", "sms-channel"
AMAZON = {
    "region": REGION,
    "access_key_id": "AKIAIOSFODNN7EXAMPLE",
    "secret_access_key": AMAZON_SECRET,
}
TWILIO = {"account_sid": SID, "auth_token": TOKEN}
ROWS = """SELECT l.*, c.slug FROM message_ledger l JOIN clinics c ON c.id = l.clinic_id
 ORDER BY l.id"""


class Desk:
    """A clinic with its administrator, and a patient who books there."""

    def __init__(self, api: Api, clinic: dict[str, Any], admin: Person) -> None:
        self.api, self.clinic, self.admin = api, clinic, admin
        self.id = UUID(clinic["id"])

    def at(self, what: str) -> str:
        return f"/v1/clinics/{self.clinic['id']}/{what}"

    async def sets(self, what: str, body: Any, **about: Any) -> dict[str, Any]:
        answer = await self.api.send("PUT", self.at(what), self.admin, json=body, **about)
        assert answer.status_code == 200, answer.text
        shown: dict[str, Any] = answer.json()
        return shown

    async def shows(self, what: str) -> dict[str, Any]:
        answer = await self.api.get(self.at(what), self.admin)
        assert answer.status_code == 200, answer.text
        shown: dict[str, Any] = answer.json()
        return shown

    async def books(
        self, email: str | None = MAIL, phone: str | None = NUMBER
    ) -> tuple[Person, dict[str, Any]]:
        slot = await self.api.slot(self.clinic, start=FAR)
        patient = await reachable(self.api, email, phone)
        answer = await self.api.book(slot, patient)
        assert answer.status_code == 201, answer.text
        return patient, answer.json()


async def a_desk(api: Api, **about: Any) -> Desk:
    clinic = await api.clinic(**about)
    return Desk(api, clinic, await api.clinic_admin(clinic["id"]))


async def work(api: Api) -> None:
    """Plan, send what is due, and then what goes another way."""
    await Relay(database=api.container.database()).once()
    assert await api.container.notifications.consumer().once()
    for _ in range(2):
        await api.container.notifications.sending().once()


async def sql(api: Api, text: str, *values: object) -> list[Any]:
    async with api.container.database().driver_transaction() as connection:
        rows: list[Any] = await connection.fetch(text, *values)
    return rows


async def ledger(api: Api, desk: Desk, channel: str, kind: str = "confirmation") -> dict[str, Any]:
    """The message of a clinic in a channel."""
    (row,) = [
        dict(row)
        for row in await sql(api, ROWS)
        if (row["clinic_id"], row["channel"], row["kind"]) == (desk.id, channel, kind)
    ]
    return row


async def kept(api: Api) -> list[tuple[str, str]]:
    """What went through the platform's carriers: channel and recipient."""
    rows = await sql(api, "SELECT channel, recipient FROM kept_messages ORDER BY id")
    return [(row["channel"], row["recipient"]) for row in rows]


@contextmanager
def providers_at(api: Api, **bases: str) -> Iterator[None]:
    """Let accounts of clinics find these providers."""
    found = api.container.notifications
    own, trial = found.own.own_carriers(), found.channel_routes().trial.carriers
    known = ApiBases(**bases)
    before = trial.maker
    object.__setattr__(trial, "maker", replace(before, bases=known))
    try:
        with patch.object(own, "maker", replace(own.maker, bases=known)):
            yield
    finally:
        object.__setattr__(trial, "maker", before)
