"""The words of patients' answers by SMS, and what they mean."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Word(StrEnum):
    """What a word means; languages say which words."""

    CONFIRM = "confirm"
    CANCEL = "cancel"
    HELP = "help"
    STOP = "stop"
    START = "start"
    OTHER = "other"


Vocabulary = Mapping[str, Word]
"""By the word as `plain` makes it."""

CANCEL_WORD = "cancel"
"""Providers and the law take it for an opt-out. Who writes it may mean something else."""
YES = "yes"
EVERYWHERE: Vocabulary = {
    **dict.fromkeys(
        ("stop", "stopall", "unsubscribe", CANCEL_WORD, "end", "quit", "revoke", "optout"),
        Word.STOP,
    ),
    **dict.fromkeys(("start", "unstop", YES), Word.START),
    "help": Word.HELP,
}
"""What providers take for wishes of their own, in every language: no language can say otherwise."""
_WITH_NUMBER = re.compile(r"(\D+)([1-9])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What somebody wrote: a `word`, its text as `plain` makes it, and which of several is meant.

    The first one is 1; None: no number was said.
    """

    word: Word
    text: str
    choice: int | None = None


def plain(text: str) -> str:
    """Return letters and digits alone, without capitals: ` C. ` is `c`, `Opt out` is `optout`."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(one for one in folded if one.isalnum())


def said_in(text: str, vocabulary: Vocabulary) -> Said:
    """Read what somebody wrote. `vocabulary` is what languages add to the words for everywhere."""
    words, written = {**vocabulary, **EVERYWHERE}, plain(text)
    if written in words:
        return Said(word=words[written], text=written)
    found = _WITH_NUMBER.fullmatch(written)
    word = words.get(found[1]) if found else None
    if found and word in {Word.CONFIRM, Word.CANCEL}:
        return Said(word=word, text=written, choice=int(found[2]))
    return Said(word=Word.OTHER, text=written)
