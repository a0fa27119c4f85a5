"""Makes of what people typed what fits into a line, a greeting, an SMS."""

import re
import unicodedata
from typing import Final

TURNING: Final = re.compile("[\u202a-\u202e\u2066-\u2069]")
"""Signs that turn the direction of what follows, for as long as they like."""
ADDRESS_LIKE: Final = re.compile(r"://|@|/|\bwww\.|\w\.\w{2,}", re.IGNORECASE)
LONGEST_NAME: Final = 80
TYPED: Final = str.maketrans(
    {
        "‘": "'",
        "’": "'",
        "‚": "'",
        "“": '"',
        "”": '"',
        "„": '"',
        "–": "-",
        "—": "-",
        "‑": "-",
        "…": "...",
        "·": "-",
        "•": "-",
        "\N{SOFT HYPHEN}": None,
        "\N{ZERO WIDTH SPACE}": None,
    }
)
"""What writing programs put in, each a character outside of the alphabet of SMS."""


def one_line(text: str) -> str:
    """Return the text without line ends, control characters, or space at its ends."""
    kept = "".join(" " if _is_control(one) else one for one in TURNING.sub("", text))
    return " ".join(kept.split())


def shortened(text: str, most: int) -> str:
    """Return at most `most` characters, the last three of them dots where some were left out."""
    return text if len(text) <= most else f"{text[: most - 3].rstrip()}..."


def greeted(name: str | None) -> str:
    """Return the name to greet somebody by; empty for what a mail program would make a link of.

    Mails go to addresses that nobody has proved yet: a name that is an advertisement is none.
    """
    name = one_line(name or "")
    return "" if ADDRESS_LIKE.search(name) or len(name) > LONGEST_NAME else name


def as_sms(text: str) -> str:
    """Return the text in one line, with the plain signs instead of a printer's: they cost half."""
    return one_line(text).translate(TYPED)


def paragraphs(text: str) -> list[str]:
    """Return what stands between empty lines, each in one line."""
    return [told for one in re.split(r"\n\s*\n", text) if (told := one_line(one))]


def _is_control(one: str) -> bool:
    return unicodedata.category(one) in {"Cc", "Zl", "Zp"}
