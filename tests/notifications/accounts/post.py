"""The whole application's own relay, planner and sender, and the mailbox of somebody."""

import re
from typing import Any

from httpx import Response

from booking_system.platform.postgres.feed import Relay
from tests.api import Api

EMAIL = "priya@example.org"
PASSWORD = "three quiet otters"
NEW_PASSWORD = "four curious hares"
LINK = re.compile(r"http://test(/[a-z-]+)#([\w-]{43})")
LEDGER = """SELECT kind, channel, recipient_key, lane, appointment_id, state, reason
 FROM message_ledger ORDER BY revision"""


class Post:
    """Brings what is due; a mail that was kept is read as its reader would."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.relay = Relay(database=api.container.database())

    async def plan(self) -> None:
        await self.relay.once()
        assert await self.api.container.notifications.consumer().once()

    async def brought(self, to: str = EMAIL) -> list[dict[str, Any]]:
        """Plan and send all; return the mails to this address, the newest first."""
        await self.plan()
        await self.api.container.notifications.sending().once()
        return await self.mails(to)

    async def mails(self, to: str = EMAIL) -> list[dict[str, Any]]:
        answer = await self.api.get("/v1/dev/outbox", self.api.admin, to=to)
        items: list[dict[str, Any]] = answer.json()["items"]
        return items

    async def rows(self) -> list[dict[str, Any]]:
        return [dict(row) for row in await self.sql(LEDGER)]

    async def sql(self, text: str, *values: object) -> list[Any]:
        async with self.api.container.database().driver_transaction() as connection:
            rows: list[Any] = await connection.fetch(text, *values)
        return rows

    async def registered(self, email: str = EMAIL) -> dict[str, Any]:
        about = {"email": email, "password": PASSWORD, "full_name": "Priya Sharma"}
        answer = await self.api.post("/v1/auth/register", about)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    async def wants_reset(self, email: str = EMAIL) -> Response:
        answer = await self.api.post("/v1/auth/password-reset", {"email": email})
        assert answer.status_code == 202, answer.text
        return answer

    async def reset_token(self, email: str = EMAIL) -> str:
        """Ask for a new password, and read the mail."""
        await self.wants_reset(email)
        mails = await self.brought(email)
        newest = next(mail for mail in mails if mail["subject"] == "Choose a new password")
        return link_in(newest, "/reset-password")

    async def reset(self, token: str, password: str = NEW_PASSWORD) -> Response:
        body = {"token": token, "password": password}
        return await self.api.post("/v1/auth/password-reset/confirm", body)

    async def verify(self, token: str) -> Response:
        return await self.api.post("/v1/auth/verify-email", {"token": token})

    async def sign_in(self, password: str, email: str = EMAIL) -> Response:
        form = {"grant_type": "password", "username": email, "password": password}
        return await self.api.send("POST", "/v1/auth/token", data=form)

    async def me(self, made: dict[str, Any]) -> Response:
        return await self.api.send("GET", "/v1/me", headers=bearer(made))


def bearer(made: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {made['access_token']}"}


def link_in(mail: dict[str, Any], page: str) -> str:
    """The token of the one link in a mail; text and HTML lead to the same."""
    links = set(LINK.findall(mail["text"]))
    assert links == set(LINK.findall(mail["html"]))
    ((path, token),) = links
    assert path == page
    return str(token)
