"""Files over HTTP: announced, completed, looked at, deleted and brought back."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request, Response

from booking_system.booking.domain.refusals import AppointmentNotFound
from booking_system.files.adapters.links import FileLinks
from booking_system.files.adapters.models import FileIn, FileOut, StorageOut
from booking_system.files.application.begin_upload import BeginUpload, ShowFile
from booking_system.files.application.check_upload import CompleteUpload
from booking_system.files.application.read_files import ListDocuments, ShowStorage
from booking_system.files.application.remove_file import DeleteFile, RestoreFile
from booking_system.files.domain.refusals import (
    FileNotFound,
    FileNotReady,
    FileRefused,
    FileTooLarge,
    RestoreConflict,
    StorageFull,
)
from booking_system.files.domain.stored_file import FileId
from booking_system.identity.domain.actor import Actor
from booking_system.identity.domain.policies import signed_in
from booking_system.platform.http.answers import json_answer, making_answer
from booking_system.platform.http.caller import caller
from booking_system.platform.http.input import StrictRequest
from booking_system.platform.http.once import ClaimedFirst, InOneTransaction
from booking_system.platform.http.pagination import (
    CursorText,
    InvalidCursor,
    Limit,
    Page,
    cursor_after,
    link_to_next,
    position_of,
)
from booking_system.platform.http.routing import Routes
from booking_system.shared_kernel.errors import NotFound, NotPermitted
from booking_system.shared_kernel.identifiers import AppointmentId, ClinicId

Caller = Annotated[Actor, Depends(caller)]
ALL = "/v1/files"
ONE = f"{ALL}/{{file_id}}"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRoutes:
    """HTTP for what is known of files; their bytes have routes of their own."""

    begin: BeginUpload
    show: ShowFile
    complete: CompleteUpload
    list: ListDocuments
    delete: DeleteFile
    restore: RestoreFile
    storage: ShowStorage
    links: FileLinks

    def routes(self) -> Routes:
        """List the operations."""
        routes = Routes("Files")
        routes.add(
            "POST",
            ALL,
            self.create_file,
            policy=signed_in,
            status=201,
            answers=FileOut,
            refuses=[NotFound, NotPermitted, FileTooLarge, StorageFull],
            once=InOneTransaction(again=self.show_file_again),
        )
        routes.add(
            "POST",
            f"{ONE}/complete",
            self.complete_file,
            policy=signed_in,
            answers=FileOut,
            refuses=[FileNotFound, FileNotReady, FileRefused],
            once=ClaimedFirst(again=self.show_file_again),
        )
        routes.add(
            "GET", ONE, self.read_file, policy=signed_in, answers=FileOut, refuses=[FileNotFound]
        )
        routes.add(
            "DELETE",
            ONE,
            self.delete_file,
            policy=signed_in,
            status=204,
            answers=None,
            refuses=[FileNotFound, NotPermitted],
        )
        routes.add(
            "POST",
            f"{ONE}/restore",
            self.restore_file,
            policy=signed_in,
            answers=FileOut,
            refuses=[FileNotFound, RestoreConflict],
            once=InOneTransaction(again=self.show_file_again),
        )
        routes.add(
            "GET",
            "/v1/bookings/{booking_id}/files",
            self.list_booking_files,
            policy=signed_in,
            answers=Page[FileOut],
            refuses=[AppointmentNotFound, InvalidCursor],
        )
        routes.add(
            "GET",
            "/v1/clinics/{clinic_id}/storage",
            self.read_storage,
            policy=signed_in,
            answers=StorageOut,
            refuses=[NotFound, NotPermitted],
        )
        return routes

    async def create_file(self, body: FileIn, actor: Caller) -> Response:
        """Announce a file: send its bytes as `upload` says, within 15 minutes, then complete it.

        A logo or a photo is a JPEG, PNG or WebP of up to 10 MiB and 40 million pixels, and takes
        the place of the one before. A document of a booking may be a PDF, too, and have 100 MiB;
        the patient, the doctor and the clinic's desk read it. What is attached to the chat of an
        online booking has up to 25 MiB, and is named in a message within a day; only patient and
        doctor read it.
        """
        begun = await self.begin(body.announced(), actor)
        headers = {"Location": f"{ALL}/{begun.file.id}"}
        shown = FileOut.of(begun, actor, self.links)
        return making_answer(shown, [begun.file.id], headers=headers)

    async def complete_file(self, file_id: UUID, actor: Caller) -> Response:
        """Complete a file: all its bytes have been sent. They are checked, and stored for good.

        Size, kind and checksum have to be what was announced. Pictures are decoded and written
        anew, without what cameras say of place and time. Where a large file takes longer, `state`
        is still `checking`: read it again in a moment.
        """
        file = await self.complete(file_id=FileId(file_id), actor=actor)
        return making_answer(FileOut.stored(file, actor, self.links), [file.id], status=200)

    async def read_file(self, file_id: UUID, actor: Caller) -> Response:
        """Read what is known of a file: with an address for its bytes."""
        begun = await self.show(file_id=FileId(file_id), actor=actor)
        return json_answer(FileOut.of(begun, actor, self.links))

    async def delete_file(self, file_id: UUID, actor: Caller) -> None:
        """Delete a file. It can be brought back for 30 days.

        A document is deleted by its sender and by the clinic's administrators.
        """
        await self.delete(file_id=FileId(file_id), actor=actor)

    async def restore_file(self, file_id: UUID, actor: Caller) -> Response:
        """Restore a deleted file."""
        file = await self.restore(file_id=FileId(file_id), actor=actor)
        return making_answer(FileOut.stored(file, actor, self.links), [file.id], status=200)

    async def list_booking_files(
        self,
        booking_id: UUID,
        request: Request,
        actor: Caller,
        limit: Limit = 50,
        cursor: CursorText = None,
    ) -> Response:
        """List the documents of a booking: the oldest first."""
        filters = {"booking_id": booking_id}
        place = position_of(cursor, filters)
        found = await self.list(
            appointment_id=AppointmentId(booking_id),
            after=place and place[1],
            limit=limit,
            actor=actor,
        )
        shown = found[:limit]
        following = cursor_after(None, shown[-1].id, filters) if len(found) > limit else None
        items = [FileOut.stored(file, actor, self.links) for file in shown]
        page = Page[FileOut](items=items, next_cursor=following)
        return json_answer(page, headers=link_to_next(request, following))

    async def read_storage(self, clinic_id: UUID, actor: Caller) -> Response:
        """Read how much room a clinic's files take; for its administrators."""
        used = await self.storage(clinic_id=ClinicId(clinic_id), actor=actor)
        return json_answer(StorageOut(used_bytes=used, most_bytes=self.begin.most_bytes))

    async def show_file_again(self, request: StrictRequest, made: Sequence[UUID]) -> Response:
        """Show the file. Raises `FileNotFound`."""
        return await self.read_file(made[0], request.scope["caller"])
