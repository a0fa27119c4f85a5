"""What the rows about files are tried on."""

from typing import Any

from tests.access.world import Aim, World
from tests.client import SITE
from tests.files.sending import PDF, a_picture

NEW_FILE = {"filename": "report.pdf", "content_type": "application/pdf", "size": 100}
NEW_PICTURE = {"filename": "picture.png", "content_type": "image/png", "size": 100}

BYTES = "0123456789"
"""What is sent as the bytes of a file: as JSON, like all bodies of the table."""


async def _announced(world: World, content: bytes, **about: Any) -> dict[str, Any]:
    patient = world.person("patient")
    body = {
        "purpose": "booking_document",
        "owner_id": (await world.booking())["id"],
        **NEW_FILE,
        "size": len(content),
        **about,
    }
    return await world.api.made("/v1/files", body, patient)


async def _put(world: World, file: dict[str, Any], content: bytes) -> None:
    url = file["upload"]["url"].removeprefix(SITE)
    assert (await world.api.client.request("PUT", url, content=content)).status_code == 204


async def upload_link(world: World, _name: str) -> Aim:
    """Its holder may send as many bytes as the row does."""
    file = await _announced(world, f'"{BYTES}"'.encode())
    return Aim({"token": file["upload"]["url"].rpartition("/")[2]})


async def sent_document(world: World, _name: str) -> Aim:
    """All its bytes are there, and it is not completed yet: just who sends it knows of it."""
    file = await _announced(world, PDF)
    await _put(world, file, PDF)
    return Aim({"file_id": file["id"]})


async def document(world: World, name: str) -> Aim:
    """The patient's, ready to be read."""
    aim = await sent_document(world, name)
    path = f"/v1/files/{aim.values['file_id']}/complete"
    done = await world.api.post(path, None, world.person("patient"))
    assert done.json()["state"] == "ready", done.text
    return aim


async def deleted_document(world: World, name: str) -> Aim:
    """The same, deleted."""
    aim = await document(world, name)
    path = f"/v1/files/{aim.values['file_id']}"
    assert (await world.api.send("DELETE", path, world.person("patient"))).status_code == 204
    return aim


async def read_link(world: World, name: str) -> Aim:
    """The patient's own address of a document: its holder may read it for a while."""
    aim = await document(world, name)
    path = f"/v1/files/{aim.values['file_id']}"
    shown = (await world.api.get(path, world.person("patient"))).json()
    return Aim({"token": shown["download_url"].rpartition("/")[2]})


async def photo(world: World, _name: str) -> Aim:
    """Of the doctor, for everybody."""
    admin, content = world.person("clinic_admin"), a_picture("PNG")
    body = {"purpose": "doctor_photo", "owner_id": world.doctor["id"], **NEW_PICTURE}
    file = await world.api.made("/v1/files", body | {"size": len(content)}, admin)
    await _put(world, file, content)
    done = await world.api.post(f"/v1/files/{file['id']}/complete", None, admin)
    assert done.json()["state"] == "ready", done.text
    return Aim({"file_id": file["id"]})
