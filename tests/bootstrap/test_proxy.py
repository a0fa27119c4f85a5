"""The documented proxy before a real instance: what it keeps away, and what it lets through."""

import asyncio
import shutil
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.bootstrap.processes import free_port
from tests.patience import PATIENCE
from tests.servers import serving

DOCUMENTED = Path(__file__).parents[2] / "docs" / "proxy" / "nginx.conf"
NGINX = shutil.which("nginx") or "/usr/sbin/nginx"
LINE = b"GET /v1/clinics HTTP/1.1\r\nHost: booking.example.com\r\n"
AT_ONCE = 0.1

pytestmark = pytest.mark.proof


def _certificate(place: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "booking.example.com")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName("booking.example.com")]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    (place / "booking.crt").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (place / "booking.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )


@contextmanager
def _proxied(place: Path, api: str) -> Iterator[int]:
    """Run nginx with the documented file, on other ports and in another folder; yield its port."""
    assert Path(NGINX).exists(), "this proof needs nginx: `apt-get install nginx` brings it"
    _certificate(place)
    plain, secure = free_port(), free_port()
    text = DOCUMENTED.read_text()
    for documented, here in (
        ("listen 80;", f"listen 127.0.0.1:{plain};"),
        ("listen 443 ssl", f"listen 127.0.0.1:{secure} ssl"),
        ("127.0.0.1:8000", api.removeprefix("http://")),
        ("/etc/nginx/", f"{place}/"),
        ("/var/log/nginx/", f"{place}/"),
    ):
        assert documented in text
        text = text.replace(documented, here)
    (place / "nginx.conf").write_text(f"pid {place}/nginx.pid;\ndaemon off;\n{text}")
    command = [NGINX, "-p", str(place), "-c", str(place / "nginx.conf"), "-e", str(place / "e.log")]
    with subprocess.Popen(command) as process:
        try:
            yield secure
        finally:
            process.terminate()
            process.wait(30)


def _trusting(place: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(place / "booking.crt"))
    context.check_hostname = False
    return context


async def _up(client: httpx.AsyncClient) -> None:
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                if (await client.get("/health/live")).status_code == 200:
                    return
            except httpx.TransportError:
                await asyncio.sleep(0.1)


async def test_the_documented_proxy_bounds_heads_and_hides_metrics(
    database_url: str, tmp_path: Path
) -> None:
    with (
        serving(database_url, tmp_path, processes=1, forwarded_allow_ips="127.0.0.1") as api,
        _proxied(tmp_path, api) as port,
    ):
        trust = _trusting(tmp_path)

        async def attack(data: bytes, pieces: int) -> bytes:
            _, writer = opened = await asyncio.open_connection("127.0.0.1", port, ssl=trust)
            try:
                writer.write(LINE)
                for _ in range(pieces):
                    writer.write(data)
                    await writer.drain()
                return await opened[0].read(16)
            except (ConnectionError, ssl.SSLError):
                return b""
            finally:
                writer.transport.abort()

        address = f"https://127.0.0.1:{port}"
        headers = {"Host": "booking.example.com"}
        async with httpx.AsyncClient(
            base_url=address, verify=trust, headers=headers, timeout=PATIENCE
        ) as client:
            await _up(client)
            answer = await client.get("/v1/clinics")
            assert answer.status_code == 200
            assert answer.headers["strict-transport-security"] == "max-age=31536000"
            assert (await client.get("/metrics")).status_code == 404
            assert (await client.get("/v1/clinics", headers={"X": "a" * 9000})).status_code == 400
            idle = [await asyncio.open_connection("127.0.0.1", port, ssl=trust) for _ in range(90)]
            for _, writer in idle:
                writer.write(LINE)
            attacks = [
                asyncio.ensure_future(attack(b"X: " + b"a" * 60_000, 1000)),
                asyncio.ensure_future(attack(b"a: b\r\n" * 10_000, 40)),
            ]
            longest = 0.0
            for _ in range(100):
                begun = time.perf_counter()
                assert (await client.get("/health/live")).status_code == 200
                longest = max(longest, time.perf_counter() - begun)
            told = await asyncio.gather(*attacks)
            assert {one for one in told if one} <= {b"HTTP/1.1 400 Bad"}
            assert longest < AT_ONCE, f"{longest * 1000:.0f} ms"
            for _, writer in idle:
                writer.transport.abort()
