"""The laboratory is a package beside the product, which only says how to install it."""

import runpy
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

import booking_system
from booking_system.bootstrap import laboratory, up
from booking_system.bootstrap.laboratory import KNOWN
from booking_system.bootstrap.settings import Settings
from tests.api import Api

SRC = Path(booking_system.__file__).parents[1]


def _run(*arguments: str) -> Result:
    """As `cli.py` does, at the start of the program."""
    app = typer.Typer()
    app.command("other")(lambda: None)
    for name, command in laboratory.commands().items():
        app.command(name, **command.settings)(command.run)
    return CliRunner().invoke(app, arguments)


@pytest.fixture
def nothing_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(laboratory, "entry_points", lambda **_: ())


def test_installed_it_has_all_commands_that_are_known() -> None:
    assert set(laboratory.commands()) == set(KNOWN)
    assert "--rounds" in _run("bench", "--help").output


@pytest.mark.usefixtures("nothing_installed")
@pytest.mark.parametrize("name", KNOWN)
def test_what_is_missing_says_how_to_install_it(name: str) -> None:
    done = _run(name, "--url", "https://booking.example.com", "--scale")
    assert done.exit_code == 2
    assert "pip install ./src/booking_lab" in " ".join(done.output.split())
    assert "not installed here" in " ".join(_run(name, "--help").output.split())


def test_a_name_that_was_left_behind_stops_no_command(monkeypatch: pytest.MonkeyPatch) -> None:
    gone = EntryPoint("bench", "booking_lab_that_went.bench:bench", laboratory.COMMANDS)
    monkeypatch.setattr(laboratory, "entry_points", lambda **_: (gone,))
    assert _run("other").exit_code == 0
    assert _run("bench").exit_code == 2


@pytest.mark.usefixtures("nothing_installed")
async def test_a_start_without_demo_data_says_so(api: Api) -> None:
    said: list[str] = []
    await up._fill(Settings(), said.append, lambda *_: None)
    assert said == [f"No demo data: {laboratory.HOW_TO_INSTALL}"]


def test_the_product_works_where_the_laboratory_is_not(tmp_path: Path) -> None:
    """And where it is, what the command line loads of it measures nothing and races nobody."""
    (tmp_path / "booking_system").symlink_to(SRC / "booking_system")
    names = ("bench", "bench.command", "bench.plan", "race", "race.command", "race.plan")
    lines = (
        "import importlib.abc, os, sys",
        f"there = [one for one in sys.path if one != {str(SRC)!r}]",
        f"sys.path = [{str(tmp_path)!r}, *there]",
        "from booking_system.bootstrap import cli",
        "assert 'booking_lab' not in sys.modules",
        "begins = ('booking_lab.bench', 'booking_lab.race', 'httpx')",
        "def loaded(): return sorted(name for name in sys.modules if name.startswith(begins))",
        "assert loaded() == []",
        "if os.fork():",
        "    sys.argv = ['booking-system', 'bench']",
        "    os.wait()",
        "    cli.main()",
        # What is not ours stays, and has not to be loaded again.
        "for name in [one for one in sys.modules if one.startswith('booking_')]:",
        "    del sys.modules[name]",
        f"sys.path = [{str(SRC)!r}, *there]",
        "from booking_system.bootstrap import cli",
        "print(*loaded())",
    )
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 2, done.stderr
    assert "The laboratory" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout.split() == [f"booking_lab.{name}" for name in names]


def test_the_laboratory_has_a_command_line_of_its_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delitem(sys.modules, "booking_lab.__main__", raising=False)
    monkeypatch.setattr(sys, "argv", ["booking_lab", "seed-demo", "--help"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("booking_lab", run_name="__main__", alter_sys=True)
    assert ended.value.code == 0
    assert "--even-if-not-empty" in capsys.readouterr().out
