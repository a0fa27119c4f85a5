"""The bytes of files over HTTP: they come to addresses that are sealed, and go out safely.

What is private goes out as attachment only, as bytes of no kind, and may do nothing where a browser
shows it all the same. Public pictures were written by this program itself.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Header, Path, Query, Request, Response

from booking_system.files.adapters.links import DOWNLOADS, IMAGES, UPLOADS, FileLinks
from booking_system.files.application.begin_upload import ReceiveUpload
from booking_system.files.application.read_files import Outgoing, ReadFile, ReadPicture
from booking_system.files.domain.names import as_attachment
from booking_system.files.domain.purposes import MOST_BYTES, Size
from booking_system.files.domain.refusals import FileNotFound, FileNotReady, FileRefused
from booking_system.files.domain.stored_file import FileId
from booking_system.identity.domain.actor import Actor
from booking_system.identity.domain.policies import public, signed_in
from booking_system.platform.http.byte_ranges import range_headers, range_of
from booking_system.platform.http.byte_stream import ByteStream
from booking_system.platform.http.caller import caller
from booking_system.platform.http.input import BodyLimit, StrictRequest
from booking_system.platform.http.problems import RangeNotSatisfiable
from booking_system.platform.http.routing import Routes

Caller = Annotated[Actor, Depends(caller)]
Token = Annotated[str, Path(max_length=200, description="From the address that you were given")]
Wanted = Annotated[Size, Query(description="The longer side: 96, 256 or 768 pixels at most")]
IfNoneMatch = Annotated[str | None, Header(alias="If-None-Match", max_length=2000)]
Range = Annotated[
    str | None,
    Header(
        alias="Range",
        max_length=200,
        description="One range of bytes to send, as `bytes=0-1023` (RFC 9110)",
    ),
]
IfRange = Annotated[str | None, Header(alias="If-Range", max_length=200)]

BODY = BodyLimit(most_bytes=MOST_BYTES, seconds=900.0)
SANDBOX = "default-src 'none'; sandbox; frame-ancestors 'none'"
FOR_GOOD = "public, max-age=31536000, immutable"
OCTETS = "application/octet-stream"
BINARY = {"schema": {"type": "string", "format": "binary"}}
PART = {206: "The range of bytes that was asked for"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ByteRoutes:
    """HTTP for what is in files."""

    receive: ReceiveUpload
    read: ReadFile
    picture: ReadPicture
    links: FileLinks

    def routes(self) -> Routes:
        """List the operations."""
        routes = Routes("Files")
        routes.add(
            "PUT",
            f"{UPLOADS}/{{token}}",
            self.upload_file,
            policy=public,
            status=204,
            answers=None,
            refuses=[FileNotFound, FileNotReady, FileRefused],
            asks_who=False,
            # In the database: what is stored of bytes has no outcome that could be unknown.
            only_reads=True,
            body_limit=BODY,
        )
        routes.add(
            "GET",
            f"{DOWNLOADS}/{{token}}",
            self.download_by_link,
            policy=public,
            answers=None,
            refuses=[FileNotFound, RangeNotSatisfiable],
            asks_who=False,
            also=PART,
            media={OCTETS: BINARY},
            has_tagged_bytes=True,
        )
        routes.add(
            "GET",
            "/v1/files/{file_id}/content",
            self.download_file,
            policy=signed_in,
            answers=None,
            refuses=[FileNotFound, RangeNotSatisfiable],
            also=PART,
            media={OCTETS: BINARY},
            has_tagged_bytes=True,
        )
        routes.add(
            "GET",
            f"{IMAGES}/{{file_id}}",
            self.read_image,
            policy=public,
            answers=None,
            refuses=[FileNotFound],
            asks_who=False,
            also={304: "It is what you have"},
            media={"image/jpeg": BINARY, "image/png": BINARY},
            has_tagged_bytes=True,
        )
        return routes

    async def upload_file(self, token: Token, request: Request) -> None:
        """Send the bytes of a file: to the address that `upload` named.

        Sent again within its time they take the place of those before. Nobody reads them before
        they were completed and checked.
        """
        file_id = self.links.upload_of(token)
        if file_id is None:
            raise FileNotFound
        length = request.headers.get("content-length")
        pieces = StrictRequest(request.scope, request.receive).pieces()
        await self.receive(
            file_id=file_id, length=None if length is None else int(length), pieces=pieces
        )

    async def download_by_link(
        self, token: Token, asked: Range = None, if_range: IfRange = None
    ) -> Response:
        """Download a private file by its link: by `download_url`, which is good for five minutes.

        It is good as long as the session that it was made in, and the right to read the file.
        """
        link = self.links.read_of(token)
        if link is None:
            raise FileNotFound
        found, actor = await self.read.by_link(
            file_id=link.file_id, user_id=link.user_id, session_id=link.session_id
        )

        async def authority() -> Actor:
            return await self.read.actor(link.user_id, link.session_id)

        return self._outgoing(found, (asked, if_range), actor, authority)

    async def download_file(
        self,
        file_id: UUID,
        request: Request,
        actor: Caller,
        asked: Range = None,
        if_range: IfRange = None,
    ) -> Response:
        """Download a private file: whole, or a range of its bytes."""
        found = await self.read(file_id=FileId(file_id), actor=actor)
        sent = request.headers["authorization"]

        async def authority() -> Any:
            return await request.scope["app"].state.authenticate(sent)

        return self._outgoing(found, (asked, if_range), actor, authority)

    async def read_image(
        self, file_id: UUID, size: Wanted = Size.LARGE, if_none_match: IfNoneMatch = None
    ) -> Response:
        """Show a logo or a photo. What is at this address never changes, and may be kept for good.

        Another picture has another address.
        """
        etag = f'"{file_id.hex}-{size}"'
        headers = {
            "Cache-Control": FOR_GOOD,
            "ETag": etag,
            "Vary": "Origin",
            "Cross-Origin-Resource-Policy": "cross-origin",
            "Content-Security-Policy": SANDBOX,
        }
        file, content = await self.picture(file_id=FileId(file_id), size=size)
        if if_none_match is not None and etag in if_none_match:
            return Response(status_code=304, headers=headers)
        return Response(content, headers=headers, media_type=file.kind)

    def _outgoing(
        self,
        found: Outgoing,
        ranges: tuple[str | None, str | None],
        actor: Actor,
        authority: Callable[[], Awaitable[Any]],
    ) -> Response:
        file = found.file
        assert file.sha256 is not None, "what can be read has been summed up"
        etag = f'"{file.sha256.hex()}"'
        asked, if_range = ranges
        part = range_of(asked, if_range=if_range, length=file.size, etag=etag)
        headers = {
            **range_headers(part, length=file.size),
            "Content-Disposition": as_attachment(file.filename),
            "Content-Security-Policy": SANDBOX,
            "Cross-Origin-Resource-Policy": "same-origin",
            "Referrer-Policy": "no-referrer",
            "Cache-Control": "private, no-store",
            "ETag": etag,
        }
        start, end = part or (0, file.size)
        return ByteStream(
            self._pieces(found, start, end),
            status=200 if part is None else 206,
            headers=headers,
            caller=actor,
            authority=authority,
            media_type=OCTETS,
        )

    async def _pieces(self, found: Outgoing, start: int, end: int) -> Any:
        try:
            async for piece in self.picture.objects.read(found.key, start, end):
                yield piece
        except LookupError:
            # It was removed, or lost, a moment ago.
            raise FileNotFound from None
