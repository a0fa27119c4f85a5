"""How much room there is on the disk of the data directory, where that may be the reason."""

import os
from pathlib import Path

import structlog

LEAST_BYTES = 32 * 1024 * 1024
"""The embedded server wants 16 MiB at once for what it writes first of all."""
log = structlog.get_logger("booking_system.room")


def shortage(data_dir: Path) -> str | None:
    """Say in a sentence that there is hardly any room, if so; the log is told of it, too."""
    try:
        found = os.statvfs(data_dir)
    except OSError:
        return None
    left = found.f_bavail * found.f_frsize
    if left >= LEAST_BYTES:
        return None
    log.error("disk_full", bytes_left=left)
    return f"The disk of the data directory is full: {left // 1024 // 1024} MiB are left."
