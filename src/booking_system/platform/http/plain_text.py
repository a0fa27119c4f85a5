"""Text of one line: a name, a title. What cannot be seen in it is refused."""

import unicodedata

from pydantic_core import PydanticCustomError

UNSEEN = frozenset({"Cc", "Cf", "Zl", "Zp"})
"""Controls, formats (bidirectional, zero-width, soft hyphens), line and paragraph separators."""
JOINERS = frozenset("\u200c\u200d")
JOINED = (
    ("\u0600", "\u08ff"),
    ("\u0900", "\u0dff"),
    ("\u1000", "\u109f"),
    ("\u1780", "\u18af"),
)
"""Scripts that are misspelt without joiners: Arabic and Syriac, those of India, Burmese, Khmer and
Mongolian."""
ALSO_UNSEEN = frozenset("\u115f\u1160\u3164\uffa0\u034f\u2800")
"""Letters and signs that leave a gap or nothing: Hangul fillers, grapheme joiner, empty braille."""


def one_line(value: str) -> str:
    """Return the text. Raises `forbidden_text` where it holds what nobody sees.

    A joiner may stand between two letters of a script that needs it (RFC 5892, appendix A.1).
    """
    for place, character in enumerate(value):
        if character.isascii() and character.isprintable():
            continue
        hidden = unicodedata.category(character) in UNSEEN or character in ALSO_UNSEEN
        if hidden and not (character in JOINERS and _joins(value, place)):
            raise PydanticCustomError("forbidden_text", "contains a character that is not allowed")
    return value


def _joins(value: str, place: int) -> bool:
    around = value[place - 1 : place], value[place + 1 : place + 2]
    return all(
        one and any(first <= one <= last for first, last in JOINED) and one not in JOINERS
        for one in around
    )
