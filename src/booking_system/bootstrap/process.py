"""How the program's processes live and die together, and which time zones they all use."""

import asyncio
import ctypes
import importlib
import os
import signal
import sys
import zoneinfo
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

PR_SET_PDEATHSIG = 1
PARENT = "BOOKING_DIE_WITH_PARENT"
"""In an API process's environment: the process id of its supervisor."""
LISTENER = "BOOKING_LISTENING_SOCKET"
"""In an API process's environment: the number of the open socket that it shall serve."""
BACKLOG = 2048
GRACEFUL_SECONDS = 10
"""How long an API process may finish its requests after SIGTERM."""
IDLE_SECONDS = 75
"""Until an idle connection is closed: load balancers and clients, which keep them for up to a
minute, have to be first, or a request meets the closing and has no answer."""
# Loaded at import: between fork and exec nothing may be loaded any more.
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


class Interrupted(KeyboardInterrupt):
    """Somebody asked the program to stop, by Ctrl-C or by a signal."""

    def __init__(self, number: int = signal.SIGINT) -> None:
        """`number` is the signal's."""
        super().__init__()
        self.number = number


def die_with_parent(parent: int, last_signal: signal.Signals = signal.SIGKILL) -> None:
    """Ask the kernel to send this process `last_signal` when the process `parent` is gone.

    Call it in the child; the wish survives an exec but not a change of user. Strictly it is the
    parent's *thread* that counts, so fork from one that lives as long as the parent.
    """
    if _LIBC is not None:
        _LIBC.prctl(PR_SET_PDEATHSIG, int(last_signal))
    if os.getppid() != parent:
        # The parent went before the kernel heard of the wish.
        os._exit(1)


def die_with_the_parent_in_the_environment() -> None:
    """Do so if whoever started this process has asked for it; nothing else otherwise."""
    if parent := os.environ.pop(PARENT, ""):
        die_with_parent(int(parent))


def pin_time_zones() -> str:
    """Take zones from the installed package tzdata only, here and in children.

    Returns its version. The operating system's own data may be a year old.
    """
    os.environ["PYTHONTZPATH"] = ""
    zoneinfo.reset_tzpath(to=[])
    zoneinfo.ZoneInfo.clear_cache()
    return time_zone_version()


def time_zone_version() -> str:
    """Return the version of the IANA data in use, such as 2026a."""
    return str(importlib.import_module("tzdata").IANA_VERSION)


@contextmanager
def interruptible() -> Iterator[None]:
    """Turn the first SIGINT, SIGTERM or SIGHUP into `Interrupted`; ignore the next ones.

    The first one starts the clean-up, and nothing may cut that short but SIGKILL.
    """
    caught = _caught()
    before = {which: signal.getsignal(which) for which in caught}

    def interrupt(number: int, _frame: FrameType | None) -> None:
        _ignore(caught)
        raise Interrupted(number)

    for which in caught:
        signal.signal(which, interrupt)
    try:
        yield
    finally:
        for which in caught:
            signal.signal(which, before[which])


async def until_interrupted() -> NoReturn:
    """Wait for such a signal as a task, and raise `Interrupted` then; use it in `interruptible`.

    A signal that raises wherever the program is may be lost: what is raised in a finaliser or in
    a callback from C is only told of, and nobody hears the next signals.
    """
    loop, heard, caught = asyncio.get_running_loop(), asyncio.Event(), _caught()
    before = {which: signal.getsignal(which) for which in caught}
    for which in caught:
        loop.add_signal_handler(which, heard.set)
    try:
        await heard.wait()
    finally:
        for which in caught:
            loop.remove_signal_handler(which)
            signal.signal(which, signal.SIG_IGN if heard.is_set() else before[which])
    raise Interrupted


def _caught() -> list[signal.Signals]:
    """A signal that is ignored, as under nohup, stays so."""
    signals = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
    return [which for which in signals if signal.getsignal(which) is not signal.SIG_IGN]


def _ignore(signals: list[signal.Signals]) -> None:
    for which in signals:
        signal.signal(which, signal.SIG_IGN)
