"""A booking reference: short enough to be read out over the telephone."""

ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
"""No 0 or O, 1 or I or L, and no U or V side by side: nothing that sounds or looks alike."""

LENGTH = 8
PAIRS = tuple(f"{first}{second}" for second in ALPHABET for first in ALPHABET)


def reference_from(number: int) -> str:
    """Return the reference for a random number of at least 40 bits, like `K7QM-3F9D`."""
    number, first = divmod(number, len(PAIRS))
    number, second = divmod(number, len(PAIRS))
    number, third = divmod(number, len(PAIRS))
    return f"{PAIRS[first]}{PAIRS[second]}-{PAIRS[third]}{PAIRS[number % len(PAIRS)]}"


def reference_as_heard(text: str) -> str:
    """Return the reference that somebody means who wrote down what they heard: `k7qm 3f9d`."""
    letters = "".join(text.replace("-", " ").split()).upper()
    half = LENGTH // 2
    return f"{letters[:half]}-{letters[half:]}"
