"""The embedded server on real processes: whoever dies, the data stays and no process does."""

import os
import pwd
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from booking_system.bootstrap import postgres_binaries
from booking_system.bootstrap.embedded_postgres import EmbeddedPostgres
from booking_system.bootstrap.postgres_binaries import (
    LocalStackError,
    ServerUser,
    binaries_for,
    private_folder,
)
from tests.bootstrap.processes import alive, environment, eventually, running

IS_ROOT = os.geteuid() == 0
HOST = """
import sys, time
from pathlib import Path
from booking_system.bootstrap.embedded_postgres import EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1]))
server.start()
print(server.server_pid, flush=True)
time.sleep(600)
"""


def server_in(place: Path, *, durable: bool = False, **settings: str) -> EmbeddedPostgres:
    return EmbeddedPostgres(place, durable=durable, settings=settings)


@contextmanager
def started(server: EmbeddedPostgres) -> Iterator[EmbeddedPostgres]:
    try:
        server.start()
        yield server
    finally:
        server.stop()


def ask(server: EmbeddedPostgres, statement: str) -> str:
    psql = binaries_for(None, None) / "psql"
    done = subprocess.run(
        [psql, "-XqAt", "-c", statement, server.url], capture_output=True, text=True, check=False
    )
    return done.stdout.strip()


def test_the_server_is_joined_restarted_and_taken_over(place: Path) -> None:
    with started(server_in(place, durable=True)) as owner, started(server_in(place)) as guest:
        assert (owner.owns_the_server, guest.owns_the_server) == (True, False)
        assert ask(owner, "CREATE TABLE kept AS SELECT 42 AS answer") == ""

        first = owner.server_pid
        owner.kill()
        assert eventually(lambda: ask(guest, "SELECT answer FROM kept") == "42")
        second = owner.server_pid
        assert second != first

        owner.stop()
        assert eventually(lambda: ask(guest, "SELECT answer FROM kept") == "42")
        assert guest.owns_the_server
        third = guest.server_pid
        guest.stop()
        guest.stop()
        assert not any(map(alive, (first, second, third)))


def test_when_everything_is_killed_no_process_stays_and_the_data_does(place: Path) -> None:
    host = ("-c", HOST, place / "data")
    with running(*host, env=environment(), cwd=place) as process:
        postmaster = printed_pid(process)
        server = server_in(place / "data")
        assert ask(server, "CREATE TABLE kept AS SELECT 42 AS answer") == ""
        process.kill()
        assert eventually(lambda: not alive(postmaster)), "it survived the program"
    with running(*host, env=environment(), cwd=place) as process:
        postmaster = printed_pid(process)
        os.kill(postmaster, signal.SIGKILL)
        process.kill()
    with started(server_in(place / "data")) as server:
        assert ask(server, "SELECT answer FROM kept") == "42"
        assert server.server_pid != postmaster


def printed_pid(process: "subprocess.Popen[str]") -> int:
    assert process.stdout is not None
    return int(process.stdout.readline())


@pytest.mark.parametrize("name", ["with a space", "with,comma", "deep/" + "x" * 120])
def test_any_path_will_do(place: Path, name: str) -> None:
    server = server_in(place / name)
    try:
        with started(server):
            assert ask(server, "SELECT 1") == "1"
    finally:
        if not server.sockets.is_relative_to(place):
            shutil.rmtree(server.sockets)


def test_an_ordinary_user_needs_no_other_user(place: Path) -> None:
    become, owner = "", os.geteuid()
    if IS_ROOT:
        nobody = pwd.getpwnam("nobody")
        owner, group = nobody.pw_uid, nobody.pw_gid
        os.chown(place, owner, group)
        # The interpreter may be root's alone: it is loaded by then.
        become = f"import os; os.setgroups([]); os.setgid({group}); os.setuid({owner})"
    code = HOST.replace("server =", f"{become}\nserver =", 1)
    code = code.replace("time.sleep(600)", "server.stop()")
    done = subprocess.run(
        [sys.executable, "-c", code, place / "data"],
        env=environment(),
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert not alive(int(done.stdout))
    assert (place / "data").stat().st_uid == owner


def test_what_the_servers_user_cannot_reach_is_put_where_it_can(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reachable = place / "reachable"
    monkeypatch.setattr(postgres_binaries, "REACHABLE", reachable)
    monkeypatch.setattr(ServerUser, "can_run", lambda *_: False)
    closed = place / "closed"
    closed.mkdir(mode=0o700)
    with started(server_in(closed / "data")) as server:
        assert ask(server, "SELECT 1") == "1"
        # An ordinary user is the server's user, and can reach whatever is theirs.
        assert server.root.is_relative_to(reachable if IS_ROOT else closed)
        program = Path(f"/proc/{server.server_pid}/exe").readlink()
        assert program.is_relative_to(reachable) is IS_ROOT
    assert closed.stat().st_mode & 0o777 == 0o700
    assert len(list(reachable.glob("postgres-*"))) == IS_ROOT
    if IS_ROOT:
        assert (closed / "data" / "postgres-is-at").read_text() == f"{server.root}\n"


def test_a_folder_that_others_could_enter_is_closed(place: Path) -> None:
    (place / "open").mkdir()
    (place / "open").chmod(0o777)
    private_folder(place / "open", None)
    assert (place / "open").stat().st_mode & 0o777 == 0o700


def test_a_folder_of_somebody_else_is_refused(place: Path) -> None:
    # Never a real one: without the protection, the link's end loses its mode and owner.
    (place / "elsewhere").mkdir(mode=0o755)
    (place / "link").symlink_to(place / "elsewhere")
    with pytest.raises(LocalStackError, match="cannot be used"):
        private_folder(place / "link", None)
    assert (place / "elsewhere").stat().st_mode & 0o777 == 0o755


def test_a_foreign_folder_is_refused_even_by_root(place: Path) -> None:
    theirs = Path("/usr")
    if IS_ROOT:
        theirs = place / "theirs"
        theirs.mkdir()
        os.chown(theirs, 12345, 12345)
    with pytest.raises(LocalStackError, match="belongs to somebody else"):
        private_folder(theirs, None)


def test_a_server_that_cannot_start_says_why_at_once(place: Path) -> None:
    with pytest.raises(LocalStackError, match="max_connections") as raised:
        server_in(place, max_connections="none").start()
    assert str(place / "postgres" / "postgres.log") in str(raised.value)


def test_a_directory_without_programs_is_refused(place: Path) -> None:
    with pytest.raises(LocalStackError, match="BOOKING_POSTGRES_BIN"):
        EmbeddedPostgres(place, binaries=place)


def test_without_the_wheel_the_operator_learns_what_to_do(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_binaries, "find_spec", lambda _: None)
    with pytest.raises(LocalStackError, match="set BOOKING_DATABASE_URL"):
        EmbeddedPostgres(place)
