"""How many segments an SMS takes, which is what is paid for (3GPP TS 23.038 and 23.040)."""

from dataclasses import dataclass
from enum import StrEnum

BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
"""The default alphabet, a septet each."""
EXTENSION = frozenset("\f^{}\\[~]|€")
"""Behind an escape: two septets each, which are never parted."""
SINGLE = {"gsm_7": 160, "ucs_2": 70}
PART = {"gsm_7": 153, "ucs_2": 67}
"""Of several, each part begins with a header of six octets."""


class Alphabet(StrEnum):
    """What the characters of an SMS are sent in."""

    GSM_7 = "gsm_7"
    UCS_2 = "ucs_2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """The size of an SMS; `units` are septets, or the 16-bit units of UTF-16."""

    alphabet: Alphabet
    units: int
    segments: int


def counted(text: str) -> Counted:
    """Count the segments of an SMS; none for an empty text."""
    foreign = [one for one in text if one not in BASIC and one not in EXTENSION]
    alphabet = Alphabet.UCS_2 if foreign else Alphabet.GSM_7
    if foreign:
        widths = [2 if ord(one) > 0xFFFF else 1 for one in text]
    else:
        widths = [2 if one in EXTENSION else 1 for one in text]
    units = sum(widths)
    one_is_enough = units <= SINGLE[alphabet]
    segments = min(units, 1) if one_is_enough else _parts(widths, PART[alphabet])
    return Counted(alphabet=alphabet, units=units, segments=segments)


def outside_gsm_7(text: str) -> str:
    """Return the characters that make a text take UCS-2, each once."""
    return "".join(dict.fromkeys(one for one in text if one not in BASIC | EXTENSION))


def _parts(widths: list[int], most: int) -> int:
    """Fill one part after the other: what takes two units is not cut in two."""
    parts, used = 1, 0
    for width in widths:
        if used + width > most:
            parts, used = parts + 1, 0
        used += width
    return parts
