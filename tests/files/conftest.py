"""Files over both storages: the local disk, and moto's S3."""

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from moto.core import DEFAULT_ACCOUNT_ID
from moto.s3.models import s3_backends
from moto.server import ThreadedMotoServer

from tests.api import Api, Person
from tests.bootstrap.processes import free_port
from tests.files.sending import Files
from tests.patience import PATIENCE
from tests.stage import Stage

BUCKET = "booking-files"
REGION = "eu-central-1"
KEY, SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"


@pytest.fixture(scope="session")
def s3() -> Iterator[str]:
    """The address of a bucket; its server takes long to start."""
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    origin = f"http://{host}:{port}"
    s3_backends[DEFAULT_ACCOUNT_ID]["aws"].create_bucket(BUCKET, REGION)
    yield address_of(origin)
    server.stop()


def address_of(origin: str) -> str:
    secret = SECRET.replace("/", "%2F")
    return f"s3://{KEY}:{secret}@{BUCKET}?region={REGION}&prefix=clinics&endpoint={origin}"


@pytest.fixture
async def s3_elsewhere() -> AsyncIterator[str]:
    """The address of a bucket whose server is a process of its own: its memory is not ours."""
    port = str(free_port())
    origin = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", port]
    quiet = asyncio.subprocess.DEVNULL
    server = await asyncio.create_subprocess_exec(*command, stdout=quiet, stderr=quiet)
    try:
        async with asyncio.timeout(PATIENCE):
            await make_bucket(origin)
        yield address_of(origin)
    finally:
        server.kill()
        await server.wait()


async def make_bucket(origin: str) -> None:
    """Do so as soon as the server listens."""
    place = f"<LocationConstraint>{REGION}</LocationConstraint>"
    body = f"<CreateBucketConfiguration>{place}</CreateBucketConfiguration>"
    async with httpx.AsyncClient(timeout=PATIENCE) as client:
        while True:
            try:
                answer = await client.put(f"{origin}/{BUCKET}", content=body)
            except httpx.TransportError:
                await asyncio.sleep(0.05)
                continue
            answer.raise_for_status()
            return


@pytest.fixture(params=["disk", "s3"])
async def files(
    request: pytest.FixtureRequest, database_url: str, stage: Stage
) -> AsyncIterator[Files]:
    about: dict[str, Any] = {}
    if request.param == "s3":
        about["storage_url"] = request.getfixturevalue("s3")
    async with stage.api(**about) as api:
        files = Files(api, request.param)
        await files.objects.delete(await files.keys())
        yield files


@pytest.fixture
async def disk(api: Api) -> Files:
    """The usual application alone, for what has nothing to do with the storage."""
    files = Files(api, "disk")
    await files.objects.delete(await files.keys())
    return files


@dataclass(frozen=True, slots=True)
class Visit:
    """A booking and its people."""

    clinic: dict[str, Any]
    doctor: dict[str, Any]
    booking: dict[str, Any]
    patient: Person
    doctor_account: Person
    admin: Person
    receptionist: Person


async def a_visit(api: Api) -> Visit:
    clinic = await api.clinic()
    doctor = await api.doctor(clinic)
    (slot,) = await api.slots(doctor)
    patient = await api.patient()
    answer = await api.book(slot, patient)
    assert answer.status_code == 201, answer.text
    return Visit(
        clinic,
        doctor,
        answer.json(),
        patient,
        await api.doctor_account(doctor),
        await api.clinic_admin(clinic["id"]),
        await api.receptionist(clinic["id"]),
    )
