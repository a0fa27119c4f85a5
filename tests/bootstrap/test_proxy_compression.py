"""The documented proxies compress lists that anybody may read, and nothing for one caller."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path

import httpx
import pytest

from tests.bootstrap.processes import free_port
from tests.patience import PATIENCE

PROXIES = Path(__file__).parents[2] / "docs" / "proxy"
BODY = b'{"items":[' + b",".join([b'{"name":"Example Clinic"}'] * 100) + b"]}"
ANSWER = (
    b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nETag: "a"\r\n'
    b"Content-Length: %d\r\n\r\n%b" % (len(BODY), BODY)
)
LISTS = ("/v1/slots?limit=2", "/v1/slots/next", "/v1/clinics", "/v1/clinics/1/services")
OTHERS = ("/v1/me", "/v1/bookings", "/v1/clinics/1", "/v1/clinics/1/staff", "/v1/slots/1")

pytestmark = pytest.mark.proof


def _program(name: str, package: str) -> str:
    found = os.environ.get(name.upper()) or shutil.which(name) or f"/usr/sbin/{name}"
    assert Path(found).exists(), f"this proof needs {name}: `apt-get install {package}` brings it"
    return found


def _filled(text: str, *places: tuple[str, str]) -> str:
    for documented, here in places:
        assert documented in text, documented
        text = text.replace(documented, here)
    return text


def _nginx(place: Path, port: int, api: int) -> list[str]:
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    paths = "".join(f"{kind}_temp_path {place}/{kind};\n" for kind in kinds)
    text = _filled(
        (PROXIES / "nginx.conf").read_text(),
        ("listen 80;", f"listen 127.0.0.1:{free_port()};"),
        ("listen 443 ssl http2;", f"listen 127.0.0.1:{port};"),
        ("ssl_certificate /etc/nginx/booking.crt;", ""),
        ("ssl_certificate_key /etc/nginx/booking.key;", ""),
        ("127.0.0.1:8000", f"127.0.0.1:{api}"),
        ("/var/log/nginx/", f"{place}/"),
        ("\nhttp {\n", f"\nhttp {{\n{paths}"),
    )
    file = place / "nginx.conf"
    file.write_text(f"pid {place}/nginx.pid;\ndaemon off;\n{text}")
    return [_program("nginx", "nginx"), "-p", str(place), "-c", str(file), "-e", f"{place}/e.log"]


def _haproxy(_: Path, port: int, api: int) -> list[str]:
    about = {"BALANCER_BIND": f"127.0.0.1:{port}", "CONNECTIONS_OF_ONE": "100"}
    about |= {f"INSTANCE_{number}": f"127.0.0.1:{api}" for number in (1, 2, 3)}
    words = [f"{name}={value}" for name, value in about.items()]
    program = _program("haproxy", "haproxy")
    return ["env", *words, program, "-db", "-f", str(PROXIES / "haproxy.cfg")]


def _caddy(place: Path, port: int, api: int) -> list[str]:
    text = _filled(
        (PROXIES / "Caddyfile").read_text(),
        ("\nbooking.example.com {", f"\nhttp://:{port} {{"),
        ("127.0.0.1:8000", f"127.0.0.1:{api}"),
    )
    file = place / "Caddyfile"
    file.write_text(f"{{\n\tadmin off\n}}\n{text}")
    words = [f"HOME={place}", f"XDG_DATA_HOME={place}", f"XDG_CONFIG_HOME={place}"]
    command = ["run", "--config", str(file), "--adapter", "caddyfile"]
    return ["env", *words, _program("caddy", "caddy"), *command]


@asynccontextmanager
async def _answering() -> AsyncIterator[int]:
    """Something that says the same to everybody, as an API would that has rows."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(65536):
            writer.write(ANSWER)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


@contextmanager
def _running(command: list[str], log: Path) -> Iterator[None]:
    with ExitStack() as opened:
        told = opened.enter_context(log.open("wb"))
        process = opened.enter_context(subprocess.Popen(command, stdout=told, stderr=told))
        try:
            yield
        finally:
            process.terminate()
            process.wait(30)


@pytest.mark.parametrize("proxy", [_nginx, _haproxy, _caddy], ids=["nginx", "haproxy", "caddy"])
async def test_lists_that_anybody_may_read_are_compressed_and_nothing_else(
    proxy: object, tmp_path: Path
) -> None:
    assert callable(proxy)
    port = free_port()
    async with _answering() as api:
        command = proxy(tmp_path, port, api)
        with _running(command, tmp_path / "said"):
            headers = {"Host": "booking.example.com", "Accept-Encoding": "gzip"}
            async with httpx.AsyncClient(
                base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=PATIENCE
            ) as client:
                async with asyncio.timeout(PATIENCE):
                    while await _status(client) != 200:  # noqa: ASYNC110
                        await asyncio.sleep(0.1)
                for path in LISTS:
                    answer = await client.get(path)
                    assert answer.headers.get("content-encoding") == "gzip", path
                    assert "accept-encoding" in answer.headers["vary"].lower()
                    assert answer.content == BODY
                    plain = await client.get(path, headers={"Accept-Encoding": "identity"})
                    mine = await client.get(path, headers={"Authorization": "Bearer a"})
                    for one in (plain, mine):
                        assert "content-encoding" not in one.headers, path
                for path in OTHERS:
                    assert "content-encoding" not in (await client.get(path)).headers, path


async def _status(client: httpx.AsyncClient) -> int:
    try:
        return (await client.get("/v1/me")).status_code
    except httpx.TransportError:
        return 0
