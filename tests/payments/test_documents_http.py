"""Documents and the ledger over HTTP: who may have them, and that they stay as they were."""

import csv
from collections import Counter
from datetime import datetime
from io import StringIO
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import httpx
import pypdfium2
import pytest

from booking_system.payments.adapters.documents.style import STYLE_SOURCE
from tests.api import ZONE, Api, Person, code_of
from tests.payments.test_documents import read
from tests.payments.test_payments_http import DEPOSIT, Made
from tests.payments.test_payments_http import Counter as Desk

EMPTY = b"date,settled_at,kind,amount_minor,amount,currency,receipt_number,corrects_number,"


async def paid(api: Api) -> tuple[Desk, Person, Made]:
    """A deposit was paid online at a clinic with a tax number."""
    desk = await Desk.open(api, deposit=DEPOSIT)
    patient = await api.patient()
    mine = f"/v1/patients/{patient.patient_id}"
    spoken = await api.send("PATCH", mine, by=patient, json={"locale": "de-AT"})
    assert spoken.status_code == 200, spoken.text
    admin = await api.clinic_admin(desk.clinic["id"])
    change = {"tax_number": "DE123456789", "address": "1 Example Street"}
    path = f"/v1/clinics/{desk.clinic['id']}"
    changed = await api.send("PATCH", path, by=admin, json=change)
    assert changed.json()["tax_number"] == "DE123456789"
    booking = await desk.book(patient)
    payment = await desk.begin(booking, patient)
    await desk.play(payment, "pay")
    return desk, patient, payment


def told(answer: httpx.Response) -> Made:
    """What a refusal says, but for the name of the request."""
    assert answer.status_code == 404
    return {**answer.json(), "instance": None}


async def papers(api: Api, payment: Made, by: Person) -> list[Made]:
    answer = await api.get(f"/v1/payments/{payment['id']}/receipts", by)
    return list(answer.json()["items"])


async def test_a_receipt_is_read_and_kept_by_its_patient_and_the_desk(api: Api) -> None:
    desk, patient, payment = await paid(api)
    (receipt,) = await papers(api, payment, patient)
    staff = await api.receptionist(desk.clinic["id"])

    for by in (patient, staff):
        page = await api.get(receipt["html_path"], by)
        pdf = await api.get(receipt["pdf_path"], by)

        assert page.headers["content-type"] == "text/html; charset=utf-8"
        assert f"style-src {STYLE_SOURCE}" in page.headers["content-security-policy"]
        assert "default-src 'none'" in page.headers["content-security-policy"]
        assert page.headers["cache-control"] == pdf.headers["cache-control"] == "no-store"
        assert pdf.headers["content-type"] == "application/pdf"
        name = f'attachment; filename="receipt-{receipt["number"]}.pdf"'
        assert pdf.headers["content-disposition"] == name
        (sheet,) = pypdfium2.PdfDocument(pdf.content)
        for text in (read(page.text), sheet.get_textpage().get_text_range()):
            assert "Zahlungsbeleg" in text, "the patient reads German"
            for said in (receipt["number"], "DE123456789", "1 Example Street", "Sandbox"):
                assert said in text
            assert "Ein Test" in text
            assert "Anzahlung erhalten" in text
    english = await api.get(receipt["html_path"], patient, language="en")
    assert "Still to pay €35.00" in read(english.text)


@pytest.mark.parametrize("ending", ["pdf", "html"])
async def test_nobody_else_has_it(api: Api, ending: str) -> None:
    desk, patient, payment = await paid(api)
    (receipt,) = await papers(api, payment, patient)
    elsewhere = await api.receptionist((await api.clinic())["id"])
    path = receipt[f"{ending}_path"]

    nothing = f"/v1/receipts/{uuid4()}.{ending}"
    of_nothing = told(await api.get(nothing, patient))
    assert of_nothing["code"] == "not_found"
    for by in (await api.patient(), elsewhere):
        assert told(await api.get(path, by)) == of_nothing
    assert (await api.get(path)).status_code == 401
    assert (await api.get(path, await api.receptionist(desk.clinic["id"]))).status_code == 200


async def test_a_document_stays_as_it_was_issued(api: Api) -> None:
    desk, patient, payment = await paid(api)
    (receipt,) = await papers(api, payment, patient)
    before = [await api.get(receipt[name], patient) for name in ("html_path", "pdf_path")]

    changes = {"name": "Another", "tax_number": "X", "time_zone": "Asia/Tokyo", "locale": "en"}
    path = f"/v1/clinics/{desk.clinic['id']}?on_conflict=keep"
    changed = await api.send("PATCH", path, by=api.admin, json={**changes, "address": None})
    assert changed.status_code == 200, changed.text
    me = {"full_name": "Another Name", "locale": "en"}
    path = f"/v1/patients/{patient.patient_id}"
    assert (await api.send("PATCH", path, by=patient, json=me)).status_code == 200
    path = f"/v1/services/{desk.service['id']}"
    assert (await api.send("PATCH", path, by=api.admin, json={"name": "X"})).status_code == 200

    after = [await api.get(receipt[name], patient) for name in ("html_path", "pdf_path")]
    assert [one.content for one in after] == [one.content for one in before]


async def test_what_goes_back_is_on_a_document_of_its_own(api: Api) -> None:
    desk, patient, payment = await paid(api)
    staff = await api.receptionist(desk.clinic["id"])
    await api.made(f"/v1/payments/{payment['id']}/refunds", {"amount": 500}, staff)
    await desk.work()

    receipt, correction = await papers(api, payment, patient)
    page = read((await api.get(correction["html_path"], patient, language="en")).text)
    assert f"Corrects receipt {receipt['number']}" in page
    assert "Given back -€5.00 Received in all €10.00 Still to pay €40.00" in page


async def test_the_tax_number_is_for_managers_and_on_receipts(api: Api) -> None:
    desk, _patient, _payment = await paid(api)
    path = f"/v1/clinics/{desk.clinic['id']}"
    for shown in (await api.get(path), await api.get("/v1/clinics")):
        assert "DE123456789" not in shown.text
    kept = await api.send("PATCH", f"{path}?dry_run=true", by=api.admin, json={})
    assert kept.json()["tax_number"] == "DE123456789"
    gone = await api.send("PATCH", path, by=api.admin, json={"tax_number": None})
    assert gone.json()["tax_number"] is None
    made = await api.made("/v1/clinics", NEW | {"tax_number": "123/456/78901"}, api.admin)
    path = f"/v1/clinics/{made['id']}"
    kept = await api.send("PATCH", f"{path}?dry_run=true", by=api.admin, json={})
    assert kept.json()["tax_number"] == "123/456/78901"


NEW = {"name": "Example Clinic", "slug": "of-its-own", "time_zone": "Europe/Berlin"}


async def test_the_ledger_adds_up_to_the_day(api: Api) -> None:
    desk, patient, payment = await paid(api)
    staff = await api.receptionist(desk.clinic["id"])
    booking = f"/v1/bookings/{payment['booking_id']}"
    await api.made(f"{booking}/desk-payments", {"method": "cash"}, staff)
    await api.made(f"/v1/payments/{payment['id']}/refunds", {"amount": 500}, staff)
    await desk.work()
    clinic = f"/v1/clinics/{desk.clinic['id']}"

    answer = await api.get(f"{clinic}/payment-ledger.csv", staff)

    assert answer.headers["content-type"] == "text/csv; charset=utf-8; header=present"
    assert answer.content.endswith(b"\r\n")
    rows = list(csv.DictReader(StringIO(answer.text, newline="")))
    assert [(one["kind"], one["amount"], one["receipt_number"][4:]) for one in rows] == [
        ("charge", "15.00", "-000001"),
        ("desk_payment", "35.00", "-000002"),
        ("refund", "-5.00", "-000003"),
    ]
    assert rows[2]["corrects_number"] == rows[0]["receipt_number"]
    reference = (await api.get(booking, patient)).json()["reference"]
    assert {one["booking_reference"] for one in rows} == {reference}
    totals = (await api.get(f"{clinic}/payment-totals", staff)).json()
    assert {one["date"] for one in rows} == {totals["date"]}
    sums = Counter[Any]()
    for one in rows:
        way = (one["currency"], one["provider"], one["method"] or None, one["kind"])
        sums[way] += int(one["amount_minor"])
    told = {
        (one["currency"], one["provider"], one["method"], one["kind"]): one["amount"]
        for one in totals["sums"]
    }
    assert dict(sums) == told
    next_day = {"from": "2026-01-01", "to": "2026-01-02"}
    empty = await api.get(f"{clinic}/payment-ledger.csv", staff, **next_day)
    assert empty.content.startswith(EMPTY)
    assert empty.content.count(b"\r\n") == 1


async def test_the_ledger_is_for_the_clinics_staff(api: Api) -> None:
    desk, patient, _payment = await paid(api)
    path = f"/v1/clinics/{desk.clinic['id']}/payment-ledger.csv"
    elsewhere = await api.receptionist((await api.clinic())["id"])
    for by in (patient, elsewhere):
        assert code_of(await api.get(path, by)) == (403, "forbidden")
    nowhere = f"/v1/clinics/{UUID(int=9)}/payment-ledger.csv"
    assert code_of(await api.get(nowhere, elsewhere)) == (404, "not_found")


@pytest.mark.parametrize(
    ("first", "until", "code"),
    [
        ("2027-03-01", "2027-03-01", "ends_too_early"),
        ("2027-03-02", "2027-03-01", "ends_too_early"),
        ("2027-03-01", "2028-03-02", "too_long"),
    ],
)
async def test_days_of_a_ledger_have_bounds(api: Api, first: str, until: str, code: str) -> None:
    clinic = await api.clinic()
    staff = await api.receptionist(clinic["id"])
    about = {"from": first, "to": until}
    answer = await api.get(f"/v1/clinics/{clinic['id']}/payment-ledger.csv", staff, **about)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, code)


async def test_a_receipts_day_is_the_clinics(api: Api) -> None:
    _desk, patient, payment = await paid(api)
    (receipt,) = await papers(api, payment, patient)
    day = datetime.fromisoformat(receipt["issued_at"]).astimezone(ZoneInfo(ZONE)).date()
    page = read((await api.get(receipt["html_path"], patient, language="en")).text)
    assert f"Date {day.day} {day:%B} {day.year}" in page
