"""How much room there is on the disk of the data directory, where that may be the reason."""

import errno
import os
from pathlib import Path

import structlog

LEAST_BYTES = 32 * 1024 * 1024
"""The embedded server wants 16 MiB at once for what it writes first of all."""
WORDLESS_BYTES = 1024 * 1024
"""With less than this no program can be relied upon to have written why it ended."""
FULL = {errno.ENOSPC, errno.EDQUOT}
log = structlog.get_logger("booking_system.room")


def shortage(data_dir: Path) -> str | None:
    """Say in a sentence that there is hardly any room, if so; the log is told of it, too."""
    left = left_on(data_dir)
    if left is None or left >= LEAST_BYTES:
        return None
    log.error("disk_full", bytes_left=left)
    return f"The disk of the data directory is full: {left // 1024 // 1024} MiB are left."


def left_on(place: Path) -> int | None:
    """Return how many bytes may be written there; None where nobody can say."""
    try:
        found = os.statvfs(place)
    except OSError:
        return None
    return found.f_bavail * found.f_frsize


def is_wordless(place: Path) -> bool:
    """Say whether the disk is so full that a program which ended could not write why."""
    left = left_on(place)
    return left is not None and left < WORDLESS_BYTES


def of_a_full_disk(place: Path) -> str:
    """Say what is wrong and the way out, as a part of a sentence for the operator."""
    return f"the disk of {place} is full; free space, then start again"
