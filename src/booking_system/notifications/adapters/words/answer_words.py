"""The words that patients answer with, of all languages: who writes `C` has said none.

They are read by themselves: what writes messages takes long to load, and is not needed to read one.
"""

import tomllib
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Final

from booking_system.notifications.domain.answer_words import EVERYWHERE, Vocabulary, Word, plain

BUILT_IN: Final = Path(__file__).parent / "templates"
SECTION: Final = "answers"


class AnswerWordsError(Exception):
    """Two languages mean different things by one word, or one says a provider's word anew."""


@cache
def built_in_words() -> Vocabulary:
    """Return the words of the program's own languages."""
    return answer_words([BUILT_IN])


def answer_words(folders: Sequence[Path]) -> Vocabulary:
    """Return the words of all languages in these folders, as `plain` makes them.

    Raises `AnswerWordsError`.
    """
    found: dict[str, Word] = {}
    for word, meaning, where in _all(folders):
        known = EVERYWHERE.get(word, found.setdefault(word, meaning))
        if known is not meaning:
            raise AnswerWordsError(f"{where} means {meaning} by {word}, which means {known}.")
    return found


def _all(folders: Sequence[Path]) -> Iterator[tuple[str, Word, str]]:
    for folder in folders:
        for path in sorted(folder.glob("*/words.toml")):
            section = tomllib.loads(path.read_text(encoding="utf-8")).get(SECTION, {})
            for name, words in section.items():
                for word in filter(None, map(plain, words.split(","))):
                    yield word, Word(name), f"{path.parent.name}/{path.name}"
