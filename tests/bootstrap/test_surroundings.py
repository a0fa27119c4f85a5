"""`check` looks at addresses, folders and files, and makes nothing."""

import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from booking_system.bootstrap import checks, surroundings
from booking_system.bootstrap.cli import app
from booking_system.bootstrap.secret_key import FILE_NAME, key_kept_in
from booking_system.bootstrap.settings import Settings

pytestmark = pytest.mark.usefixtures("clean_environment", "logging_put_back")


@pytest.fixture(autouse=True)
def _own_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["check", *arguments])


def test_an_empty_folder_stays_empty(tmp_path: Path) -> None:
    done = run()
    assert done.exit_code == 0
    assert f"There is no database yet: `up` makes one in {tmp_path / '.data'}." in done.output
    assert (
        f"data directory: {tmp_path / '.data'}, no database is in it yet; BOOKING_DATA_DIR is "
        "relative (.data), so a start from another folder has another one\n"
    ) in done.output
    assert list(tmp_path.iterdir()) == []


def test_it_says_where_the_data_is_and_whether_a_database_is_in_it(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    assert checks.place_of_data(settings) == f"{tmp_path}, no database is in it yet"
    (tmp_path / "postgres" / "cluster").mkdir(parents=True)
    (tmp_path / "postgres" / "cluster" / "PG_VERSION").touch()
    assert checks.place_of_data(settings) == f"{tmp_path}, a database is in it"
    elsewhere = settings.with_database("postgresql:///elsewhere")
    assert "the database is elsewhere" in checks.place_of_data(elsewhere)


def test_a_database_elsewhere_makes_no_key_here(tmp_path: Path, database_url: str) -> None:
    elsewhere = {"BOOKING_DATABASE_URL": database_url}
    done = CliRunner().invoke(app, ["check"], env=elsewhere)
    assert done.exit_code == 0, done.output
    assert list(tmp_path.iterdir()) == []


def test_machines_read_the_same(database_url: str) -> None:
    done = CliRunner().invoke(
        app, ["check", "--json"], env={"BOOKING_DATABASE_URL": database_url, "BOOKING_PROT": "1"}
    )
    told = json.loads(done.stdout)
    assert done.exit_code == told["exit_code"] == 0
    assert told["settings"] == told["database"] == []
    assert told["advice"][0].endswith("did you mean BOOKING_PORT?")
    assert told["unsafe_for_production"][0].startswith("BOOKING_SECRET_KEY must be set")
    assert told["in_force"]["BOOKING_PORT"] == "8000"
    assert "the database is elsewhere" in told["data_directory"]
    wrong = CliRunner().invoke(app, ["check", "--json"], env={"BOOKING_HOST": "192.0.2.1"})
    assert wrong.exit_code == json.loads(wrong.stdout)["exit_code"] == 2
    assert json.loads(wrong.stdout)["settings"] == [
        "192.0.2.1 is no address of this machine: set BOOKING_HOST."
    ]


@pytest.mark.parametrize("host", ["192.0.2.1", "nowhere.invalid"])
def test_a_host_that_is_elsewhere_is_found(host: str) -> None:
    (told,) = surroundings.wrong(Settings(host=host))
    assert told == f"{host} is no address of this machine: set BOOKING_HOST."


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "localhost"])
def test_a_host_of_this_machine_is_fine(host: str) -> None:
    assert list(surroundings.wrong(Settings(host=host))) == []


@pytest.mark.parametrize(
    ("proxies", "sentences"),
    [
        ("*", []),
        ("10.0.0.7, 192.168.0.0/16, fd00::/8", []),
        ("nginx", ["nginx is no address"]),
        ("10.0.0.7;10.0.0.8", ["10.0.0.7;10.0.0.8 is no address"]),
        ("10.0.0.7/8, 127.0.0.1", ["10.0.0.7/8 is no address", "did you mean 10.0.0.0/8?"]),
        ("http://10.0.0.7", ["http://10.0.0.7 is no address"]),
    ],
)
def test_a_proxy_that_nobody_is_by_that_name_is_found(proxies: str, sentences: list[str]) -> None:
    told = "".join(surroundings.wrong(Settings(forwarded_allow_ips=proxies)))
    assert all(one in told for one in sentences)
    assert bool(told) == bool(sentences)


def test_a_folder_that_cannot_be_used_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    (told,) = surroundings.wrong(Settings(data_dir=Path("file/data")))
    assert told.endswith(f"{tmp_path / 'file'} is no folder.")
    # The tests may run as root, who may write anywhere.
    monkeypatch.setattr(os, "access", lambda *_, **__: False)
    (told,) = surroundings.wrong(Settings(data_dir=tmp_path))
    assert told.endswith("which cannot be written to by the user of this program.")
    (told,) = surroundings.wrong(Settings(data_dir=Path("a/b")))
    assert f"{tmp_path / 'a' / 'b'}, which cannot be made in {tmp_path}" in told


def test_a_key_that_others_can_read_is_found(tmp_path: Path) -> None:
    key_kept_in(tmp_path)
    usual, given = Settings(data_dir=tmp_path), tmp_path / "given.pem"
    assert list(surroundings.advice(usual)) == []
    (tmp_path / FILE_NAME).chmod(0o640)
    (told,) = surroundings.advice(usual)
    assert told.startswith(f"{tmp_path / FILE_NAME} can be read by others")
    given.write_text((tmp_path / FILE_NAME).read_text())
    given.chmod(0o644)
    *_, elsewhere = surroundings.advice(Settings(data_dir=tmp_path, secret_key=str(given)))
    assert elsewhere.startswith(f"{given} can be read by others")


def test_a_slip_in_the_file_is_noticed_and_so_is_who_can_read_it(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("BOOKING_PROT=8001\nOTHER=1\nBOOKING_PUBLIC_NAME=x\n")
    file.chmod(0o644)
    settings = Settings()
    slip, unknown = checks.warnings_about(settings)
    assert slip == "BOOKING_PROT is not a setting and has no effect; did you mean BOOKING_PORT?"
    assert unknown == "BOOKING_PUBLIC_NAME is not a setting and has no effect."
    assert list(surroundings.advice(settings)) == []
    file.write_text("BOOKING_ADMIN_PASSWORD=correct-horse\n")
    (told,) = surroundings.advice(settings)
    assert told == "The file .env can be read by others, and has secrets: run `chmod 600 .env`."
    file.chmod(0o600)
    assert list(surroundings.advice(settings)) == []
