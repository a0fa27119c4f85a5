"""What the API takes and gives of files."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints

from booking_system.files.adapters.links import FileLinks
from booking_system.files.application.begin_upload import Announced, Begun
from booking_system.files.application.ports import UploadLink
from booking_system.files.domain.kinds import MediaKind
from booking_system.files.domain.purposes import FilePurpose
from booking_system.files.domain.stored_file import FileState, StoredFile
from booking_system.identity.domain.actor import Actor
from booking_system.platform.http.fields import Whole
from booking_system.platform.http.input import Input, ShortText

EXAMPLE_ID = "0192f0c1-2b3c-7d4e-8f50-617283940099"
EXAMPLE_SUM = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
LARGEST = 2**43


class FileIn(Input):
    """A file that is about to be sent."""

    purpose: FilePurpose
    owner_id: UUID = Field(description="The clinic's, the doctor's or the booking's id")
    filename: ShortText = Field(examples=["report.pdf"])
    content_type: MediaKind = Field(description="What it is; its bytes are compared with it")
    size: Annotated[
        Whole,
        Field(
            ge=1,
            le=LARGEST,
            description="How large the file is, in bytes, exactly: another length is refused",
            examples=[48_213],
        ),
    ]
    sha256: Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$", max_length=64)] | None = (
        Field(default=None, description="Of its bytes, if known: they are compared with it")
    )

    def announced(self) -> Announced:
        """Return it as the domain has it."""
        return Announced(
            purpose=self.purpose,
            owner_id=self.owner_id,
            filename=self.filename,
            kind=self.content_type,
            size=self.size,
            sha256=None if self.sha256 is None else bytes.fromhex(self.sha256),
        )


class UploadOut(BaseModel):
    """How its bytes are sent: one request with this method, to this address, with these fields."""

    method: str = Field(examples=["PUT"], description="The method of that request")
    url: str = Field(
        examples=["https://booking.example.com/v1/uploads/AZLwwSs8fU6P…"],
        description="Where the bytes go; good for this file alone",
    )
    headers: dict[str, str] = Field(
        examples=[{"Content-Type": "application/octet-stream"}],
        description="Fields that it has to carry, by name",
    )

    @classmethod
    def of(cls, link: UploadLink) -> "UploadOut":
        """Show a link."""
        return cls(method=link.method, url=link.url, headers=dict(link.headers))


class FileOut(BaseModel):
    """A file."""

    id: UUID = Field(examples=[EXAMPLE_ID])
    purpose: FilePurpose
    owner_id: UUID
    state: FileState = Field(
        description="`checking`: look again in a moment; `lost`: its bytes are gone from the"
        " storage, and the operator has been told"
    )
    fault: str | None = Field(
        description="Why the check refused it; null: it did not", examples=["kind"]
    )
    filename: str = Field(examples=["report.pdf"])
    content_type: MediaKind
    size: int = Field(description="In bytes; of a public picture, of its largest size")
    sha256: str | None = Field(
        examples=[EXAMPLE_SUM],
        description="SHA-256 of its bytes, in hexadecimal digits; null: not known yet",
    )
    created_at: datetime
    completed_at: datetime | None
    upload: UploadOut | None = Field(description="Where its bytes go; null: they are here")
    expires_at: datetime | None = Field(description="When `upload`, or `download_url`, ends")
    download_url: str | None = Field(
        description="For you alone, for five minutes; null for public pictures",
        examples=["https://booking.example.com/v1/downloads/AZLwwSs8fU6P…"],
    )
    image_url: str | None = Field(
        description="Of a public picture, for everybody and for good; `?size=small` and `medium`"
        " are there, too",
        examples=["https://booking.example.com/v1/images/0192f0c1-2b3c-7d4e-8f50-617283940099"],
    )

    @classmethod
    def of(cls, begun: Begun, actor: Actor, links: FileLinks) -> "FileOut":
        """Show a file to somebody who may see it."""
        file, link = begun.file, begun.link
        ends = file.expires_at if link is not None else None
        download_url = image_url = None
        if file.is_readable and file.rules.is_public:
            image_url = links.address(file.id)
        elif file.is_readable:
            download_url, ends = links.reading(file.id, actor)
        return cls(
            id=file.id,
            purpose=file.purpose,
            owner_id=file.owner.id,
            state=file.state,
            fault=file.fault,
            filename=file.filename,
            content_type=file.kind,
            size=file.size,
            sha256=None if file.sha256 is None else file.sha256.hex(),
            created_at=file.created_at,
            completed_at=file.completed_at,
            upload=None if link is None else UploadOut.of(link),
            expires_at=ends,
            download_url=download_url,
            image_url=image_url,
        )

    @classmethod
    def stored(cls, file: StoredFile, actor: Actor, links: FileLinks) -> "FileOut":
        """Show one whose bytes do not come any more."""
        return cls.of(Begun(file=file, link=None), actor, links)


class StorageOut(BaseModel):
    """How much room a clinic's files take."""

    used_bytes: int = Field(description="With what is announced, and what is deleted but kept")
    most_bytes: int = Field(description="How much the clinic's files may take in all, in bytes")
