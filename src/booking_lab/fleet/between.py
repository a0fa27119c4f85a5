"""What stands between: the pooler, the balancer and Redis, by the documented files."""

import os
import signal
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path

import httpx

from booking_lab.fleet import programs
from booking_lab.fleet.part import Part, launched
from booking_lab.fleet.servers import Servers

HOST = "127.0.0.1"
READY = "/health/ready"
ASK_SECONDS = 5.0
CONNECTIONS_OF_ONE = 1000
"""All clients of this machine have one address."""
POOLER, BALANCER = "docs/database/pgbouncer.ini", "docs/proxy/haproxy.cfg"


def pooler(folder: Path, port: int, servers: Servers) -> Part:
    """PgBouncer before the primary. Raises `FleetProblem`."""
    program = programs.pooler()
    users, config = folder / "userlist.txt", folder / "pgbouncer.ini"
    users.write_text(f'"booking_api" "{servers.passwords.api}"\n', encoding="utf-8")
    text = filled(
        programs.of_checkout(POOLER).read_text(encoding="utf-8"),
        {
            "host=database port=5432": f"host={servers.sockets} port=5432",
            "listen_addr = 0.0.0.0": f"listen_addr = {HOST}\nunix_socket_dir =",
            "listen_port = 6432": f"listen_port = {port}",
            "/etc/pgbouncer/userlist.txt": str(users),
        },
    )
    config.write_text(text, encoding="utf-8")
    for path in (users, config):
        if servers.user is not None:
            os.chown(path, servers.user.uid, servers.user.gid)
        path.chmod(0o600)
    log = folder / "pgbouncer.log"
    command: list[str | Path] = [program, config]
    return Part(
        name="pgbouncer",
        address=f"{HOST}:{port}",
        # As root it would not run; and only the server's user may enter where its socket is.
        launch=lambda: launched(command, log=log, folder=Path("/"), user=servers.user),
        answers=lambda: listens(port),
        log=log,
        stops_by=signal.SIGINT,
    )


def filled(text: str, places: Mapping[str, str]) -> str:
    """Put what is here in the place of what is documented."""
    for documented, here in places.items():
        if documented not in text:
            raise programs.FleetProblem(f"The documented file does not say: {documented}")
        text = text.replace(documented, here)
    return text


def balancer(folder: Path, port: int, ports: Sequence[int]) -> Part:
    """HAProxy before the instances. Raises `FleetProblem`."""
    program, config = programs.balancer(), programs.of_checkout(BALANCER)
    log = folder / "haproxy.log"
    environment = {
        "PATH": "/usr/bin:/bin",
        "BALANCER_BIND": f"{HOST}:{port}",
        "CONNECTIONS_OF_ONE": str(CONNECTIONS_OF_ONE),
        **{f"INSTANCE_{place}": f"{HOST}:{one}" for place, one in enumerate(ports, 1)},
    }
    command: list[str | Path] = [program, "-db", "-f", config]
    return Part(
        name="haproxy",
        address=f"http://{HOST}:{port}",
        launch=lambda: launched(command, log=log, folder=folder, environment=environment),
        answers=lambda: is_ready(port),
        log=log,
        # Finishes what is under way.
        stops_by=signal.SIGUSR1,
    )


def redis(folder: Path) -> Part:
    """Valkey on a socket; it keeps nothing. Raises `FleetProblem`."""
    program, place, log = programs.redis(), folder / "redis.sock", folder / "redis.log"
    command: list[str | Path] = [
        program,
        "--port",
        "0",
        "--save",
        "",
        "--appendonly",
        "no",
        "--dir",
        folder,
    ]
    command += ["--unixsocket", place]
    return Part(
        name="redis",
        address=f"unix://{place}",
        launch=lambda: launched(command, log=log, folder=folder),
        answers=lambda: _pongs(place),
        log=log,
    )


def flush(part: Part) -> None:
    """Let Redis forget all that it knows."""
    with socket.socket(socket.AF_UNIX) as asking:
        asking.settimeout(ASK_SECONDS)
        asking.connect(part.address.removeprefix("unix://"))
        asking.sendall(b"FLUSHALL\r\n")
        asking.recv(64)


def listens(port: int) -> bool:
    """Say whether somebody takes connections there."""
    try:
        with socket.create_connection((HOST, port), ASK_SECONDS):
            return True
    except OSError:
        return False


def is_ready(port: int) -> bool:
    """Say whether the API there, or behind it, is ready."""
    try:
        answer = httpx.get(f"http://{HOST}:{port}{READY}", timeout=ASK_SECONDS, trust_env=False)
    except httpx.HTTPError:
        return False
    return answer.status_code == 200


def _pongs(place: Path) -> bool:
    try:
        with socket.socket(socket.AF_UNIX) as asking:
            asking.settimeout(ASK_SECONDS)
            asking.connect(str(place))
            asking.sendall(b"PING\r\n")
            return asking.recv(64).startswith(b"+PONG")
    except OSError:
        return False
