"""The page of consultations over HTTP."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from uuid import UUID

from fastapi import Request, Response

from booking_system.consultations.adapters.page.assets import Assets, read_assets
from booking_system.consultations.adapters.page.document import ASSETS_PATH, documents
from booking_system.identity.domain.policies import public
from booking_system.platform.http.languages import page_answer
from booking_system.platform.http.protection import as_page
from booking_system.platform.http.routing import Routes
from booking_system.shared_kernel.errors import NotFound

PAGE = "/consultation"
ASSET = ASSETS_PATH + "/{version}/{folder}/{name}"
FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable", "Vary": "Origin"}
DEVICES = (
    "camera=(self), microphone=(self), display-capture=(self), screen-wake-lock=(self),"
    " autoplay=(self), fullscreen=(self), geolocation=(), payment=(), usb=()"
)
"""What the browser lets the page ask for; a frame has to be given it by its parent, too."""


@dataclass(frozen=True, kw_only=True)
class PageRoutes:
    """The page for doctors and patients, for guests, and its files.

    `origins` are the sites of front ends: they may frame the page, and hand it a session.
    `upload_sites` are those that files are sent to, where it is not this service that takes them.
    """

    public_url: str
    origins: Sequence[str]
    upload_sites: Sequence[str] = ()

    def routes(self) -> Routes:
        """List the addresses; they are not part of the document."""
        routes = Routes("Consultations")
        for path, endpoint in (
            (PAGE, self.read_guest_page),
            (f"{PAGE}/{{booking_id}}", self.read_consultation_page),
            (ASSET, self.read_consultation_asset),
        ):
            routes.add(
                "GET",
                path,
                endpoint,
                policy=public,
                answers=None,
                asks_who=False,
                needs_database=False,
                is_counted=False,
                shown=False,
            )
        return routes

    @cached_property
    def _assets(self) -> Assets:
        return read_assets()

    @cached_property
    def _pages(self) -> Mapping[str, str]:
        return documents(self._assets, self.origins)

    async def read_guest_page(self, request: Request) -> Response:
        """Show the page for a guest, whose secret is behind the `#` of the address."""
        return self._page(request)

    async def read_consultation_page(self, request: Request, booking_id: UUID) -> Response:
        """Show the page for the doctor or the patient of a booking; who asks is not known yet."""
        assert booking_id, "it is an id, of which only the page makes use"
        return self._page(request)

    async def read_consultation_asset(self, version: str, folder: str, name: str) -> Response:
        """Answer with a file. Another version's is not here, and another's is none of it."""
        file = self._assets.files.get(f"{folder}/{name}")
        if file is None or version != self._assets.version:
            raise NotFound
        return Response(file.body, media_type=file.media_type, headers=FOR_EVER)

    def _page(self, request: Request) -> Response:
        answer = page_answer(self._pages, request)
        answer.headers["Permissions-Policy"] = DEVICES
        socket = "ws" + self.public_url.removeprefix("http")
        return as_page(
            answer,
            script_src="'self'",
            style_src="'self'",
            img_src="'self' blob: data:",
            media_src="'self' blob:",
            # Browsers of before 2022 do not take the socket's scheme for the page's own.
            connect_src=" ".join(["'self'", socket, *self.upload_sites]),
            frame_ancestors=" ".join(["'self'", *self.origins]),
            require_trusted_types_for="'script'",
            trusted_types="'none'",
        )
