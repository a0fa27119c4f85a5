"""HTTP to providers, made when the first needs it: most programs here send nothing by HTTP."""

from typing import TYPE_CHECKING

from booking_system.shared_kernel.clock import Clock

if TYPE_CHECKING:
    from booking_system.notifications.adapters.carriers.http_handover import HttpWay


class HttpWhenNeeded:
    """What all share that speak HTTP with providers; its library takes a while to load."""

    def __init__(self, clock: Clock) -> None:
        """Nothing is made yet."""
        self.clock = clock
        self._way: HttpWay | None = None

    def way(self) -> "HttpWay":
        """Return it, the same each time."""
        if self._way is None:
            from booking_system.notifications.adapters.carriers.http_handover import (  # noqa: PLC0415
                HttpWay,
                http_client,
            )

            self._way = HttpWay(client=http_client(), clock=self.clock)
        return self._way

    async def close(self) -> None:
        """Give all connections back."""
        if self._way is not None:
            await self._way.client.aclose()
            self._way = None
