"""Looks at an account itself, for people who set it up: whose it is, and what it tells where."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

ALL_EVENTS = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """An address that the provider calls, and the types of events that it tells there."""

    name: str
    url: str | None
    events: frozenset[str]
    is_on: bool = True

    def lacks(self, wanted: Sequence[str]) -> list[str]:
        """Return the types that it is not told, in their order."""
        if ALL_EVENTS in self.events:
            return []
        return [one for one in wanted if one not in self.events]


class AccountLook(Protocol):
    """One account. Both raise `ProviderUnsure`, `ProviderBusy` or `ProviderRefused`."""

    async def name(self) -> str | None:
        """Return what the provider calls the account; None: the keys may not ask that.

        Refused: the provider does not take these keys.
        """
        ...

    async def endpoints(self) -> Sequence[Endpoint]:
        """Return the addresses that the provider calls for this account."""
        ...
