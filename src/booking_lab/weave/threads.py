"""A thread of the weave: one actor's task, which does one step whenever it is its turn."""

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from enum import Enum, StrEnum, auto


class Order(StrEnum):
    """What a thread is told when it is its turn; all but the first are misfortunes."""

    GO = "go"
    CUT = "cut"
    """The connection breaks before the step, which the server never hears of."""
    LOSE_ANSWER = "lose answer"
    """It breaks behind the step."""
    LEAVE = "leave"
    """The client goes away: its task is cancelled."""


class Place(Enum):
    """Where a thread is."""

    AWAY = auto()
    """It works, or it has not begun."""
    AT_STEP = auto()
    WAITING = auto()
    """The server keeps it waiting for a lock."""
    AWAKE = auto()
    """The lock is free, but it was not its turn yet."""
    DONE = auto()


class Thread:
    """An actor of the weave."""

    def __init__(self, name: str) -> None:
        """`name` is how the story calls it."""
        self.name = name
        self.place = Place.AWAY
        self.step = ""
        """The text of the statement that it is about to do, or waits in."""
        self.pid = 0
        """The server's process that does it."""
        self.slow_at = ""
        """The step at which it is to stand still."""
        self._break_off: Callable[[], None] = _nothing
        self.ending = set[int]()
        """Processes whose connection it has closed; they may still have to undo something."""
        self.undoing = list[asyncio.Task[object]]()
        """Done when processes that are used again have undone what was begun."""
        self.is_interrupted = False
        """Its client went away while it waited: a statement is still under way."""
        self.task: asyncio.Task[None] | None = None
        self.is_free = False
        """The run is over: it waits for no turn any more."""
        self._turn: asyncio.Future[Order] | None = None
        self._rests: asyncio.Future[None] | None = None

    def begin(self, work: Callable[[], Awaitable[None]]) -> None:
        """Start its task, which stops in front of its first step."""
        self.task = asyncio.create_task(self._all_of(work), name=self.name)

    async def _all_of(self, work: Callable[[], Awaitable[None]]) -> None:
        THREAD.set(self)
        try:
            await work()
        finally:
            self.place = Place.DONE
            self._arrived()

    def resting(self) -> asyncio.Future[None]:
        """Return a future that is done once it is in front of its next step, or at its end."""
        self._rests = asyncio.get_running_loop().create_future()
        return self._rests

    def tell(self, order: Order) -> None:
        """Let it do its step."""
        assert self._turn is not None, "it stands in front of a step"
        turn, self._turn, self.place = self._turn, None, Place.AWAY
        turn.set_result(order)

    async def end(self) -> None:
        """End it without any further turn: the run is over."""
        self.is_free = True
        if self.task is not None and not self.task.done():
            self.task.cancel()
            await asyncio.wait([self.task])

    def cancel(self) -> None:
        """Let its client go away."""
        assert self.task is not None, "it has begun"
        self.is_interrupted = self.place is Place.WAITING
        self._turn, self.place = None, Place.AWAY
        self.task.cancel()

    def break_off(self) -> None:
        """Break the connection in which it waits."""
        self.place = Place.AWAY
        self._break_off()

    async def turn(self, step: str, pid: int, break_off: Callable[[], None] | None = None) -> Order:
        """Stop in front of a step, and return what the thread is told when it is its turn.

        `break_off` breaks the connection to the process `pid` while the step is under way.
        """
        if self.is_free:
            return Order.GO
        self.step, self.pid, self.place = step, pid, Place.AT_STEP
        self._break_off = break_off or _nothing
        self._turn = asyncio.get_running_loop().create_future()
        self._arrived()
        return await self._turn

    async def stand(self, step: str) -> None:
        """Stand still with the last answer at hand, which is not acted on before its turn."""
        await self.turn(step, self.pid, self._break_off)

    def loses_transaction(self) -> None:
        """Let the server end what it stands in."""
        self._break_off()

    def begins_again(self) -> None:
        """Go on as another, since what it was is dead."""
        self.is_interrupted = False
        if self.task is not None:
            self.task.uncancel()

    def leaves(self, pid: int) -> None:
        """Note that it closed the connection to this process, whose end has to be awaited."""
        self.ending.add(pid)

    def _arrived(self) -> None:
        if self._rests is not None and not self._rests.done():
            self._rests.set_result(None)


def _nothing() -> None:
    pass


THREAD: ContextVar[Thread | None] = ContextVar("THREAD", default=None)
"""The thread that this task is, if it is one."""
