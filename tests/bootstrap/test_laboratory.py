"""The laboratory is a package beside the product, which only says how to install it."""

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
from tests.bootstrap.processes import environment, running

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
    (tmp_path / "booking_system").symlink_to(SRC / "booking_system")
    lines = (
        "import importlib.abc, sys",
        f"sys.path = [{str(tmp_path)!r}] + [one for one in sys.path if one != {str(SRC)!r}]",
        "from booking_system.bootstrap import cli",
        "assert 'booking_lab' not in sys.modules",
        "sys.argv = ['booking-system', 'bench']",
        "cli.main()",
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


def test_the_laboratory_has_a_command_line_of_its_own() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "booking_lab", "seed-demo", "--help"],
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    assert "--even-if-not-empty" in done.stdout


def test_help_loads_nothing_that_measures_or_races() -> None:
    names = ("bench", "bench.command", "bench.plan", "race", "race.command", "race.plan")
    code = (
        "import sys, booking_system.bootstrap.cli\n"
        "begins = ('booking_lab.bench', 'booking_lab.race', 'httpx')\n"
        "print(*sorted(name for name in sys.modules if name.startswith(begins)))"
    )
    with running("-c", code, env=environment(), cwd=Path(sys.prefix)) as process:
        told, _ = process.communicate(timeout=300)
    assert told.split() == [f"booking_lab.{name}" for name in names]
