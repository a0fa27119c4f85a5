"""The words of documents: a file for each language, which has all of them."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from babel import Locale

from booking_system.platform.language_tags import less_and_less, spelling

FOLDER: Final = Path(__file__).parent / "words"
LAST: Final = "en"
"""Understood by most, where there are words for none of the languages that are wished for."""


@dataclass(frozen=True, slots=True)
class Words:
    """The words of one language; `locale` says how dates and amounts are written."""

    tag: str
    locale: Locale
    of: Mapping[str, Mapping[str, str]]


def words_for(wishes: Sequence[str]) -> Words:
    """Return the words of the first language that there is; `de-AT` is content with `de`."""
    known = _all()
    for wish in (*wishes, LAST):
        for tag in map(str.lower, less_and_less(wish)):
            locale = spelling(wish, tag) if tag in known else None
            if locale is not None:
                return Words(tag, locale, known[tag])
    raise LookupError(LAST)


@cache
def _all() -> Mapping[str, Mapping[str, Mapping[str, str]]]:
    return {
        path.stem: tomllib.loads(path.read_text(encoding="utf-8"))
        for path in sorted(FOLDER.glob("*.toml"))
    }
