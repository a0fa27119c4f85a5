"""The files of the page, under an address that has the hash of them all.

One hash for all of them: files name each other by relative addresses, which stay as written.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

STATIC = Path(__file__).parent / "static"
MEDIA_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}
"""What is served; other files that lie there are not."""


@dataclass(frozen=True, slots=True)
class Asset:
    """One file."""

    body: bytes
    media_type: str


@dataclass(frozen=True, slots=True)
class Assets:
    """All files by folder and name, as `call/room.js`; `version` changes with any of them."""

    files: Mapping[str, Asset]
    version: str

    @property
    def modules(self) -> list[str]:
        """The names of all scripts."""
        return [name for name in self.files if name.endswith((".js", ".mjs"))]


def read_assets(folder: Path = STATIC) -> Assets:
    """Read the files into memory, about a hundred kilobytes."""
    files = {}
    whole = sha256()
    for path in sorted(folder.glob("*/*")):
        if path.suffix not in MEDIA_TYPES:
            continue
        name, body = path.relative_to(folder).as_posix(), path.read_bytes()
        files[name] = Asset(body, MEDIA_TYPES[path.suffix])
        for part in (name.encode(), body):
            whole.update(len(part).to_bytes(8, "big") + part)
    return Assets(files, whole.hexdigest()[:20])
