"""Bytes on a local disk or in an S3-compatible storage: one library for both."""

import asyncio
import os
from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import obstore
import structlog
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import LocalStore, S3Store

from booking_system.files.adapters.addresses import S3Address
from booking_system.files.application.ports import ObjectFound
from booking_system.files.domain.refusals import StorageUnavailable
from booking_system.platform.ticket import waiting_elsewhere

if TYPE_CHECKING:
    from obstore.store import S3Config

PART_BYTES = 5 * 1024 * 1024
"""Large objects are stored, and read, in parts of this size; S3 takes no smaller ones."""
PARTS_AT_ONCE = 2
CONNECT_SECONDS = 3
CALL_SECONDS = 60
STAGED = "#"
"""In the name of a file that the library is about to store."""

log = structlog.get_logger("booking_system.files")


class Objects:
    """What both have in common; the library sees to whole objects or none."""

    def __init__(self, store: LocalStore | S3Store) -> None:
        """Nothing is connected to yet."""
        self._store = store

    async def put(self, key: str, content: bytes | str) -> None:
        """Store bytes, or the file at a path."""
        what = content if isinstance(content, bytes) else Path(content)
        with _outside():
            await obstore.put_async(
                self._store, key, what, chunk_size=PART_BYTES, max_concurrency=PARTS_AT_ONCE
            )

    async def receive(self, key: str, pieces: AsyncIterator[bytes]) -> None:
        """Store what comes. The request's own time stands still while it waits for its client."""
        with _explained():
            await obstore.put_async(
                self._store, key, pieces, chunk_size=PART_BYTES, max_concurrency=PARTS_AT_ONCE
            )

    async def size_of(self, key: str) -> int | None:
        """Ask for the head."""
        try:
            with _outside():
                return (await obstore.head_async(self._store, key))["size"]
        except LookupError:
            return None

    async def get(self, key: str) -> bytes:
        """Ask for all of it."""
        with _outside():
            found = await obstore.get_async(self._store, key)
            return bytes(await found.bytes_async())

    async def read(self, key: str, start: int, end: int) -> AsyncIterator[bytes]:
        """Ask for one part after the other, so that no reader keeps a connection waiting."""
        while start < end:
            upto = min(start + PART_BYTES, end)
            with _outside():
                part = await obstore.get_range_async(self._store, key, start=start, end=upto)
            yield bytes(part)
            start = upto

    async def whole(self, key: str) -> AsyncIterator[bytes]:
        """Ask for all of it as it is now, and return it as it comes.

        Raises `LookupError` without an object.
        """
        with _outside():
            found = await obstore.get_async(self._store, key)
            async for piece in found.stream(min_chunk_size=1024 * 1024):
                yield bytes(piece)

    async def delete(self, keys: Collection[str]) -> None:
        """One after the other: some storages have no word for several."""
        for key in keys:
            with suppress(LookupError), _outside():
                await obstore.delete_async(self._store, key)

    async def under(self, prefix: str) -> AsyncIterator[Sequence[ObjectFound]]:
        """List page by page."""
        with _outside():
            async for page in obstore.list(self._store, prefix, chunk_size=500):
                yield [
                    ObjectFound(key=one["path"], size=one["size"], changed_at=one["last_modified"])
                    for one in page
                ]

    async def tidy(self, prefix: str, *, before: datetime) -> None:
        """Nothing to do: a bucket's own rules end what was begun and not finished."""

    async def signed_put(self, key: str, *, lives: timedelta) -> str | None:
        """Return an address that takes the object for a while; None: there is no such thing."""
        if not isinstance(self._store, S3Store):
            return None
        with _outside():
            return await obstore.sign_async(self._store, "PUT", key, lives)


class DiskObjects(Objects):
    """A folder on this machine, which all processes of a deployment share."""

    def __init__(self, folder: Path) -> None:
        """Make the folder, for its owner alone, if it is not there."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        super().__init__(LocalStore(folder, automatic_cleanup=True))

    async def put(self, key: str, content: bytes | str) -> None:
        """Store it so that it is there behind a loss of power, too."""
        await super().put(key, content)
        with _outside():
            await asyncio.to_thread(_settled, self._folder / key)

    async def tidy(self, prefix: str, *, before: datetime) -> None:
        """Remove what processes that were killed had not finished."""
        with _outside():
            await asyncio.to_thread(_without_staged, self._folder / prefix, before)


def objects_at(address: S3Address | None, *, folder: Path, endpoint: str | None) -> Objects:
    """Return the storage at an address; None: in a `folder` of this machine."""
    if address is None:
        return DiskObjects(folder)
    at = address.endpoint or endpoint
    config: S3Config = {"region": address.region}
    if at is not None:
        config["endpoint"] = at
    if address.keys is not None:
        name, secret = address.keys
        config["access_key_id"] = name
        config["secret_access_key"] = secret.get_secret_value()
    return Objects(
        S3Store(
            address.bucket,
            prefix=address.prefix or None,
            config=config,
            client_options={
                "allow_http": at is not None and at.startswith("http:"),
                "connect_timeout": timedelta(seconds=CONNECT_SECONDS),
                "timeout": timedelta(seconds=CALL_SECONDS),
            },
            retry_config={"max_retries": 2, "retry_timeout": timedelta(seconds=10)},
        )
    )


@contextmanager
def _outside() -> Iterator[None]:
    """Leave one's place, and hold no connection to the database."""
    with waiting_elsewhere(), _explained():
        yield


@contextmanager
def _explained() -> Iterator[None]:
    """Say it in the words of the port: `LookupError` for what is not there."""
    try:
        yield
    except (NotFoundError, FileNotFoundError):
        raise LookupError from None
    except (BaseError, OSError) as error:
        # The texts of the library name keys and addresses.
        log.warning("storage_unavailable", error=type(error).__name__)
        raise StorageUnavailable from None


def _settled(path: Path) -> None:
    for one, flags in ((path, os.O_RDONLY), (path.parent, os.O_RDONLY | os.O_DIRECTORY)):
        place = os.open(one, flags)
        try:
            os.fsync(place)
        finally:
            os.close(place)


def _without_staged(folder: Path, before: datetime) -> None:
    if not folder.is_dir():
        return
    for path in folder.rglob(f"*{STAGED}*"):
        with suppress(FileNotFoundError):
            if datetime.fromtimestamp(path.stat().st_mtime, tz=UTC) < before:
                path.unlink()
