"""The command line: plain sentences, and the exit codes that --help promises."""

import socket
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import orjson
import pytest
from typer.testing import CliRunner, Result

from booking_system import __version__
from booking_system.bootstrap import (
    cli,
    horizon,
    http_app,
    payment_checks,
    payment_commands,
    up,
    worker_program,
)
from booking_system.bootstrap.cli import app
from booking_system.bootstrap.console import progress
from booking_system.bootstrap.migrations import newest
from booking_system.bootstrap.process import Interrupted
from booking_system.bootstrap.serve import ApiFailed
from booking_system.bootstrap.settings import Settings
from booking_system.payments.adapters.own_accounts.comparing import Compared
from booking_system.payments.application.reconcile import Reconciled
from booking_system.payments.domain.attempt import PaymentId
from booking_system.platform.postgres.faults import DependencyUnavailable
from booking_system.scheduling.application.extend_horizon import Extension, MovedBooking
from booking_system.shared_kernel.errors import NotFound, Transient
from booking_system.shared_kernel.identifiers import AppointmentId, SlotId
from tests.api import document_of_all
from tests.postgres import TestServer


@pytest.fixture(autouse=True)
def _own_place(
    tmp_path: Path,
    clean_environment: None,
    logging_put_back: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
async def empty_database(
    postgres: TestServer, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[str]:
    async with postgres.database(template="template0") as url:
        monkeypatch.setenv("BOOKING_DATABASE_URL", url)
        yield url


@pytest.fixture
def no_database(monkeypatch: pytest.MonkeyPatch) -> None:
    def must_not_start(_: object) -> None:
        raise AssertionError("the database starts although the port is taken")

    monkeypatch.setattr(up, "database_for", must_not_start)


@pytest.fixture
def taken_port(monkeypatch: pytest.MonkeyPatch, no_database: None) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        monkeypatch.setenv("BOOKING_PORT", str(port))
        yield port


def run(*arguments: str, typed: str | None = None) -> Result:
    return CliRunner().invoke(app, arguments, input=typed, prog_name="booking-system")


def test_help_tells_the_exit_codes() -> None:
    done = run("--help")
    assert done.exit_code == 0
    told = " ".join(done.output.split())
    assert "0 done, 1 failed, 2 wrong usage or settings, 3 trouble with the database" in told
    assert "4 the port is taken, 5 a provider did not answer" in told


@pytest.mark.usefixtures("clean_environment")
def test_help_tells_where_the_data_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["booking-system", "--help"])
    monkeypatch.setattr(app.info, "epilog", "")
    with pytest.raises(SystemExit):
        cli.main()
    told = "".join(capsys.readouterr().out.split())
    assert f"Dataisin{tmp_path / '.data'}(BOOKING_DATA_DIR)." in told


def test_help_is_in_whole_sentences() -> None:
    told = run("--help").output
    assert told.startswith("Usage: booking-system ")
    _, _, commands = told.partition("Commands:\n")
    listed, _, _ = commands.partition("\n\n")
    assert len(listed.splitlines()) > 15
    assert [line for line in listed.splitlines() if not line.endswith(".") or "..." in line] == []


def test_it_knows_its_version() -> None:
    assert run("--version").output == f"{__version__}\n"


def test_wrong_usage_ends_with_2() -> None:
    assert run("fly").exit_code == 2


@pytest.mark.parametrize(
    "command",
    ["up", "serve", "migrate", "seed-demo", "create-admin", "extend-horizon", "openapi", "check"],
)
def test_wrong_settings_end_with_2_and_a_sentence(
    command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BOOKING_PORT", "many")
    done = run(command)
    assert done.exit_code == 2
    assert done.output == "BOOKING_PORT must be a number from 1 to 65535.\n"


@pytest.mark.parametrize(
    "command", ["serve", "migrate", "extend-horizon", "payments reconcile", "check"]
)
def test_a_database_that_is_not_there_ends_with_3(
    command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BOOKING_DATABASE_URL", "postgresql://booking:horse@127.0.0.1:1/booking")
    done = run(*command.split())
    assert done.exit_code == 3
    assert "The database cannot be reached" in done.output
    assert "horse" not in done.output
    assert "Traceback" not in done.output


@pytest.mark.parametrize("command", ["up", "serve"])
def test_a_taken_port_ends_with_4_before_the_database_starts(
    command: str, taken_port: int, tmp_path: Path
) -> None:
    done = run(command)
    assert done.exit_code == 4
    assert f"Port {taken_port} on 127.0.0.1 is taken" in done.output
    assert not (tmp_path / ".data").exists()


@pytest.mark.usefixtures("no_database")
def test_a_port_is_taken_even_by_somebody_who_would_share_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BOOKING_API_PROCESSES", "2")
    with socket.create_server(("127.0.0.1", 0), reuse_port=True) as listener:
        monkeypatch.setenv("BOOKING_PORT", str(listener.getsockname()[1]))
        assert run("up").exit_code == 4


@pytest.mark.usefixtures("no_database")
def test_an_address_of_another_machine_ends_with_4(monkeypatch: pytest.MonkeyPatch) -> None:
    for host in ("192.0.2.1", "nowhere.invalid"):
        monkeypatch.setenv("BOOKING_HOST", host)
        done = run("up")
        assert done.exit_code == 4
        assert done.output == f"{host} is no address of this machine: set BOOKING_HOST.\n"


@pytest.mark.usefixtures("empty_database")
def test_a_database_is_checked_migrated_and_checked_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = run("check")
    assert before.exit_code == 3
    assert "run `booking-system migrate`" in before.output
    assert run("serve").exit_code == 3

    async def must_not_work() -> None:
        raise AssertionError

    monkeypatch.setattr(worker_program, "until_interrupted", must_not_work)
    refused = run("worker")
    version = f"(schema none, and this version works on {newest()})"
    say = f"The tables are not up to date {version}: run `booking-system migrate` first.\n"
    assert (refused.exit_code, refused.output) == (3, say)
    assert run("extend-horizon").exit_code == 3
    for _ in range(2):
        done = run("migrate")
        assert (done.exit_code, done.output) == (0, "The tables are up to date.\n")
    filled = run("extend-horizon")
    nothing = "Calendars: 0. Slots opened: 0. Slots withdrawn: 0.\n"
    assert (filled.exit_code, filled.output) == (0, nothing)
    compared = run("payments", "reconcile")
    assert (compared.exit_code, compared.output.splitlines()[-1]) == (
        0,
        "0 looked at, 0 repaired, 0 without an answer, 0 drifting.",
    )
    after = run("check")
    assert after.exit_code == 0
    *_, verdict, first, second, third, fourth = after.output.splitlines()
    assert verdict == "Fit for development only. Production would refuse this:"
    assert first.startswith("  - BOOKING_SECRET_KEY must be set")
    assert second.startswith("  - BOOKING_DEMO must be false")
    assert third.startswith("  - BOOKING_PUBLIC_URL must be the https address")
    assert fourth.startswith("  - BOOKING_DATABASE_URL comes as a superuser")

    async def found(_: Settings) -> Compared:
        return Compared(wrong=["It is not subscribed to refund.failed."], unsure=["Silent."])

    monkeypatch.setattr(payment_checks, "compared", found)
    told = run("check")
    assert told.exit_code == 2
    assert told.output.splitlines()[-2:] == ["Silent.", "It is not subscribed to refund.failed."]


@pytest.mark.parametrize(
    ("found", "code"),
    [
        (Reconciled(drifting=[(PaymentId(UUID(int=7)), 5000, 4000)]), 1),
        (Reconciled(unanswered=[(PaymentId(UUID(int=7)), "ProviderUnsure")]), 5),
    ],
    ids=["drift", "silence"],
)
@pytest.mark.usefixtures("no_database")
def test_books_that_differ_and_silence_have_codes_of_their_own(
    found: Reconciled, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(payment_commands, "_reconcile", lambda *_: found)
    done = run("payments", "reconcile")
    assert done.exit_code == code
    assert str(UUID(int=7)) in done.output


def test_bookings_that_the_clock_left_behind_are_told_by_id_and_time() -> None:
    one, at = UUID(int=7), datetime(2027, 7, 1, 7, tzinfo=UTC)
    moved = MovedBooking(
        appointment_id=AppointmentId(one),
        slot_id=SlotId(one),
        starts_at=at,
        wall_was=datetime(2027, 7, 1, 9),  # noqa: DTZ001
        wall_is=datetime(2027, 7, 1, 8),  # noqa: DTZ001
    )

    told = list(horizon.sentences(Extension(doctors=1, opened=2, withdrawn=3, moved=(moved,))))

    assert told[0] == "Calendars: 1. Slots opened: 2. Slots withdrawn: 3."
    assert told[2] == (
        f"  booking {one}, 2027-07-01T07:00Z: was 2027-07-01 09:00, is 2027-07-01 08:00"
    )


def test_the_openapi_document_needs_no_database_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # To make it takes a second; `tests/platform/test_reference.py` does that.
    monkeypatch.setattr(http_app, "document_of", lambda *_, **__: document_of_all())
    printed = run("openapi")
    assert printed.exit_code == 0
    assert orjson.loads(printed.stdout)["info"]["version"] == __version__
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr(up, "openapi", lambda _: printed.stdout)
    assert run("openapi", "--output", "openapi.json").exit_code == 0
    assert [place.name for place in tmp_path.iterdir()] == ["openapi.json"]
    assert (tmp_path / "openapi.json").read_text(encoding="utf-8") == printed.stdout
    assert run("openapi", "--output", "absent/openapi.json").exit_code == 1


@pytest.mark.parametrize(
    ("trouble", "code", "sentence"),
    [
        (Transient("57P03"), 3, "The database does not answer"),
        (DependencyUnavailable(), 3, "The database does not answer"),
        (NotFound(), 1, NotFound().detail),
        (ApiFailed(2), 2, "The API did not start"),
        (ApiFailed(-9), 1, "The API did not start"),
        (Interrupted(), 130, "Stopped."),
    ],
)
def test_foreseeable_trouble_is_a_sentence_and_a_code(
    trouble: BaseException, code: int, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise trouble

    monkeypatch.setattr(up, "migrate", fails)
    done = run("migrate")
    assert done.exit_code == code
    assert sentence in done.output
    assert "Traceback" not in done.output


def test_an_unknown_error_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(up, "migrate", fails)
    assert isinstance(run("migrate").exception, ZeroDivisionError)


def test_an_administrator_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    named = []
    monkeypatch.setattr(up, "create_admin", lambda settings: named.append(settings) or True)
    done = run("create-admin", typed="admin@example.com\ncorrect-horse\ncorrect-horse\n")
    assert done.exit_code == 0
    assert done.output.endswith("The administrator was made.\n")
    assert "correct-horse" not in done.output
    assert named[0].admin_email == "admin@example.com"
    assert named[0].admin_password.get_secret_value() == "correct-horse"
    assert run("create-admin", typed="nobody\nx\nx\n").exit_code == 2


def test_an_administrator_needs_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    named = []
    monkeypatch.setattr(up, "create_admin", lambda settings: named.append(settings) or True)
    done = run("create-admin", "--email", "a@example.com", "--password-stdin", typed="one\ntwo\n")
    assert (done.exit_code, done.output) == (0, "The administrator was made.\n")
    assert named[0].admin_email == "a@example.com"
    assert named[0].admin_password.get_secret_value() == "one"
    for options in ([], ["--email", "a@example.com"], ["--password-stdin"]):
        done = run("create-admin", *options, typed="")
        assert done.exit_code == 2
        assert "There is nobody to ask: give --email and --password-stdin" in done.output
    assert len(named) == 1


def test_an_administrator_from_the_environment_is_not_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BOOKING_ADMIN_EMAIL", "admin@example.com")
    monkeypatch.setenv("BOOKING_ADMIN_PASSWORD", "correct-horse")
    monkeypatch.setattr(up, "create_admin", lambda _: False)
    done = run("create-admin")
    assert (done.exit_code, done.output) == (0, "This administrator exists already.\n")


def test_progress_is_shown_to_people_only(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("Demo data") as step:
        step(1, 2)
        step(2, 2)
    assert capsys.readouterr() == ("", "")
