"""Time that passes only when a test says so."""

import asyncio
import heapq
from itertools import count

from tests.patience import turns


class Hours:
    """Seconds, and sleepers for some of them."""

    def __init__(self) -> None:
        self.now = 0.0
        self._sleeping: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = count()

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleeping, (self.now + seconds, next(self._order), woken))
        await woken

    async def pass_by(self, seconds: float, *, steps: int = 50) -> None:
        """Wake everybody whose time comes, one moment after the other, and let them go on."""
        until = self.now + seconds
        await turns(steps)
        while self._sleeping and self._sleeping[0][0] <= until + 1e-9:
            self.now = max(self.now, self._sleeping[0][0])
            while self._sleeping and self._sleeping[0][0] <= self.now:
                woken = heapq.heappop(self._sleeping)[2]
                if not woken.done():
                    woken.set_result(None)
            await turns(steps)
        self.now = until
