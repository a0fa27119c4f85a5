"""What the API processes of one instance count together: files in a directory of their own."""

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""In an API process's environment: the directory, which `prometheus_client` looks for."""
NAME = "booking-metrics-"
SUM_OF_THE_LIVING: Final = "livesum"
"""How a gauge is read where several processes count: what those that died had open is gone."""
NEW_SECONDS = 60.0
"""So long a directory may exist before its instance holds it."""


@contextmanager
def counting_together() -> Iterator[str]:
    """Yield a fresh directory, gone afterwards: old counts would be taken for new ones."""
    _remove_abandoned()
    with tempfile.TemporaryDirectory(prefix=NAME) as directory, _opened(Path(directory)) as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield directory


def forget_process(directory: str, pid: int) -> None:
    """Drop what a process was doing when it died; what it has done still counts."""
    # Only the rare death pays for the import.
    from prometheus_client.multiprocess import mark_process_dead  # noqa: PLC0415

    mark_process_dead(pid, directory)  # type: ignore[no-untyped-call]


def _remove_abandoned() -> None:
    """Tidy up after instances that were killed; the kernel let go of their locks."""
    for left in Path(tempfile.gettempdir()).glob(f"{NAME}*"):
        with contextlib.suppress(OSError), _opened(left) as directory:
            about = os.fstat(directory)
            if about.st_uid == os.geteuid() and time.time() - about.st_mtime > NEW_SECONDS:
                fcntl.flock(directory, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(left)


@contextmanager
def _opened(directory: Path) -> Iterator[int]:
    opened = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        yield opened
    finally:
        os.close(opened)
