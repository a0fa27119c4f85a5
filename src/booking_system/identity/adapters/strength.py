"""Says whether a password would be guessed soon, and why: by zxcvbn's lists, patterns and scoring.

Its own ways of looking for signs that stand for letters, and for repetitions, take minutes where
somebody wants them to; both are done here in bounded time.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from zxcvbn import matching, scoring

from booking_system.identity.domain.password import FEWEST_GUESSES, SHORTEST_WORD, PasswordOwner

LONGEST_PART = 32
"""A longer password is at least as strong as each of its ends, so these are looked at."""
LONGEST_WORD = 24
RANK_OF_OWN = 10
"""Words of the owner and of ours are tried before any others."""
RANK_OF_YEAR = 100
YEAR = re.compile(r"(?=(19\d\d|20\d\d))")
REPETITION = re.compile(r"(.{1,12}?)\1+", re.DOTALL)
FOR_SIGNS = str.maketrans("4@8({[<3690$5+%2", "aabcccceggosstxz")
"""Letters that signs stand for; some stand for one of two."""
SIGNS = (
    FOR_SIGNS | str.maketrans("1!|7", "iiit"),
    FOR_SIGNS | str.maketrans("1!|7", "lill"),
)

OWN = "It is made of your name, your e-mail address or words of this service."
REPEATED = "It repeats a few characters again and again."
ROW = "It follows a row of keys, a sequence or a date."
COMMON = "It is a common password, or a common word with what many people add to one."

Match = dict[str, Any]


def _ranks() -> dict[str, int]:
    """Return how soon each word of any list is tried."""
    ranks: dict[str, int] = {}
    for words in matching.FREQUENCY_LISTS.values():
        for rank, word in enumerate(words, 1):
            if len(word) >= SHORTEST_WORD and rank < ranks.get(word, rank + 1):
                ranks[word] = rank
    return ranks


RANKS = _ranks()


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """How many guesses it takes, and what they would begin with."""

    guesses: float
    because: str


def weakness_of(password: str, owner: PasswordOwner) -> str | None:
    """Return why the password is weak, in words that quote none of it; None: it will do."""
    words = owner.words()
    parts = {password[:LONGEST_PART], password[-LONGEST_PART:]}
    strongest = max((_estimate(part, words) for part in parts), key=lambda one: one.guesses)
    return strongest.because if strongest.guesses < FEWEST_GUESSES else None


def _estimate(text: str, words: Collection[str]) -> Estimate:
    whole = _as_it_is(text, words)
    once = REPETITION.sub(r"\1", text)
    if once == text:
        return whole
    repeated = _as_it_is(once, words).guesses * len(text) / len(once)
    return min(whole, Estimate(guesses=repeated, because=REPEATED), key=lambda one: one.guesses)


def _as_it_is(text: str, words: Collection[str]) -> Estimate:
    matches: list[Match] = [
        *_words_in(text, words),
        *matching.spatial_match(text),
        *matching.sequence_match(text),
        *matching.date_match(text),
    ]
    found = scoring.most_guessable_match_sequence(text, matches)
    return Estimate(guesses=float(found["guesses"]), because=_reason(found["sequence"]))


def _reason(sequence: list[Match]) -> str:
    if any(match.get("is_own") for match in sequence):
        return OWN
    if any(match["pattern"] == "dictionary" for match in sequence):
        return COMMON
    return ROW


def _words_in(text: str, words: Collection[str]) -> Iterator[Match]:
    folded = text.lower()
    if len(folded) != len(text):
        # The rare letters that are two in lower case stand at no place in common.
        folded = text
    for year in YEAR.finditer(text):
        yield _word(text, year.start(), 4, RANK_OF_YEAR)
    backwards = folded[::-1]
    for start, length, rank, is_own in _ranked(backwards, words):
        yield _word(text, len(text) - start - length, length, 2 * rank, is_own=is_own)
    for read in {folded, *(folded.translate(signs) for signs in SIGNS)}:
        for start, length, rank, is_own in _ranked(read, words):
            end = start + length
            signs = sum(a != b for a, b in zip(read[start:end], folded[start:end], strict=True))
            yield _word(text, start, length, rank * 2**signs, is_own=is_own)


def _ranked(text: str, words: Collection[str]) -> Iterator[tuple[int, int, int, bool]]:
    for start in range(len(text)):
        for length in range(SHORTEST_WORD, min(LONGEST_WORD, len(text) - start) + 1):
            part = text[start : start + length]
            if part in words:
                yield start, length, RANK_OF_OWN, True
            elif (rank := RANKS.get(part)) is not None:
                yield start, length, rank, False


def _word(text: str, start: int, length: int, rank: int, *, is_own: bool = False) -> Match:
    return {
        "pattern": "dictionary",
        "i": start,
        "j": start + length - 1,
        "token": text[start : start + length],
        "rank": rank,
        "reversed": False,
        "l33t": False,
        "is_own": is_own,
    }
