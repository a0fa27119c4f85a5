"""Names of files: as people gave them, shown as text, and never a path of anything."""

import re
import unicodedata
from urllib.parse import quote

from booking_system.files.domain.kinds import MediaKind

LONGEST = 150
_SEPARATORS = re.compile(r"[/\\:*?\"<>|]+")
_NOT_PLAIN = re.compile(r"[^A-Za-z0-9._ ()+-]+")
_TOKENS = "!#$&+-.^_`|~"
"""What stands unescaped in an extended parameter (RFC 8187, `attr-char`), beside letters."""


def clean_name(given: str, kind: MediaKind) -> str:
    """Return the name without folders, with an ending of its kind.

    `given` is one line without anything that cannot be seen.
    """
    name = unicodedata.normalize("NFC", given)
    name = _SEPARATORS.sub("_", name).strip(" .")
    stem = name
    if not name.lower().endswith(kind.endings):
        return (stem[: LONGEST - 5].strip(" .") or "file") + kind.endings[0]
    ending = name[name.rindex(".") :]
    stem = name[: -len(ending)][: LONGEST - len(ending)].strip(" .")
    return (stem or "file") + ending


def as_attachment(name: str) -> str:
    """Return the field `Content-Disposition` that keeps it under this name (RFC 6266).

    Programs that know `filename*` take that, others the plain one. The text is ASCII, one line.
    """
    folded = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    plain = _NOT_PLAIN.sub("_", folded).strip(" .") or "file"
    exact = quote(name, safe=_TOKENS)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{exact}"
