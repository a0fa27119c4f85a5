"""Addresses that are good for a while: what they are for stands in them, sealed."""

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from booking_system.files.adapters.objects import Objects
from booking_system.files.application.ports import UploadLink
from booking_system.files.domain.stored_file import READ_LIVES, FileId, StoredFile
from booking_system.identity.domain.actor import Actor
from booking_system.platform.keyring import Keyring, Purpose
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.identifiers import SessionId, UserId

UPLOADS = "/v1/uploads"
DOWNLOADS = "/v1/downloads"
IMAGES = "/v1/images"
ID_BYTES, TIME_BYTES, SEAL_BYTES = 16, 5, 16
SENDING, READING = Purpose.FILE_UPLOADS, Purpose.FILE_DOWNLOADS
"""Keys of their own: an address for one thing is none for another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadLink:
    """Who may read which file: judged again when it is followed."""

    file_id: FileId
    user_id: UserId
    session_id: SessionId
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class FileLinks:
    """Makes links that nobody else can make, and reads them."""

    keys: Keyring
    public_url: str
    objects: Objects
    clock: Clock

    async def of(self, file: StoredFile) -> UploadLink:
        """Return an address of the storage's own, or of ours where that has none."""
        left = file.expires_at - self.clock.now()
        url = await self.objects.signed_put(file.upload_key, lives=left)
        if url is None:
            token = self._token(SENDING, [file.id], file.expires_at)
            url = f"{self.public_url}{UPLOADS}/{token}"
        headers = {"Content-Type": "application/octet-stream"}
        return UploadLink(method="PUT", url=url, headers=headers)

    def upload_of(self, token: str) -> FileId | None:
        """Return what may be sent by it now; None: it is none of ours, or over."""
        found = self._read(SENDING, token, ids=1)
        return None if found is None else FileId(found[0][0])

    def reading(self, file_id: FileId, actor: Actor) -> tuple[str, datetime]:
        """Return an address for this actor, and its end."""
        ends = self.clock.now() + READ_LIVES
        ids = [file_id, actor.user_id, actor.session_id]
        token = self._token(READING, ids, ends)
        return f"{self.public_url}{DOWNLOADS}/{token}", ends.replace(microsecond=0)

    def read_of(self, token: str) -> ReadLink | None:
        """Return what may be read by it now; None: it is none of ours, or over."""
        found = self._read(READING, token, ids=3)
        if found is None:
            return None
        (file_id, user_id, session_id), ends = found
        return ReadLink(
            file_id=FileId(file_id),
            user_id=UserId(user_id),
            session_id=SessionId(session_id),
            expires_at=ends,
        )

    def address(self, file_id: FileId) -> str:
        """Return where everybody sees a public picture."""
        return f"{self.public_url}{IMAGES}/{file_id}"

    def _token(self, purpose: Purpose, ids: list[UUID], ends: datetime) -> str:
        named = b"".join(one.bytes for one in ids)
        said = named + int(ends.timestamp()).to_bytes(TIME_BYTES, "big")
        seal = self._seals(purpose, said)[0]
        return base64.urlsafe_b64encode(said + seal).decode().rstrip("=")

    def _read(
        self, purpose: Purpose, token: str, *, ids: int
    ) -> tuple[list[UUID], datetime] | None:
        try:
            padded = token + "=" * (-len(token) % 4)
            raw = base64.b64decode(padded, altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            return None
        said, seal = raw[:-SEAL_BYTES], raw[-SEAL_BYTES:]
        if len(said) != ids * ID_BYTES + TIME_BYTES:
            return None
        if not any(hmac.compare_digest(seal, one) for one in self._seals(purpose, said)):
            return None
        ends = datetime.fromtimestamp(int.from_bytes(said[-TIME_BYTES:], "big"), tz=UTC)
        if self.clock.now() >= ends:
            return None
        named = [said[place : place + ID_BYTES] for place in range(0, ids * ID_BYTES, ID_BYTES)]
        return [UUID(bytes=one) for one in named], ends

    def _seals(self, purpose: Purpose, said: bytes) -> list[bytes]:
        keys = self.keys.derived(purpose)
        return [hmac.digest(key, said, hashlib.sha256)[:SEAL_BYTES] for key in keys]
