"""Streams and sockets that are open: how many, for how long, and on whose authority.

Once a stream or a socket has begun, it takes no place at the entrance, which is for work that ends
soon. Each lives for ten minutes at most, so that a client is judged anew and no process keeps its
clients for ever. The rights of its client are checked again about twice a second, as they would be
for a new request.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Hashable, Iterator
from contextvars import Context
from enum import StrEnum
from typing import Any

import structlog
from starlette.types import Scope

from booking_system.platform.http.network import network_of
from booking_system.platform.observability.exchange import KEY, route_of
from booking_system.platform.observability.life_metrics import LifeMetrics
from booking_system.platform.observability.metrics import RequestMetrics
from booking_system.platform.postgres.faults import Overloaded
from booking_system.platform.ticket import TICKET
from booking_system.shared_kernel.errors import Refusal, TooMany, Transient, Unavailable

ABORT = "abort"
"""The key in the `state` of a scope of the function that breaks its connection off."""
SEND_SECONDS = 5.0
"""The longest time in which a client may read nothing, once its connection is full."""
LIFE_SECONDS = 600.0
SPREAD_SECONDS = 2.0
"""A process that drains spreads the ends over this time, so that not all clients come at once."""
LOOK_SECONDS = 0.25
CHECK_SECONDS = 0.4
"""Between two checks of all rights; with the time to hear of a change, usually under a second."""
UNSURE_SECONDS = 3.0
"""A connection ends whose rights could not be confirmed for this long."""
IN_A_ROW = 50
"""So many are checked before others may go on."""
CHECKERS = 2
"""The most connections to the database that such checks use at once."""
MOST_OPEN = 1_000
MOST_OF_ONE = 10
MOST_OF_A_NETWORK = 50
RETRY_AFTER_SECONDS = 5

log = structlog.get_logger("booking_system.http")


class Ending(StrEnum):
    """Why a stream or a socket ended."""

    DONE = "done"
    GONE = "client_gone"
    LIFE_OVER = "life_over"
    DRAINING = "draining"
    ACCESS_ENDED = "access_ended"
    ACCESS_UNKNOWN = "access_unknown"
    TOO_SLOW = "too_slow"
    BROKE_RULES = "broke_rules"
    FAILED = "failed"


Authority = Callable[[], Awaitable[Any]]
"""Returns the caller as they are now, or raises what a request of theirs would be refused with."""


class Life:
    """One stream or socket from its beginning to its end. Moments are of the registry's clock."""

    def __init__(
        self, kind: str, who: Hashable, caller: Any, authority: Authority | None, now: float
    ) -> None:
        """Without `authority` there is nothing that could end."""
        self.kind = kind
        self.who = who
        self.caller = caller
        self.authority = authority
        self.began = self.sure_at = now
        self.ends_at = now + LIFE_SECONDS
        self.reason: Ending | None = None
        self.is_draining = False
        self.has_begun = False
        self.over = asyncio.Event()
        self.sent = self.sent_bytes = self.received = self.received_bytes = 0

    def end(self, reason: Ending) -> None:
        """Ask the serving code to end it; the first reason counts."""
        if self.reason is None:
            self.reason = reason
            self.over.set()


class Lives:
    """All that are open in this process."""

    def __init__(
        self,
        *,
        requests: RequestMetrics,
        metrics: LifeMetrics,
        most_open: int = MOST_OPEN,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`monotonic` counts seconds. Each that begins is counted among the `requests` as well."""
        self._requests = requests
        self._metrics = metrics
        self._most_open = most_open
        self._monotonic = monotonic
        self._open: set[Life] = set()
        self._of: Counter[Hashable] = Counter()
        self._checking: asyncio.Task[None] | None = None
        self._looks = False
        self.is_draining = False

    def __len__(self) -> int:
        """How many are open."""
        return len(self._open)

    def open(self, kind: str, scope: Scope, caller: Any, authority: Authority | None) -> Life:
        """Let one in whose caller was admitted. The code that opens it closes it.

        Raises `Overloaded` where the process has as many as it can bear, or is about to end, and
        `TooMany` where the caller has.
        """
        if self.is_draining or len(self._open) >= self._most_open:
            raise Overloaded(retry_after=RETRY_AFTER_SECONDS)
        client = scope["client"]
        network = "" if client is None else network_of(client[0])
        who: Hashable = network if caller is None else caller.user_id
        if self._of[who] >= (MOST_OF_A_NETWORK if caller is None else MOST_OF_ONE):
            detail = "You have as many streams and sockets open as anybody may have."
            raise TooMany(detail, retry_after=RETRY_AFTER_SECONDS)
        life = Life(kind, who, caller, authority, self._monotonic())
        self._open.add(life)
        self._of[who] += 1
        self._watch()
        return life

    def begin(self, life: Life, scope: Scope) -> None:
        """Say that the answer has begun: from here on it is no request that has five seconds."""
        exchange, ticket = scope[KEY], TICKET.get()
        if ticket is not None:
            ticket.room.end(ticket)
        exchange.route, exchange.lasts = route_of(scope), True
        exchange.seconds = time.perf_counter() - exchange.came
        self._requests.end(exchange)
        self._metrics.opened(life.kind, exchange.route)
        life.has_begun = True

    def close(self, life: Life, scope: Scope) -> None:
        """Forget it; count and log what has begun."""
        self._open.discard(life)
        self._of[life.who] -= 1
        if self._of[life.who] <= 0:
            del self._of[life.who]
        if not life.has_begun:
            return
        route, reason = scope[KEY].route, life.reason or Ending.GONE
        self._metrics.ended(life.kind, route, reason, sent=life.sent)
        log.info(
            life.kind,
            route=route,
            status=scope[KEY].status,
            duration_ms=round((self._monotonic() - life.began) * 1000),
            reason=reason,
            sent=life.sent,
            sent_bytes=life.sent_bytes,
            received=life.received,
            received_bytes=life.received_bytes,
            instance=scope["app"].state.rejection.instance,
        )

    def drain(self) -> None:
        """Let nobody in any more, and end all within two seconds; asked again, nothing happens."""
        if self.is_draining:
            return
        self.is_draining, now = True, self._monotonic()
        for life in self._open:
            life.is_draining = True
            life.ends_at = min(life.ends_at, now + random.uniform(0, SPREAD_SECONDS))  # noqa: S311

    def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        if not self._looks:
            self._looks = True
            # In an empty context: what the first request knows must not reach others by this task.
            loop.call_later(LOOK_SECONDS, self._look, context=Context())
        if self._checking is None or self._checking.done():
            self._checking = loop.create_task(self._check(), name="lives", context=Context())

    def _look(self) -> None:
        now = self._monotonic()
        for life in self._open:
            if now >= life.ends_at:
                life.end(Ending.DRAINING if life.is_draining else Ending.LIFE_OVER)
            elif life.authority is not None and now - life.sure_at > UNSURE_SECONDS:
                life.end(Ending.ACCESS_UNKNOWN)
        self._looks = bool(self._open)
        if self._looks:
            loop = asyncio.get_running_loop()
            loop.call_later(LOOK_SECONDS, self._look, context=Context())

    async def _check(self) -> None:
        while self._open:
            await asyncio.sleep(CHECK_SECONDS)
            left = iter([one for one in self._open if one.authority and one.reason is None])
            await asyncio.gather(*(self._check_each(left) for _ in range(CHECKERS)))

    async def _check_each(self, left: Iterator[Life]) -> None:
        for number, life in enumerate(left, 1):
            assert life.authority is not None, "just those are looked at"
            if number % IN_A_ROW == 0:
                # Most are answered from memory: nothing else would go on meanwhile.
                await asyncio.sleep(0)
            asked = self._monotonic()
            try:
                caller = await life.authority()
            except (Unavailable, Transient):
                continue
            except Refusal:
                life.end(Ending.ACCESS_ENDED)
            except Exception as error:  # noqa: BLE001  (one must not keep the others unchecked)
                log.error("authority_unknown", error=type(error).__name__)  # noqa: TRY400
            else:
                if caller == life.caller:
                    life.sure_at = asked
                else:
                    # Which of their roles it was opened by is not known here: they ask again.
                    life.end(Ending.ACCESS_ENDED)
