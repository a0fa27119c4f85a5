"""Processes die together, stop once, and agree on the time zones."""

import asyncio
import os
import signal
import zoneinfo
from pathlib import Path

import pytest

from booking_system.bootstrap.process import (
    Interrupted,
    interruptible,
    pin_time_zones,
    time_zone_version,
    until_interrupted,
)
from tests.bootstrap.processes import alive, environment, eventually, running
from tests.patience import PATIENCE

CHILD = """
import time
from booking_system.bootstrap.process import die_with_the_parent_in_the_environment
die_with_the_parent_in_the_environment()
print("ready", flush=True)
time.sleep(600)
"""
PARENT = """
import os, subprocess, sys, time
os.environ["BOOKING_DIE_WITH_PARENT"] = str(os.getpid())
child = subprocess.Popen([sys.executable, "-c", sys.argv[1]], start_new_session=True)
print(child.pid, flush=True)
time.sleep(600)
"""


def test_a_child_goes_with_its_parent_however_that_goes(tmp_path: Path) -> None:
    with running("-c", PARENT, CHILD, env=environment(), cwd=tmp_path) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert parent.stdout.readline() == "ready\n"
        parent.kill()
        assert eventually(lambda: not alive(child)), "it survived its parent"


def test_a_child_whose_parent_has_gone_already_ends_at_once(tmp_path: Path) -> None:
    env = environment(die_with_parent=1)
    if os.getpid() == 1:
        pytest.skip("process 1 is the parent here")
    with running("-c", CHILD, env=env, cwd=tmp_path) as child:
        assert child.wait(120) == 1


def interrupted_and_disturbed_by(which: signal.Signals, cleaned_up: list[str]) -> None:
    with interruptible():
        try:
            signal.raise_signal(which)
        finally:
            # Clean-up: a second Ctrl-C must not cut it short.
            for again in (signal.SIGINT, signal.SIGTERM):
                signal.raise_signal(again)
            cleaned_up.append("whole")


@pytest.mark.parametrize("which", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_first_signal_interrupts_and_the_next_do_not_disturb(which: signal.Signals) -> None:
    # Whatever started the tests may have ignored it, as `nohup` does.
    outside = signal.signal(which, signal.SIG_DFL)
    cleaned_up: list[str] = []
    try:
        with pytest.raises(Interrupted) as interrupted:
            interrupted_and_disturbed_by(which, cleaned_up)
        assert interrupted.value.number == which
        assert signal.getsignal(which) is signal.SIG_DFL
    finally:
        signal.signal(which, outside)
    assert cleaned_up == ["whole"]


def test_a_signal_that_was_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with interruptible():
            signal.raise_signal(signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_time_zones_come_from_the_package_whatever_the_machine_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "Europe").mkdir()
    (tmp_path / "Europe" / "Berlin").write_bytes(b"rubbish")
    monkeypatch.setenv("PYTHONTZPATH", str(tmp_path))
    zoneinfo.reset_tzpath(to=[str(tmp_path)])
    try:
        assert pin_time_zones() == time_zone_version()
        assert zoneinfo.TZPATH == ()
        assert os.environ["PYTHONTZPATH"] == ""
        assert zoneinfo.ZoneInfo("Europe/Berlin").key == "Europe/Berlin"
    finally:
        zoneinfo.reset_tzpath(to=[])
    assert time_zone_version()[:4].isdigit()


def test_children_use_the_same_time_zones(tmp_path: Path) -> None:
    code = "import zoneinfo; print(zoneinfo.TZPATH)"
    env = {**environment(), "PYTHONTZPATH": ""}
    with running("-c", code, env=env, cwd=tmp_path) as child:
        assert child.stdout is not None
        assert child.stdout.read() == "()\n"


class Last:
    """What is raised in its finaliser is lost."""

    def __del__(self) -> None:
        os.kill(os.getpid(), signal.SIGTERM)


async def test_a_signal_is_heard_wherever_the_program_is() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with interruptible():
        asyncio.get_running_loop().call_soon(Last)
        with pytest.raises(Interrupted):
            async with asyncio.timeout(PATIENCE):
                await until_interrupted()
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
    assert signal.getsignal(signal.SIGTERM) is before
