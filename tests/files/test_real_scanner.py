"""The virus scanner itself: Debian's clamd, with a signature of its own test file."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from booking_system.files.adapters.addresses import ClamdAddress, clamd_address
from booking_system.files.adapters.clamd import Clamd
from booking_system.files.domain.refusals import StorageUnavailable
from booking_system.files.domain.stored_file import Fault, UploadFault
from tests.bootstrap.processes import eventually
from tests.files.sending import PDF, an_upload
from tests.files.test_scanner import EICAR

pytestmark = pytest.mark.proof

MIB = 1 << 20


@contextmanager
def a_clamd(place: Path, *lines: str) -> Iterator[ClamdAddress]:
    """Run one whose database knows the test file and nothing else."""
    program = shutil.which("clamd", path="/usr/sbin:/usr/local/sbin:/usr/bin")
    assert program, "this proof needs clamd: `apt-get install clamav-daemon` brings it"
    known = place / "known"
    known.mkdir()
    sign = b"EICAR-STANDARD-ANTIVIRUS-" + b"TEST-FILE"
    (known / "test.ndb").write_text(f"Test.File:0:*:{sign.hex()}\n")
    at = place / "clamd.ctl"
    said = place / "clamd.conf"
    usual = [f"LocalSocket {at}", f"DatabaseDirectory {known}", "Foreground yes"]
    said.write_text("\n".join([*usual, *lines]) + "\n")
    with (place / "log").open("w") as log:
        process = subprocess.Popen([program, "-c", str(said)], stdout=log, stderr=log)
    try:
        assert eventually(at.exists), (place / "log").read_text()
        yield clamd_address(f"unix:{at}")
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("c")


async def test_it_says_what_is_clean_and_what_is_not(place: Path, tmp_path: Path) -> None:
    with a_clamd(place, "StreamMaxLength 100M") as address:
        scanner = Clamd(address=address)
        await scanner.look(an_upload(tmp_path, PDF))
        await scanner.look(an_upload(tmp_path, PDF[:9] + bytes(90 * MIB) + b"\n%%EOF\n"))
        with pytest.raises(UploadFault) as told:
            await scanner.look(an_upload(tmp_path, PDF[:-6] + EICAR + b"\n%%EOF"))
    assert told.value.fault is Fault.MALWARE


async def test_what_is_longer_than_it_takes_does_not_pass(place: Path, tmp_path: Path) -> None:
    """It ends the connection, with or without a word, as it happens."""
    with a_clamd(place, "StreamMaxLength 1M") as address:
        for size in (MIB + 1, 20 * MIB):
            with pytest.raises(StorageUnavailable):
                await Clamd(address=address).look(an_upload(tmp_path, PDF[:9] + bytes(size)))
        await Clamd(address=address).look(an_upload(tmp_path, PDF))


async def test_what_it_has_not_looked_at_passes_unless_it_is_told_to_say_so(
    place: Path, tmp_path: Path
) -> None:
    """Why the documentation wants `AlertExceedsMax`: without it, clamd calls such a file clean."""
    hidden = an_upload(tmp_path, PDF[:9] + bytes(2 * MIB) + EICAR)
    limits = ("StreamMaxLength 100M", "MaxFileSize 1M")
    other = place / "other"
    other.mkdir()
    with a_clamd(place, *limits) as address:
        await Clamd(address=address).look(hidden)
    alerts = (*limits, "AlertExceedsMax yes")
    with a_clamd(other, *alerts) as address, pytest.raises(UploadFault) as told:
        await Clamd(address=address).look(hidden)
    assert told.value.fault is Fault.MALWARE
