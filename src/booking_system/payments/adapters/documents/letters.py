"""Which fonts a text needs, and what is shown in place of a letter that none of them has.

Noto has the alphabets, WenQuanYi Micro Hei what is written in China, Japan and Korea. A font is
opened when a text has letters that those before it lack, and never for another one; of a font only
these letters are taken, by HarfBuzz, in a thousandth of a second.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import uharfbuzz as hb


@dataclass(frozen=True, slots=True)
class Font:
    """A font of an installed package; where it `joins`, letters look different side by side."""

    package: str
    file: str
    joins: bool = False

    @property
    def path(self) -> Path:
        """Where it is. Raises `ModuleNotFoundError`."""
        spec = find_spec(self.package)
        if spec is None or spec.origin is None:
            raise ModuleNotFoundError(self.package)
        return Path(spec.origin).parent / self.file


_SCRIPTS: Final = (
    *("Arabic", "Hebrew", "Devanagari", "Thai", "Georgian", "Armenian", "Bengali", "Tamil"),
    *("Telugu", "Gujarati", "Gurmukhi", "Kannada", "Malayalam", "Oriya", "Sinhala", "Khmer"),
    *("Lao", "Myanmar", "Ethiopic", "Symbols"),
)
FIRST: Final = Font("manimgx_fonts", "NotoSans[wght].ttf")
FONTS: Final = (
    FIRST,
    *(Font("manimgx_fonts", f"NotoSans{one}[wght].ttf", joins=True) for one in _SCRIPTS),
    Font("paperang_p2_fonts_cjk", "fonts/wqy-microhei.ttc"),
    Font("manimgx_fonts", "NotoEmoji[wght].ttf"),
)
"""In the order in which they are asked."""
JOINERS: Final = "\u200c\u200d"
UNSEEN: Final = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff]"
)
"""What Unicode has shown as nothing (`Default_Ignorable_Code_Point`), but for joiners."""
CODE_POINTS: Final = " [U+0123456789ABCDEF]"
"""What stands for letters that no font has."""


@dataclass(frozen=True, slots=True)
class Letters:
    """Fonts with the letters of some texts: each letter is in one of them, or in none."""

    parts: Mapping[Font, frozenset[int]]
    is_marked: bool

    @property
    def are_plain(self) -> bool:
        """Say whether each letter stands for itself, from left to right."""
        return not self.is_marked and not any(font.joins for font in self.parts)

    def written(self, text: str) -> str:
        """Return the text with the code point of each letter that no font has in its place.

        A space that no font has is a plain one, and of what is never seen nothing is shown.
        """
        known: frozenset[int] = frozenset().union(*self.parts.values())
        return "".join(one if ord(one) in known else _instead(one) for one in _seen(text, known))

    def subset_into(self, folder: Path) -> list[Path]:
        """Write the fonts with these letters only; such files are small, and quickly read."""
        paths = []
        for place, (font, letters) in enumerate(self.parts.items()):
            path = folder / f"{place}.ttf"
            path.write_bytes(_subset(font, letters))
            paths.append(path)
        return paths


def letters_for(texts: Iterable[str]) -> Letters:
    """Return the fonts that have the letters of all texts, as few as possible."""
    text = "".join(texts)
    missing = frozenset(map(ord, f"{text}{CODE_POINTS}"))
    parts = {}
    for font in FONTS:
        if found := missing & _letters_of(font):
            parts[font] = found
            missing -= found
        if not missing:
            break
    return Letters(parts, is_marked=any(unicodedata.category(one)[0] == "M" for one in text))


def _seen(text: str, known: frozenset[int]) -> str:
    joined = "".join(one for one in text if one not in JOINERS or ord(one) in known)
    return UNSEEN.sub("", joined)


def _instead(one: str) -> str:
    return " " if unicodedata.category(one) == "Zs" else f"[U+{ord(one):04X}]"


def _face(font: Font) -> hb.Face:
    return hb.Face(hb.Blob.from_file_path(font.path))


@cache
def _letters_of(font: Font) -> frozenset[int]:
    letters = frozenset(_face(font).unicodes)
    # They belong to the letters beside them, so to the font of these.
    return letters if font.joins else letters - frozenset(map(ord, JOINERS))


def _subset(font: Font, letters: frozenset[int]) -> bytes:
    face, wanted = _face(font), hb.SubsetInput()
    # A space as well: what is shown as nothing is set as one of no width.
    wanted.unicode_set.update({*letters, ord(" ")})
    wanted.pin_all_axes_to_default(face)
    subset: bytes = hb.subset(face, wanted).blob.data
    return subset
