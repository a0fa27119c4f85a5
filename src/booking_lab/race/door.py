"""One client's way to the deployment: a wish becomes a request, its answer an entry in history."""

import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from math import inf
from typing import Any

from httpx import AsyncClient, HTTPError, Response, Timeout

from booking_lab.race.arena import ENDED
from booking_lab.race.calls import code_of
from booking_lab.race.deployment import TIMEOUT_SECONDS
from booking_lab.race.history import Answer, Attempt, History, Kind, Operation
from booking_lab.race.tokens import Tokens


@dataclass(slots=True)
class Watch:
    """The clock of the whole race. New things begin for `until` seconds.

    `is_late` once only what is open is finished.
    """

    until: float
    started: float = field(default_factory=time.monotonic)
    is_late: bool = False

    def seconds(self) -> float:
        """Return how long the race has been going on."""
        return time.monotonic() - self.started

    @property
    def is_over(self) -> bool:
        """Say whether nobody begins new things any more."""
        return self.seconds() >= self.until


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """Sends attempts for one client and writes them down."""

    number: int
    desk: int
    client: AsyncClient
    tokens: Tokens
    history: History
    watch: Watch

    async def send(self, wish: Operation, *, hang_up_after: float | None = None) -> Attempt:
        """Make one attempt; after so many seconds do not wait for its answer any longer."""
        token = await self.tokens.current(self.client)
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": wish.key}
        is_late, invoked = self.watch.is_late, self.watch.seconds()
        answer = None
        # Not by cancelling: a pool does not get over a request that is cut off from outside.
        timeout = Timeout(TIMEOUT_SECONDS, read=hang_up_after or TIMEOUT_SECONDS)
        with suppress(HTTPError):
            method, path, body = request_of(wish)
            response = await self.client.request(
                method, path, json=body, headers=headers, timeout=timeout
            )
            answer = answer_of(wish, response)
        attempt = Attempt(
            wish=wish,
            client=self.number,
            desk=self.desk,
            invoked=invoked,
            ended=self.watch.seconds(),
            answer=answer,
            is_late=is_late,
        )
        self.history.attempts.append(attempt)
        return attempt


def request_of(wish: Operation) -> tuple[str, str, dict[str, Any] | None]:
    """Return method, path and body."""
    if wish.kind is Kind.HOLD:
        return "POST", "/v1/holds", {"time_slot_id": wish.slot, "patient_id": wish.patient}
    if wish.kind is Kind.EXTEND:
        return "POST", f"/v1/holds/{wish.subject}/extend", None
    if wish.kind is Kind.RELEASE:
        return "DELETE", f"/v1/holds/{wish.subject}", None
    if wish.kind is Kind.MOVE:
        return "POST", f"/v1/bookings/{wish.subject}/reschedule", {"time_slot_id": wish.slot}
    if wish.kind is Kind.CANCEL:
        return "POST", f"/v1/bookings/{wish.subject}/cancel", None
    body = {"time_slot_id": wish.slot, "patient_id": wish.patient, "reason": wish.key}
    return "POST", "/v1/bookings", body | ({"hold_id": wish.subject} if wish.subject else {})


def answer_of(wish: Operation, response: Response) -> Answer:
    """Return what matters of an answer. One that is no JSON says nothing."""
    status, is_replay = response.status_code, "idempotent-replayed" in response.headers
    if not response.is_success or status == 204:
        return Answer(status=status, code=code_of(response), is_replay=is_replay)
    try:
        told = response.json()
        return Answer(
            status=status,
            is_replay=is_replay,
            thing=told["id"],
            slot=told["time_slot_id"],
            is_active=told.get("status") not in ENDED,
            lasts=_lasts(told) if wish.kind in {Kind.HOLD, Kind.EXTEND} else inf,
        )
    except (ValueError, KeyError, TypeError):
        return Answer(status=status, code="unreadable")


def _lasts(told: dict[str, Any]) -> float:
    ends, now = (datetime.fromisoformat(told[name]) for name in ("expires_at", "server_now"))
    return (ends - now).total_seconds()
