"""An online appointment whose room is open, and pages that come into it."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from booking_system.consultations.adapters.live import frames_out
from tests.api import Api, Person
from tests.patience import PATIENCE

OFFER = {"type": "offer", "sdp": "v=0\r\n"}
ANSWER = {"type": "answer", "sdp": "v=0\r\n"}
MODELS = {one.model_fields["type"].default: one for one in frames_out.OUT}
IS_AT = """UPDATE appointments SET starts_at = $2, ends_at = $3,
 blocked_from = least(blocked_from, $2), blocked_until = greatest(blocked_until, $3)
 WHERE id = $1"""


def in_minutes(minutes: float) -> datetime:
    return (datetime.now(UTC) + timedelta(minutes=minutes)).replace(microsecond=0)


@dataclass
class Surgery:
    """One online appointment of today, with both sides signed in."""

    api: Api
    clinic: dict[str, Any]
    doctor_record: dict[str, Any]
    doctor: Person
    patient: Person
    booking: dict[str, Any]

    @property
    def id(self) -> str:
        identity: str = self.booking["id"]
        return identity

    @property
    def path(self) -> str:
        return f"/v1/consultations/{self.id}"

    async def way_in(self, by: Person, *, booking: str | None = None) -> dict[str, Any]:
        answer = await self.api.get(f"/v1/bookings/{booking or self.id}/consultation", by)
        assert answer.status_code == 200, answer.text
        way: dict[str, Any] = answer.json()
        return way

    async def slot(self, start: datetime, mode: str = "online") -> dict[str, Any]:
        return await online_slot(self.api, self.doctor_record, start, mode=mode)

    async def is_at(self, starts_at: datetime, ends_at: datetime) -> None:
        """Set the appointment's own times, as if it had been booked so."""
        async with self.api.container.database().reading() as connection:
            await connection.execute(IS_AT, UUID(self.id), starts_at, ends_at)


async def online_slot(
    api: Api, doctor: dict[str, Any], start: datetime, *, mode: str = "online"
) -> dict[str, Any]:
    slot = {
        "starts_at": start.isoformat(),
        "ends_at": (start + timedelta(minutes=20)).isoformat(),
        "mode": mode,
    }
    made = await api.made(f"/v1/doctors/{doctor['id']}/slots", {"slots": [slot]})
    item: dict[str, Any] = made["items"][0]
    return item


async def surgery(api: Api, *, minutes: float = 5, policy: dict[str, Any] | None = None) -> Surgery:
    """The appointment begins in so many minutes; usually its room is open already."""
    clinic = await api.clinic(policy=policy or {})
    doctor = await api.doctor(clinic)
    slot = await online_slot(api, doctor, in_minutes(minutes))
    patient = await api.patient()
    booked = await api.book(slot, patient)
    assert booked.status_code == 201, booked.text
    account = await api.doctor_account(doctor)
    return Surgery(api, clinic, doctor, account, patient, booked.json())


@dataclass
class Page:
    """A page in a room: it keeps all frames that it was told, each held against its model."""

    socket: ClientConnection
    client: str
    told: list[dict[str, Any]] = field(default_factory=list)

    async def say(self, kind: str, **fields: Any) -> None:
        await self.socket.send(json.dumps({"type": kind, **fields}))

    async def hear(self, kind: str, **about: Any) -> dict[str, Any]:
        """The next frame of a kind with these fields; others are kept."""
        for place, one in enumerate(self.told):
            if one["type"] == kind and about.items() <= one.items():
                return self.told.pop(place)
        async with asyncio.timeout(PATIENCE):
            while True:
                frame = checked(json.loads(await self.socket.recv()))
                if frame["type"] == kind and about.items() <= frame.items():
                    return frame
                self.told.append(frame)

    async def quiet(self) -> list[dict[str, Any]]:
        """All that came before an answer to a ping: nothing that was asked for is on its way."""
        t = len(self.told) + 1
        await self.say("ping", t=t)
        await self.hear("pong", t=t)
        told, self.told = self.told, []
        return told

    async def chat(self, text: str, *, identity: str | None = None) -> dict[str, Any]:
        identity = identity or str(uuid4())
        await self.say("chat", id=identity, text=text)
        return await self.hear("chat", id=identity)

    async def closed(self) -> tuple[int, str]:
        """Why it was closed; what came before is kept."""
        with pytest.raises(ConnectionClosed) as caught:
            async with asyncio.timeout(PATIENCE):
                while True:
                    self.told.append(checked(json.loads(await self.socket.recv())))
        assert caught.value.rcvd is not None
        return caught.value.rcvd.code, caught.value.rcvd.reason


def checked(frame: dict[str, Any]) -> dict[str, Any]:
    """Every frame that any test is told is one of the document."""
    model = MODELS.get(frame["type"]) or frames_out.RelayedFrame
    model.model_validate(frame)
    return frame


def opening(ws: str, way: dict[str, Any], **about: Any) -> connect:
    """The address is the test's server; the rest is as the way in says."""
    offered = about.pop("offered", ["booking.v1", f"ticket.{way['ticket']}"])
    path = about.pop("path", f"/v1/consultations/{way['room_id']}")
    return connect(f"{ws}{path}", subprotocols=offered, open_timeout=PATIENCE, proxy=None, **about)


@asynccontextmanager
async def page(
    ws: str, way: dict[str, Any], *, client: str | None = None, last_seq: int = 0, **about: Any
) -> AsyncIterator[tuple[Page, dict[str, Any]]]:
    """A page that has said hello, and its welcome."""
    async with opening(ws, way, **about) as socket:
        one = Page(socket, client or str(uuid4()))
        await one.say("hello", client=one.client, last_seq=last_seq)
        yield one, await one.hear("welcome")
