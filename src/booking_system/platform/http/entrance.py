"""How many requests are worked on at a time, who waits, who is turned away, who took too long.

Under more load than the program can bear, each request that is begun makes all others later. So a
bounded number is inside; a burst may wait outside for a moment. Once more wait than can be served
in time, nobody waits any more and there are fewer places: whoever finds none is refused at once,
until a whole second has passed without a refusal.
"""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping

import structlog

from booking_system.platform.ticket import Ticket

WAIT_SECONDS = 0.5
MOST_WAITING_PER_PLACE = 8
PRESSED_PART = 3
"""Under pressure there is this part of the places: as much gets done, and each request sooner."""
DEADLINE_SECONDS = 5.0
"""From a request's head, or from the end of its body, to its answer's end."""
LOOK_SECONDS = 0.25
"""How often somebody looks whose time is over; also how long a cut request has to end."""
CALM_SECONDS = 1.0
RETRY_AFTER_SECONDS = 1
COMING = "booking_system.coming"
"""In the scope of a request that the server counted on its way in."""

Tell = Callable[[Mapping[str, int]], object]
"""Hears once a second how many were turned away, by method."""
log = structlog.get_logger("booking_system.entrance")


class Entrance:
    """The places of one process. Paths in `always` are answered however full it is."""

    def __init__(self, *, most_inside: int, always: frozenset[str], tell: Tell) -> None:
        """`most_inside` requests are worked on at a time."""
        self.most_inside = most_inside
        self.always = always
        self.inside = 0
        self.coming = 0
        """Let in by the server, but not here yet."""
        self.is_pressed = False
        """Nobody waits: there were too many, and there still are."""
        self._places = most_inside
        self._tell = tell
        self._waiting: deque[asyncio.Future[bool]] = deque()
        self._tickets: set[Ticket] = set()
        self._looks = False
        self._refused: Counter[str] = Counter()
        self._is_calm = True

    @property
    def turns_away(self) -> bool:
        """Say whether the next request would be refused without any wait."""
        return self.is_pressed and self.inside + self.coming >= self._places

    def begin(self, since: float) -> Ticket:
        """Count the time of the request that the current task serves. It has no place yet."""
        task = asyncio.current_task()
        assert task is not None, "a request is served by a task"
        ticket = Ticket(self, task, since)
        self._tickets.add(ticket)
        if not self._looks:
            self._looks = True
            asyncio.get_running_loop().call_later(LOOK_SECONDS, self._look)
        return ticket

    def end(self, ticket: Ticket) -> None:
        """Forget the request, whether it has a place or not; nobody cuts it any more."""
        self._tickets.discard(ticket)
        if ticket.has_place:
            self.leave(ticket)

    def enter_at_once(self, ticket: Ticket) -> bool:
        """Give a place if one is free; nobody waits then."""
        if self.inside >= self._places:
            return False
        self.inside += 1
        ticket.has_place = True
        return True

    async def enter(self, ticket: Ticket) -> bool:
        """Give a place, perhaps after a wait; False: the request has to be refused."""
        if self.enter_at_once(ticket):
            return True
        if self.is_pressed or len(self._waiting) >= self.most_inside * MOST_WAITING_PER_PLACE:
            self._press()
            return False
        ticket.has_place = await self._turn()
        if not ticket.has_place:
            self._press()
        return ticket.has_place

    def leave(self, ticket: Ticket) -> None:
        """Pass the place of a request on to who waits longest."""
        ticket.has_place = False
        self._pass_on()

    def come_back(self, ticket: Ticket) -> None:
        """Take a place even if there is none."""
        self.inside += 1
        ticket.has_place = True

    def refused(self, method: str) -> None:
        """Count a request that was turned away, to be told of with all others of this second."""
        self._press()
        self._refused[method] += 1

    def _press(self) -> None:
        self._is_calm = False
        if not self.is_pressed:
            self.is_pressed = True
            self._places = max(1, self.most_inside // PRESSED_PART)
            asyncio.get_running_loop().call_later(CALM_SECONDS, self._report)

    async def _turn(self) -> bool:
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[bool] = loop.create_future()
        self._waiting.append(turn)
        timer = loop.call_later(WAIT_SECONDS, _too_late, turn)
        try:
            return await turn
        except BaseException:
            if turn.done() and not turn.cancelled() and turn.result():
                # It was handed to somebody who has gone away.
                self._pass_on()
            raise
        finally:
            timer.cancel()

    def _pass_on(self) -> None:
        # There may be too many inside: places get fewer, and some come back without asking.
        while self._waiting and self.inside <= self._places:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(True)
                return
        self.inside -= 1

    def _look(self) -> None:
        now = time.perf_counter()
        for ticket in self._tickets:
            if now - ticket.since > DEADLINE_SECONDS and not ticket.is_outside:
                # Again at every look: what it does on its way out may hang as well.
                ticket.is_cut = True
                ticket.task.cancel()
        self._looks = bool(self._tickets)
        if self._looks:
            asyncio.get_running_loop().call_later(LOOK_SECONDS, self._look)

    def _report(self) -> None:
        """Tell of the last second; after one without refusals it is calm again."""
        # Also whoever was on the way in and never came.
        self.coming = 0
        if self._refused:
            refused, self._refused = self._refused, Counter()
            log.warning("overloaded", refused=refused.total(), inside=self.inside)
            self._tell(refused)
        self.is_pressed = not self._is_calm
        self._is_calm = True
        if self.is_pressed:
            asyncio.get_running_loop().call_later(CALM_SECONDS, self._report)
        else:
            self._places = self.most_inside


def _too_late(turn: asyncio.Future[bool]) -> None:
    if not turn.done():
        turn.set_result(False)
