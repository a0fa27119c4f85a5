"""How many frames a page may send: buckets of tokens, by the monotonic clock of the process."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(slots=True, kw_only=True)
class Bucket:
    """Earns `per_second`, holds `at_once`, and begins full."""

    per_second: float
    at_once: float
    monotonic: Callable[[], float] = time.monotonic
    _tokens: float = field(init=False)
    _counted_at: float = field(init=False)

    def __post_init__(self) -> None:
        """Fill it."""
        self._tokens, self._counted_at = self.at_once, self.monotonic()

    def spend(self) -> int:
        """Spend one; return the seconds to wait where there is none, 0 where there was."""
        now = self.monotonic()
        earned = (now - self._counted_at) * self.per_second
        self._tokens, self._counted_at = min(self.at_once, self._tokens + earned), now
        if self._tokens < 1.0:
            return max(1, math.ceil((1.0 - self._tokens) / self.per_second))
        self._tokens -= 1.0
        return 0
