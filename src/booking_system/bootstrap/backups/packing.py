"""Files of the local disk, packed into one archive, compared with it, and put back."""

import hashlib
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from booking_system.bootstrap.backups.contents import Step
from booking_system.files.application.sweep import SERVED

PIECE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What an archive must hold of one file: its objects, and the sum of the last one."""

    keys: Sequence[str]
    sha256: bytes


def pack(folder: Path, target: Path, step: Step) -> int:
    """Write every stored file below `folder` into an archive; return how many these were.

    A file that is removed meanwhile is left out: nobody may read it any more.
    """
    found = sorted(path for path in (folder / SERVED).rglob("*") if path.is_file())
    packed = 0
    with tarfile.open(target, "w") as archive:
        for number, path in enumerate(found):
            step(number, len(found))
            try:
                archive.add(path, arcname=str(path.relative_to(folder)), recursive=False)
            except FileNotFoundError:
                continue
            packed += 1
    step(len(found), len(found))
    return packed


def missing_in(archive_path: Path, wanted: Mapping[str, Wanted], step: Step) -> list[str]:
    """Return the ids of the files whose objects are not all there as they were stored."""
    sums = dict[str, bytes]()
    with tarfile.open(archive_path) as archive:
        members = archive.getmembers()
        for number, member in enumerate(members):
            step(number, len(members))
            if (content := archive.extractfile(member)) is not None:
                with content:
                    sums[member.name] = _sum_of(content)
        step(len(members), len(members))
    return [
        name
        for name, one in wanted.items()
        if not sums.keys() >= set(one.keys) or sums[one.keys[-1]] != one.sha256
    ]


def _sum_of(content: IO[bytes]) -> bytes:
    made = hashlib.sha256()
    while piece := content.read(PIECE_BYTES):
        made.update(piece)
    return made.digest()


def unpack(archive_path: Path, folder: Path, step: Step) -> int:
    """Put every file back; return how many. Nothing is written outside of `folder`."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tarfile.open(archive_path) as archive:
        members = archive.getmembers()
        for number, member in enumerate(members):
            step(number, len(members))
            archive.extract(member, folder, filter="data")
    step(len(members), len(members))
    return len(members)


def is_in_use(folder: Path) -> bool:
    """Say whether files are stored there already."""
    return any(path.is_file() for path in (folder / SERVED).rglob("*"))
