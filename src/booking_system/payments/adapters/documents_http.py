"""Documents over HTTP, to read, to print and to keep; and the ledger for accountants."""

import asyncio
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response

from booking_system.booking.domain.refusals import AppointmentNotFound
from booking_system.identity.domain.actor import Actor
from booking_system.identity.domain.policies import signed_in
from booking_system.payments.adapters.documents.style import STYLE_SOURCE
from booking_system.payments.adapters.http import SeeAppointment
from booking_system.payments.adapters.ledger_csv import heading, lines_of
from booking_system.payments.application.show_documents import (
    DocumentPrinter,
    ExportLedger,
    ShowDocument,
)
from booking_system.payments.domain.receipts import Document, DocumentId
from booking_system.payments.domain.refusals import ReceiptNotFound
from booking_system.platform.http.caller import caller
from booking_system.platform.http.fields import Locale
from booking_system.platform.http.input import NearDay
from booking_system.platform.http.protection import as_page
from booking_system.platform.http.routing import Routes
from booking_system.shared_kernel.errors import NotFound, NotPermitted
from booking_system.shared_kernel.identifiers import ClinicId

Caller = Annotated[Actor, Depends(caller)]
Language = Annotated[
    Locale | None,
    Query(description="Default: that of the patient when it was issued, else the clinic's"),
]
First = Annotated[
    NearDay | None, Query(alias="from", description="By the clinic's clock; default: today")
]
Until = Annotated[
    NearDay | None,
    Query(alias="to", description="Days before that; default: one day. At most 366 days"),
]
ONE = "/v1/receipts/{receipt_id}"
CSV_EXAMPLE = (
    "date,settled_at,kind,amount_minor,amount,currency,…\r\n"
    "2027-03-01,2027-03-01T09:30:00Z,charge,4500,45.00,EUR,…\r\n"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentRoutes:
    """HTTP for documents; each is seen by all who see its appointment."""

    see: SeeAppointment
    show: ShowDocument
    printer: DocumentPrinter
    export: ExportLedger

    def routes(self) -> Routes:
        """List the operations."""
        routes = Routes("Payments")
        for ending, endpoint, media, schema, example in (
            ("pdf", self.download_receipt, "application/pdf", {"format": "binary"}, "%PDF-1.3…"),
            ("html", self.show_receipt_page, "text/html", {}, "<!doctype html>…"),
        ):
            content = {media: {"schema": {"type": "string", **schema}, "example": example}}
            routes.add(
                "GET",
                f"{ONE}.{ending}",
                endpoint,
                policy=signed_in,
                answers=None,
                refuses=[ReceiptNotFound],
                media=content,
            )
        routes.add(
            "GET",
            "/v1/clinics/{clinic_id}/payment-ledger.csv",
            self.export_payment_ledger,
            policy=signed_in,
            answers=None,
            refuses=[NotFound, NotPermitted],
            media={"text/csv": {"schema": {"type": "string"}, "example": CSV_EXAMPLE}},
        )
        return routes

    async def download_receipt(
        self, receipt_id: UUID, actor: Caller, language: Language = None
    ) -> Response:
        """Download a receipt, or a correction, as PDF. It is the same each time, byte for byte."""
        document = await self._seen(receipt_id, actor)
        body = await self.printer.pdf(document, language=language)
        kept_as = f'attachment; filename="receipt-{document.name}.pdf"'
        headers = {"Content-Disposition": kept_as}
        return Response(body, headers=headers, media_type="application/pdf")

    async def show_receipt_page(
        self, receipt_id: UUID, actor: Caller, language: Language = None
    ) -> Response:
        """Show a receipt, or a correction, as a page: to read or to print."""
        document = await self._seen(receipt_id, actor)
        page = self.printer.page(document, language=language)
        return as_page(Response(page, media_type="text/html"), style_src=STYLE_SOURCE)

    async def export_payment_ledger(
        self, clinic_id: UUID, actor: Caller, since: First = None, until: Until = None
    ) -> Response:
        """Export the ledger as CSV (RFC 4180, UTF-8); for the clinic's staff.

        A line for all money that came or went on these days of the clinic's wall clock: by
        currency, provider, method and kind they add up to the totals of each day. Amounts are both
        in minor units and with decimals. Cells that a table program would compute begin with `'`.
        """
        export = await self.export(ClinicId(clinic_id), since, until, actor)
        pieces = [heading()]
        async for page in export.pages:
            pieces.append(lines_of(page, export.time_zone))
            # Others go on between the pages of a long one.
            await asyncio.sleep(0)
        headers = {"Content-Disposition": 'attachment; filename="payment-ledger.csv"'}
        media = "text/csv; charset=utf-8; header=present"
        return Response("".join(pieces), headers=headers, media_type=media)

    async def _seen(self, receipt_id: UUID, actor: Actor) -> Document:
        """Return it. Raises `ReceiptNotFound`, also where its appointment is not for the caller."""
        document = await self.show(DocumentId(receipt_id))
        try:
            await self.see(appointment_id=document.appointment_id, actor=actor)
        except AppointmentNotFound:
            raise ReceiptNotFound from None
        return document
