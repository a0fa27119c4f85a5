"""Language tags (BCP 47): the nearest that there is for a wish, and how dates are written there."""

from collections.abc import Iterator, Mapping
from typing import Final

from babel import Locale, UnknownLocaleError

DATES: Final[Mapping[str, str]] = {"en": "en-GB"}
"""How dates are written where only the language is known: with the day first, as most do."""


def less_and_less(wish: str) -> Iterator[str]:
    """Return the tag itself, then with fewer and fewer subtags (RFC 4647, section 3.4)."""
    subtags = wish.replace("_", "-").split("-")
    return ("-".join(subtags[:length]) for length in range(len(subtags), 0, -1))


def spelling(wish: str, tag: str) -> Locale | None:
    """Return how a reader of the wish writes dates and amounts, else of the tag; None: no such."""
    for one in (*less_and_less(wish), tag):
        try:
            return Locale.parse(DATES.get(one.lower(), one), sep="-")
        except (ValueError, UnknownLocaleError):
            continue
    return None
