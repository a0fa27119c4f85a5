"""Short ways to files that are sent, completed and read, over either storage."""

import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from PIL import Image

from booking_system.files.adapters.objects import Objects
from booking_system.files.domain.kinds import Edges
from booking_system.files.domain.stored_file import Upload
from tests.api import Api, Person
from tests.client import SITE
from tests.patience import PATIENCE

PDF = b"%PDF-1.4\n1 0 obj\n<</Type /Catalog>>\nendobj\ntrailer\n<</Root 1 0 R>>\n%%EOF\n"


def a_picture(
    kind: str = "JPEG", size: tuple[int, int] = (64, 48), mode: str = "RGB", **about: Any
) -> bytes:
    """A picture of two halves, left red and right blue."""
    picture = Image.new(mode, size, "red")
    picture.paste("blue", (size[0] // 2, 0, size[0], size[1]))
    target = io.BytesIO()
    picture.save(target, kind, **about)
    return target.getvalue()


def an_upload(place: Path, content: bytes) -> Upload:
    path = place / "upload"
    path.write_bytes(content)
    edges = Edges(head=content[:1024], tail=content[-1024:])
    return Upload(path=str(path), size=len(content), sha256=b"", edges=edges)


def sum_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@dataclass(frozen=True, slots=True)
class Files:
    """The application with one storage, and the ways of a client."""

    api: Api
    storage: str

    @property
    def objects(self) -> Objects:
        objects: Objects = self.api.container.files.objects()
        return objects

    async def announce(
        self,
        purpose: str,
        owner: Mapping[str, Any],
        by: Person,
        content: bytes,
        kind: str = "application/pdf",
        **about: Any,
    ) -> httpx.Response:
        body = {
            "purpose": purpose,
            "owner_id": owner["id"],
            "filename": "report.pdf",
            "content_type": kind,
            "size": len(content),
            **about,
        }
        return await self.api.post("/v1/files", body, by)

    async def put(self, upload: Mapping[str, Any], content: bytes) -> int:
        """Send bytes as `upload` says; return the status."""
        url, headers = upload["url"], upload["headers"]
        if url.startswith(SITE):
            answer = await self.api.client.request(
                upload["method"], url.removeprefix(SITE), headers=headers, content=content
            )
            return answer.status_code
        async with httpx.AsyncClient(timeout=PATIENCE) as client:
            told = await client.request(upload["method"], url, headers=headers, content=content)
        return told.status_code

    async def complete(self, file_id: str, by: Person) -> httpx.Response:
        """Complete it, and wait for a worker where the request did not."""
        answer = await self.api.post(f"/v1/files/{file_id}/complete", None, by)
        while answer.status_code == 200 and answer.json()["state"] == "checking":
            await self.set(file_id, "due_at = now()", "state = 'checking'")
            await self.api.container.files.job().once()
            answer = await self.api.get(f"/v1/files/{file_id}", by)
        return answer

    async def work(self, file_id: str) -> None:
        """Let the file be due, and do what is due."""
        async with self.api.container.database().driver_transaction() as connection:
            sql = "UPDATE files SET due_at = now() WHERE id = $1 AND due_at IS NOT NULL"
            await connection.execute(sql, file_id)
        await self.api.container.files.job().once()

    async def send(
        self,
        purpose: str,
        owner: Mapping[str, Any],
        by: Person,
        content: bytes,
        kind: str = "application/pdf",
        **about: Any,
    ) -> httpx.Response:
        """Announce, send and complete; return the last answer, or the first refusal."""
        announced = await self.announce(purpose, owner, by, content, kind, **about)
        if announced.status_code != 201:
            return announced
        file = announced.json()
        assert await self.put(file["upload"], content) in {200, 204}
        return await self.complete(file["id"], by)

    async def stored(
        self,
        purpose: str,
        owner: Mapping[str, Any],
        by: Person,
        content: bytes,
        kind: str = "application/pdf",
        **about: Any,
    ) -> dict[str, Any]:
        answer = await self.send(purpose, owner, by, content, kind, **about)
        assert answer.status_code == 200, answer.text
        file: dict[str, Any] = answer.json()
        assert file["state"] == "ready", file
        return file

    async def content(self, file: Mapping[str, Any], by: Person, **headers: str) -> httpx.Response:
        return await self.api.send(
            "GET", f"/v1/files/{file['id']}/content", by, headers={**headers}
        )

    async def keys(self) -> set[str]:
        """All objects that there are."""
        return {
            one.key
            for place in ("quarantine", "served")
            async for page in self.objects.under(place)
            for one in page
        }

    async def row(self, file_id: str) -> dict[str, Any] | None:
        async with self.api.container.database().reading() as connection:
            row = await connection.fetchrow("SELECT * FROM files WHERE id = $1", file_id)
        return None if row is None else dict(row)

    async def set(self, file_id: str, what: str, where: str = "true") -> None:
        """Change columns of a row: `what`, and `where`, are SQL."""
        async with self.api.container.database().driver_transaction() as connection:
            sql = f"UPDATE files SET {what} WHERE id = $1 AND {where}"
            await connection.execute(sql, file_id)

    async def used(self) -> int:
        async with self.api.container.database().reading() as connection:
            return int(await connection.fetchval("SELECT sum(used_bytes) FROM clinic_storage") or 0)
