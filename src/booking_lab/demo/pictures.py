"""Photos of the demo's doctors and logos of its clinics: drawn by this program, of nobody."""

import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from PIL import Image, ImageDraw

from booking_system.bootstrap.container import Container
from booking_system.files.application.check_upload import part_of
from booking_system.files.domain.kinds import MediaKind
from booking_system.files.domain.purposes import FilePurpose, Size
from booking_system.files.domain.stored_file import FileId, FileState, Owner, StoredFile
from booking_system.platform.uuid7 import uuid7
from booking_system.shared_kernel.identifiers import UserId

SIDE = 768
GROUNDS = ("#dbeafe", "#dcfce7", "#fef3c7", "#fce7f3", "#e0e7ff", "#ccfbf1")
SKINS = ("#f2c9a5", "#8d5a3b", "#d9a077", "#5f3b26", "#eab98c", "#b97a50")
HAIR = ("#2b2118", "#6b4423", "#111827", "#9ca3af", "#a16207", "#3f2a1d")
COATS = ("#ffffff", "#f1f5f9")
SCRUBS = ("#0e7490", "#1d4ed8", "#047857", "#7c3aed", "#be123c")


def doctors_photo(number: int) -> Image.Image:
    """Draw a doctor in a coat; another number is somebody else."""
    drawn = Image.new("RGB", (SIDE, SIDE), GROUNDS[number % len(GROUNDS)])
    pen, skin = ImageDraw.Draw(drawn), SKINS[number * 5 % len(SKINS)]
    hair = HAIR[number * 7 % len(HAIR)]
    if number % 2:
        pen.ellipse((214, 120, 554, 560), fill=hair)
    pen.ellipse((120, 520, 648, 1050), fill=COATS[number % len(COATS)], outline="#cbd5e1", width=4)
    pen.polygon(((300, 560), (468, 560), (384, 720)), fill=SCRUBS[number % len(SCRUBS)])
    pen.rectangle((330, 440, 438, 580), fill=skin)
    pen.ellipse((250, 160, 518, 500), fill=skin)
    pen.pieslice((240, 140, 528, 430), 180, 360, fill=hair)
    for eye in (330, 438):
        pen.ellipse((eye - 12, 318, eye + 12, 342), fill="#1f2937")
    pen.arc((330, 360, 438, 440), 20, 160, fill="#7f1d1d", width=8)
    if number % 3 == 0:
        for eye in (330, 438):
            pen.ellipse((eye - 44, 288, eye + 44, 372), outline="#374151", width=6)
        pen.line((374, 330, 394, 330), fill="#374151", width=6)
    pen.arc((250, 540, 520, 800), 20, 160, fill="#334155", width=10)
    return drawn


def clinics_logo(number: int) -> Image.Image:
    """Draw a cross in a circle."""
    drawn = Image.new("RGB", (SIDE, SIDE), "white")
    pen, colour = ImageDraw.Draw(drawn), SCRUBS[number % len(SCRUBS)]
    pen.ellipse((64, 64, 704, 704), fill=colour)
    pen.rounded_rectangle((314, 164, 454, 604), 40, fill="white")
    pen.rounded_rectangle((164, 314, 604, 454), 40, fill="white")
    return drawn


async def hang(container: Container, owners: Sequence[Owner], *, by: UserId, at: datetime) -> None:
    """Store a picture for each clinic and doctor, and let everybody see it.

    Raises `StorageUnavailable`.
    """
    for number, owner in enumerate(owners):
        is_photo = owner.doctor_id is not None
        drawn = doctors_photo(number) if is_photo else clinics_logo(number)
        purpose = FilePurpose.DOCTOR_PHOTO if is_photo else FilePurpose.CLINIC_LOGO
        await _hung(container, purpose, owner, _sizes(drawn), by=by, at=at)


def _sizes(drawn: Image.Image) -> Mapping[Size, bytes]:
    made = {}
    for size in Size:
        target, small = io.BytesIO(), drawn.copy()
        small.thumbnail((size.pixels, size.pixels))
        small.save(target, "JPEG", quality=88)
        made[size] = target.getvalue()
    return made


async def _hung(  # noqa: PLR0913
    container: Container,
    purpose: FilePurpose,
    owner: Owner,
    sizes: Mapping[Size, bytes],
    *,
    by: UserId,
    at: datetime,
) -> None:
    files, keys = container.files, container.files.random_keys()
    served, largest = keys.for_serving(), sizes[Size.LARGE]
    for size, content in sizes.items():
        await files.objects().put(part_of(served, size), content)
    file = StoredFile(
        id=FileId(uuid7()),
        purpose=purpose,
        owner=owner,
        created_by=by,
        filename="drawing.jpg",
        kind=MediaKind.JPEG,
        size=len(largest),
        sha256=None,
        upload_key=keys.for_upload(),
        stored_bytes=sum(map(len, sizes.values())),
        created_at=at,
        expires_at=at,
        due_at=at,
    )
    digest = hashlib.sha256(largest).digest()
    ready = file.ready(
        kind=file.kind, size=file.size, sha256=digest, stored=file.stored_bytes, at=at
    )
    async with files.files().transaction() as work:
        await work.lock_owner(owner)
        await work.add(
            replace(file, state=FileState.CHECKING),
            most_bytes=container.settings().quota_bytes,
            most_of_owner=file.rules.most_of_owner,
        )
        await work.save(replace(ready, served_key=served), before=file)
        await work.show(owner, files.links().address(file.id), at=at)
