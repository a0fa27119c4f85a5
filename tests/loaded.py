"""A process that has loaded the program and all tests, and forks the workers of pytest-xdist.

Each worker would else load them itself: eight seconds of a processor, and half of their memory. It
is forked itself, from the process that deals the tests, before that has threads. What execnet
starts as a worker's program (`tests/joining.py`) sends its three streams here; the worker that is
forked has them as its own.
"""

import atexit
import contextlib
import gc
import os
import selectors
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from _pytest.assertion.rewrite import AssertionRewritingHook

from tests.forking import forked

ROOT = Path(__file__).parents[1]
JOINING = ROOT / "tests" / "joining.py"
FIXTURES = "tests.fixtures"


class Loaded:
    """The process, for as long as the process that deals the tests is there."""

    def __init__(self, config: pytest.Config) -> None:
        """Fork it; it loads while this process goes on."""
        self._folder = Path(tempfile.mkdtemp(prefix="booking-tests-"))
        self._address = self._folder / "workers"
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(str(self._address))
            listening.listen(64)
            ends, self._lasts = os.pipe()
            self._pid = forked(lambda: self._serve(config, listening, ends), apart=False)
        os.close(ends)

    @property
    def joining(self) -> str:
        """The command that makes a worker here, in place of a Python."""
        return f"{sys.executable} -I -S {JOINING} {self._address}"

    def end(self) -> None:
        os.close(self._lasts)
        os.waitpid(self._pid, 0)

    def _serve(self, config: pytest.Config, listening: socket.socket, ends: int) -> None:
        os.close(self._lasts)
        # All of a terminal's processes hear its Ctrl-C. This ends with the process that deals.
        heard = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            nursery = import_module("tests.nursery")
            nursery.make_one()
            nursery.fork_for_all(self._folder / "nurseries", ends)
            _load(config)
            # A worker that looks at all of it for garbage would copy it by that.
            gc.collect()
            gc.freeze()
            _Workers(listening, ends, heard).serve()
        finally:
            shutil.rmtree(self._folder)


def _load(config: pytest.Config) -> None:
    """Load the modules that pytest will load, as it does, and what they import."""
    config.pluginmanager.rewrite_hook.mark_rewrite(FIXTURES)
    for name in (FIXTURES, *_modules(config)):
        # A worker loads it again, and then pytest says what is wrong with it.
        with contextlib.suppress(Exception):
            import_module(name)


def _modules(config: pytest.Config) -> Iterator[str]:
    for argument in config.args:
        place = Path(config.invocation_params.dir, argument.partition("::")[0]).resolve()
        files = [place] if place.is_file() else [*place.rglob("*.py")]
        for file in sorted(files):
            if file.name.startswith("test_") and file.is_relative_to(ROOT / "tests"):
                yield ".".join(file.relative_to(ROOT).with_suffix("").parts)


class _Workers:
    """Those that were forked, one for each program that joined."""

    def __init__(self, listening: socket.socket, ends: int, heard: signal.Handlers) -> None:
        self._listening = listening
        self._ends = ends
        self._heard = heard
        self._watched = selectors.DefaultSelector()
        self._watched.register(ends, selectors.EVENT_READ)
        self._watched.register(listening, selectors.EVENT_READ, self._take)

    def serve(self) -> None:
        """Fork, until the process that deals is gone."""
        while True:
            for key, _ in self._watched.select():
                if key.fileobj == self._ends:
                    return
                key.data()

    def _take(self) -> None:
        joined, _ = self._listening.accept()
        _, streams, _, _ = socket.recv_fds(joined, 1, 3)
        pid = forked(lambda: _work(streams, self._heard), apart=False)
        for stream in streams:
            os.close(stream)
        ended = os.pidfd_open(pid)
        self._watched.register(ended, selectors.EVENT_READ, lambda: self._bury(ended, joined))
        self._watched.register(joined, selectors.EVENT_READ, lambda: self._end(ended, joined))

    def _bury(self, ended: int, joined: socket.socket) -> None:
        os.waitid(os.P_PIDFD, ended, os.WEXITED)
        self._watched.unregister(ended)
        os.close(ended)
        if joined in self._watched.get_map():
            self._watched.unregister(joined)
        joined.close()

    def _end(self, ended: int, joined: socket.socket) -> None:
        """Kill the worker: execnet has killed its program, because the worker did not end."""
        if joined in self._watched.get_map():
            self._watched.unregister(joined)
            signal.pidfd_send_signal(ended, signal.SIGKILL)


def _work(streams: list[int], heard: signal.Handlers) -> None:
    """Be what the joining program is for execnet."""
    signal.signal(signal.SIGINT, heard)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    os.closerange(3, 1 << 16)
    sys.stdin, sys.stdout, sys.stderr = (
        open(number, mode, closefd=False)  # noqa: SIM115  (they stay)
        for number, mode in enumerate("rww")
    )
    # What the process that deals has still to do is not the worker's.
    atexit._clear()
    sys.meta_path[:] = [one for one in sys.meta_path if not isinstance(one, AssertionRewritingHook)]
    exec(eval(sys.stdin.readline()), {})  # as execnet begins each
    atexit._run_exitfuncs()
