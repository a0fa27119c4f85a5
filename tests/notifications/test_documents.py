"""Receipts and corrections go with the mails that tell of them, and stop none."""

import asyncio
from base64 import b64decode
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pypdfium2
import pytest
import structlog

from booking_system.notifications.adapters.documents import PrintedDocuments
from booking_system.notifications.domain.facts import MoneyFacts, ReceiptFacts
from booking_system.notifications.domain.letter import (
    MOST_DOCUMENT_BYTES,
    MOST_DOCUMENTS,
    Email,
    PdfFile,
)
from booking_system.payments.domain.receipts import Document, DocumentId
from booking_system.payments.domain.refusals import ReceiptNotFound
from booking_system.shared_kernel.identifiers import AppointmentId
from tests.api import Api
from tests.notifications.office import Office
from tests.notifications.own.desk import work
from tests.notifications.test_money import LATER, Scene, refunds_of
from tests.patience import PATIENCE
from tests.payments.builders import FIRST, a_document
from tests.payments.test_payments_http import DEPOSIT, Made


class Press:
    """The printer of the application, and what it was given."""

    def __init__(self, printer: Any) -> None:
        self.printer = printer
        self.printed: list[tuple[str, str | None]] = []
        self.fault: Exception | None = None

    async def pdf(self, document: Document, *, language: str | None = None) -> bytes:
        self.printed.append((document.name, language))
        if self.fault is not None:
            raise self.fault
        content: bytes = await self.printer.pdf(document, language=language)
        return content


@pytest.fixture
def press(api: Api) -> Press:
    return Press(api.container.payments.printer())


@pytest.fixture
def office(api: Api, office: Office, press: Press) -> Office:
    show = api.container.payments.show_document()
    documents = PrintedDocuments(show=show, printer=press, seconds=PATIENCE)
    return Office(office.database, email=office.email, sms=office.sms, documents=documents)


def read(file: PdfFile) -> str:
    """What can be copied from a PDF, in one line."""
    assert file.content.startswith(b"%PDF")
    pdf = pypdfium2.PdfDocument(file.content)
    return " ".join(" ".join(page.get_textpage().get_text_range() for page in pdf).split())


def files_of(office: Office, kind: str) -> list[list[PdfFile]]:
    """What came with each mail of a kind."""
    letters = [one.letter for one in office.email.arrived if one.kind == kind]
    return [list(one.documents) for one in letters if isinstance(one, Email)]


def with_files(office: Office) -> set[str]:
    """Which kinds of mails have brought a file."""
    return {kind for kind in office.email.kinds if any(files_of(office, kind))}


async def receipts(scene: Scene, payment: Made) -> list[Made]:
    answer = await scene.counter.api.get(f"/v1/payments/{payment['id']}/receipts", scene.patient)
    listed: list[Made] = answer.json()["items"]
    return listed


async def test_who_pays_at_once_gets_the_receipt_with_the_confirmation(
    api: Api, office: Office, press: Press
) -> None:
    scene = await Scene.open(api, office)
    await scene.sql("UPDATE patients SET locale = 'de-AT' WHERE id = $1", scene.patient.patient_id)
    _, payment = await scene.paid()
    assert await scene.told() == ["confirmation", "staff_notice"]
    assert await scene.told(LATER) == []
    (receipt,) = await receipts(scene, payment)
    ((file,),) = files_of(office, "confirmation")
    assert file.filename == f"{receipt['number']}.pdf"
    text = read(file)
    assert receipt["number"] in text
    assert "Zahlungsbeleg" in text
    path = f"/v1/receipts/{receipt['id']}.pdf"
    assert (await api.get(path, scene.patient, language="de-AT")).content == file.content
    # For the receipt of its own, which was held back, it was not printed once more.
    assert press.printed == [(receipt["number"], "de-AT")]
    assert with_files(office) == {"confirmation"}


async def test_what_is_paid_later_brings_its_own_receipt_and_no_other(
    api: Api, office: Office
) -> None:
    scene = await Scene.open(api, office, deposit=DEPOSIT)
    booking, deposit = await scene.paid()
    await scene.told()
    rest = await scene.counter.begin(booking, scene.patient)
    await scene.counter.play(rest, "pay")
    assert await scene.told() == ["payment_receipt"]
    for kind, payment, received in (
        ("confirmation", deposit, "€15.00"),
        ("payment_receipt", rest, "€35.00"),
    ):
        (receipt,) = await receipts(scene, payment)
        ((file,),) = files_of(office, kind)
        assert file.filename == f"{receipt['number']}.pdf"
        assert f"eceived {received}" in read(file)


async def test_a_confirmation_of_two_payments_brings_both_receipts(
    api: Api, office: Office
) -> None:
    scene = await Scene.open(api, office, deposit=DEPOSIT)
    booking, deposit = await scene.paid()
    rest = await scene.counter.begin(booking, scene.patient)
    await scene.counter.play(rest, "pay")
    assert "confirmation" in await scene.told()
    numbers = [one["number"] for each in (deposit, rest) for one in await receipts(scene, each)]
    (files,) = files_of(office, "confirmation")
    assert [one.filename for one in files] == [f"{number}.pdf" for number in numbers]


async def test_a_refund_brings_its_correction(api: Api, office: Office) -> None:
    scene = await Scene.open(api, office)
    booking, payment = await scene.paid()
    await scene.told()
    await refunds_of(scene, booking, payment)
    await scene.counter.work()
    assert "refund" in await scene.told()
    receipt, correction = await receipts(scene, payment)
    ((file,),) = files_of(office, "refund")
    assert file.filename == f"{correction['number']}.pdf"
    text = read(file)
    assert f"Number {correction['number']}" in text
    assert f"Corrects receipt {receipt['number']}" in text
    assert "Given back -€50.00" in text
    assert with_files(office) == {"confirmation", "refund"}


@pytest.mark.parametrize("at_desk", [True, False], ids=["at the desk", "by the provider"])
async def test_each_of_several_refunds_brings_its_own_correction(
    api: Api, office: Office, at_desk: bool
) -> None:
    scene = await Scene.open(api, office, payment="optional" if at_desk else "required")
    desk = await api.receptionist(scene.counter.clinic["id"])
    if at_desk:
        booking = await scene.booked()
        path = f"/v1/bookings/{booking['id']}/desk-payments"
        payment = await api.made(path, {"method": "cash"}, desk)
    else:
        _, payment = await scene.paid()
    asked = []
    for amount in (1000, 2000):
        path = f"/v1/payments/{payment['id']}/refunds"
        told = await api.made(path, {"amount": amount, "reason": "Example"}, desk)
        (refund,) = [one for one in told["refunds"] if one["amount"]["amount"] == amount]
        asked.append(refund)
        await scene.counter.work()
    assert (await scene.told()).count("refund") == 2
    _, first, second = await receipts(scene, payment)
    about = await scene.sql(
        "SELECT id, recipient_key FROM message_ledger WHERE kind = 'refund' AND channel = 'email'"
    )
    causes = {row["id"]: row["recipient_key"] for row in about}
    files = {
        causes[one.letter.id]: [file.filename for file in one.letter.documents]
        for one in office.email.arrived
        if isinstance(one.letter, Email) and one.kind == "refund"
    }
    assert files == {
        f"patient:{refund['id']}": [f"{correction['number']}.pdf"]
        for refund, correction in zip(asked, (first, second), strict=True)
    }


async def test_late_money_has_no_receipt_beside_its_correction(api: Api, office: Office) -> None:
    scene = await Scene.open(api, office)
    booking = await scene.booked()
    payment = await scene.counter.begin(booking, scene.patient)
    await scene.expired(booking, payment)
    await scene.counter.book(await api.patient())
    await scene.counter.play(payment, "pay_late")
    assert await scene.told(LATER) == ["payment_late", "refund"]
    assert with_files(office) == {"refund"}


async def test_nothing_is_printed_for_what_is_held_back_or_goes_by_sms(
    api: Api, office: Office, press: Press
) -> None:
    scene = await Scene.open(api, office)
    booking, _ = await scene.paid()
    await office.plan()
    slot = {"time_slot_id": scene.counter.slots[1]["id"]}
    answer = await api.post(f"/v1/bookings/{booking['id']}/reschedule", slot, scene.patient)
    assert answer.status_code == 200, answer.text
    await scene.sql("UPDATE notification_preferences SET email = false")
    assert "payment_receipt" in await scene.told()
    assert "payment_receipt" in office.sms.kinds
    assert await scene.rows("confirmation") == [("withdrawn", "superseded")]
    assert press.printed == []


async def test_a_document_that_cannot_be_printed_stops_no_mail(
    api: Api, office: Office, press: Press
) -> None:
    scene = await Scene.open(api, office)
    press.fault = RuntimeError("of Example Patient")
    await scene.paid()
    with structlog.testing.capture_logs() as lines:
        assert await scene.told() == ["confirmation", "staff_notice"]
    assert [one[0] for one in await scene.rows("confirmation")] == ["sent"]
    assert files_of(office, "confirmation") == [[]]
    (line,) = [one for one in lines if one["event"] == "document_not_attached"]
    assert line["reason"] == "RuntimeError"
    assert "Example Patient" not in str(lines)


async def test_the_outbox_shows_the_receipt_that_the_application_sends(
    api: Api, office: Office
) -> None:
    """All as it is wired; the office is there for the scene alone."""
    scene = await Scene.open(api, office)
    email = f"{uuid4().hex}@example.org"
    wanted = "UPDATE patients SET email = $2, locale = 'en' WHERE id = $1"
    await scene.sql(wanted, scene.patient.patient_id, email)
    _, payment = await scene.paid()
    (receipt,) = await receipts(scene, payment)
    # The printer keeps it, so that no limit of time hangs on this machine.
    path = f"/v1/receipts/{receipt['id']}.pdf"
    download = await api.get(path, scene.patient, language="en")
    await work(api)
    (mail,) = (await api.get("/v1/dev/outbox", api.admin, to=email)).json()["items"]
    calendar, document = mail["attachments"]
    assert calendar["event"]["method"] == "REQUEST"
    content = b64decode(document.pop("content"))
    filename = f"{receipt['number']}.pdf"
    assert document == {"filename": filename, "content_type": "application/pdf", "event": None}
    assert content == download.content
    assert receipt["number"] in read(PdfFile(filename=filename, content=content))
    assert receipt["number"] in mail["text"]


def named(count: int) -> list[ReceiptFacts]:
    return [
        ReceiptFacts(id=DocumentId(UUID(int=one)), number=f"2030-{one:06d}")
        for one in range(1, count + 1)
    ]


class Shelf:
    """Documents of one appointment, whose PDFs have so many bytes."""

    def __init__(self, *sizes: int) -> None:
        self.sizes = sizes
        self.asked: list[int] = []
        self.stuck_at: int | None = None

    async def show(self, document_id: DocumentId) -> Document:
        self.asked.append(document_id.int)
        return a_document(id=document_id, number=document_id.int)

    async def pdf(self, document: Document, *, language: str | None = None) -> bytes:
        if document.number == self.stuck_at:
            await asyncio.Event().wait()
        return bytes(self.sizes[document.number - 1])


async def given(
    shelf: Shelf, *, seconds: float = PATIENCE, appointment_id: UUID = FIRST, **about: Any
) -> tuple[list[int], dict[int, str]]:
    """The numbers of the files that go with a mail, and why others do not."""
    made = {"show": shelf.show, "printer": shelf, "seconds": seconds} | about
    found: Any = SimpleNamespace(
        money=MoneyFacts(documents=named(len(shelf.sizes))),
        appointment=SimpleNamespace(id=AppointmentId(appointment_id)),
        recipient_locale="en",
    )
    with structlog.testing.capture_logs() as lines:
        files = await PrintedDocuments(**made).of(uuid4(), found)
    assert {one["event"] for one in lines} <= {"document_not_attached"}
    return (
        [int(one.filename.removesuffix(".pdf")[-6:]) for one in files],
        {UUID(one["document_id"]).int: one["reason"] for one in lines},
    )


async def test_a_mail_has_so_many_documents_and_no_more() -> None:
    shelf = Shelf(*[10_000] * (MOST_DOCUMENTS + 1))
    most = list(range(1, MOST_DOCUMENTS + 1))
    assert await given(shelf) == (most, {MOST_DOCUMENTS + 1: "too_many"})
    assert shelf.asked == most


async def test_documents_have_so_much_room_and_no_more() -> None:
    assert await given(Shelf(MOST_DOCUMENT_BYTES)) == ([1], {})
    assert await given(Shelf(MOST_DOCUMENT_BYTES + 1)) == ([], {1: "TooLargeError"})
    half = MOST_DOCUMENT_BYTES // 2
    assert await given(Shelf(half, half + 1, half)) == ([1, 3], {2: "TooLargeError"})


async def test_what_is_not_printed_in_time_does_not_go() -> None:
    shelf = Shelf(10, 10, 10)
    shelf.stuck_at = 2
    assert await given(shelf, seconds=0.01) == ([1], {2: "too_slow", 3: "too_slow"})


async def test_a_document_of_another_appointment_does_not_go() -> None:
    assert await given(Shelf(10), appointment_id=UUID(int=7)) == ([], {1: "NotOfItError"})


@pytest.mark.parametrize("fault", [ReceiptNotFound(), TimeoutError(), OSError("of a patient")])
async def test_a_document_that_cannot_be_read_is_left_out_alone(fault: Exception) -> None:
    shelf = Shelf(10, 10)

    async def show(document_id: DocumentId) -> Document:
        if document_id.int == 1:
            raise fault
        return await shelf.show(document_id)

    assert await given(shelf, show=show) == ([2], {1: type(fault).__name__})
