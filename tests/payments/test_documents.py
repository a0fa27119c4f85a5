"""Documents as people read them: complete, the same each time, and of any name on earth."""

import asyncio
import logging
import re
import threading
import tomllib
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from hashlib import sha256
from html import unescape
from typing import Any

import pypdfium2
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from booking_system.payments.adapters.documents import letters
from booking_system.payments.adapters.documents.pdf import MARGIN, pdf_of
from booking_system.payments.adapters.documents.printer import KEPT, Printer
from booking_system.payments.adapters.documents.sheet import sheet_of
from booking_system.payments.adapters.documents.style import STYLE_SOURCE
from booking_system.payments.adapters.documents.words import FOLDER, words_for
from booking_system.payments.domain.receipts import Document, DocumentId, DocumentKind
from booking_system.shared_kernel.money import Money
from tests.patience import PATIENCE, TURNS
from tests.payments.builders import FIRST, a_document

POINTS = 72 / 25.4
TAG = re.compile(r"<[^>]+>")
STYLE = re.compile(r"<style>(.*?)</style>", re.DOTALL)
PRINTER = Printer()


def read(page: str) -> str:
    """What somebody reads on a page, in one line."""
    return " ".join(unescape(TAG.sub(" ", STYLE.sub("", page))).split())


async def printed(**about: Any) -> str:
    """What can be copied from a PDF, in one line."""
    pdf = pypdfium2.PdfDocument(await Printer().pdf(a_document(**about)))
    return " ".join(" ".join(page.get_textpage().get_text_range() for page in pdf).split())


DEPOSIT = {"money": Money(1500, "EUR"), "price": 5000, "deposit": 1500, "received": 1500}
ENGLISH = [
    *("Example Clinic", "1 Example Street", "12345 Example Town", "Tax number: DE123456789"),
    *("Receipt", "Number 2030-000042", "Date 4 June 2030", "For Example Patient"),
    *("Service Example Service", "Appointment 6 June 2030, 00:00 (Pacific/Auckland)"),
    *("Booking K7QM-3F9D", "Paid by Cash", "Money moved on 4 June 2030", "Price €50.00"),
    *("Deposit received €15.00", "Received in all €15.00", "Still to pay €35.00"),
    "Made by a computer and valid without a signature.",
]
GERMAN = [
    *("Zahlungsbeleg", "Nummer 2030-000042", "Datum 4. Juni 2030", "Für Example Patient"),
    *("Leistung Example Service", "Termin 6. Juni 2030, 00:00 (Pacific/Auckland)"),
    *("Buchung K7QM-3F9D", "Zahlungsweg Bar", "Zahlung vom 4. Juni 2030", "Preis 50,00 €"),
    *("Anzahlung erhalten 15,00 €", "Insgesamt erhalten 15,00 €", "Noch zu zahlen 35,00 €"),
    "Steuernummer / USt-IdNr.: DE123456789",
    "Maschinell erstellt und ohne Unterschrift gültig.",
]


@pytest.mark.parametrize(("tag", "lines"), [("en", ENGLISH), ("de", GERMAN)])
async def test_all_that_a_receipt_says_is_on_the_page_and_in_the_pdf(
    tag: str, lines: list[str]
) -> None:
    about = DEPOSIT | {"languages": (tag,)}
    page = PRINTER.page(a_document(**about))
    assert f'<html lang="{tag}">' in page
    for text in (read(page), (await printed(**about)).replace("\xa0", " ")):
        place = 0
        for line in sorted(lines, key=text.find):
            found = text.find(line, place)
            assert found >= place, (line, text)
            place = found + len(line)


def test_each_language_has_all_words() -> None:
    files = sorted(FOLDER.glob("*.toml"))
    said = [tomllib.loads(path.read_text(encoding="utf-8")) for path in files]
    names = [{f"{part}.{name}" for part, words in one.items() for name in words} for one in said]
    assert [path.stem for path in files] == ["de", "en"]
    assert names[0] == names[1]
    assert all(text for one in said for words in one.values() for text in words.values())


@pytest.mark.parametrize(
    ("wishes", "tag", "locale"),
    [
        (("de-AT", "en"), "de", "de_AT"),
        (("fr-FR", "de-DE"), "de", "de_DE"),
        (("en",), "en", "en_GB"),
        (("en-US",), "en", "en_US"),
        (("xx", "fr"), "en", "en_GB"),
        ((), "en", "en_GB"),
    ],
)
def test_the_language_is_the_first_wish_that_there_are_words_for(
    wishes: tuple[str, ...], tag: str, locale: str
) -> None:
    words = words_for(wishes)
    assert (words.tag, str(words.locale)) == (tag, locale)


async def test_another_language_may_be_asked_for() -> None:
    document = a_document(languages=("de",))
    assert "Receipt" in read(PRINTER.page(document, language="en"))
    assert "Zahlungsbeleg" in read(PRINTER.page(document))
    assert await PRINTER.pdf(document, language="en") != await PRINTER.pdf(document)


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [
        (8000, "JPY", "¥8,000"),
        (12_340, "KWD", "KWD12.340"),
        (1_001, "IQD", "IQD1.001"),
        (5_000, "UGX", "UGX5,000"),
        (499_000, "HUF", "HUF4,990.00"),
        (1, "EUR", "€0.01"),
        (100_000_000, "USD", "US$1,000,000.00"),
    ],
)
def test_amounts_have_the_decimals_of_their_currency(
    amount: int, currency: str, shown: str
) -> None:
    about = {"money": Money(amount, currency), "price": amount, "received": amount}
    page = read(PRINTER.page(a_document(**about)))
    assert f"Received {shown} Received in all {shown}" in page.replace("JP¥", "¥")


def test_a_correction_says_what_it_corrects_and_what_is_left() -> None:
    about = {"kind": DocumentKind.CORRECTION, "corrects_name": "2029-000007", "price": None}
    back = read(PRINTER.page(a_document(**about, money=Money(-2000, "EUR"), received=3000)))
    assert "Correction Number 2030-000042" in back
    assert "Corrects receipt 2029-000007" in back
    assert "Given back -€20.00 Received in all €30.00 Made" in back, "nothing is left to pay"
    again = read(PRINTER.page(a_document(**about, money=Money(2000, "EUR"))))
    assert "Came back to the clinic €20.00" in again


def test_the_payment_behind_a_deposit_is_none() -> None:
    about = {"price": 5000, "deposit": 1500, "received": 5000, "money": Money(3500, "EUR")}
    page = read(PRINTER.page(a_document(**about)))
    assert "Received €35.00 Received in all €50.00 Still to pay €0.00" in page


@pytest.mark.parametrize("about", [{"is_live": False}, {"provider": "sandbox", "method": None}])
def test_money_that_did_not_move_is_called_a_test(about: dict[str, Any]) -> None:
    assert "A test: no money was moved." in read(PRINTER.page(a_document(**about)))
    assert "A test" not in read(PRINTER.page(a_document()))


async def test_a_document_from_before_says_what_was_kept_of_it() -> None:
    about = {"occasion": None, "time_zone": None, "is_live": None, "issuer_tax_number": None}
    page = read(PRINTER.page(a_document(**about)))
    assert "Booking Example Clinic, K7QM-3F9D" in page
    assert "Received €50.00 Made by" in page
    assert "Received €50.00" in await printed(**about)


TAKES_OVER = '<script>alert(1)</script>"><img src=x onerror=alert(1)>'


@pytest.mark.parametrize(
    "place", ["recipient", "service", "issuer_name", "issuer_address", "issuer_tax_number", "title"]
)
def test_what_people_have_typed_is_text(place: str) -> None:
    about = {place: TAKES_OVER} | ({"occasion": None} if place == "title" else {})
    page = PRINTER.page(a_document(**about))
    assert "<script" not in page
    assert "<img" not in page
    assert TAKES_OVER in unescape(page)


def test_the_page_has_the_style_that_its_policy_allows_and_no_other() -> None:
    page = PRINTER.page(a_document())
    (style,) = STYLE.findall(page)
    assert f"'sha256-{b64encode(sha256(style.encode()).digest()).decode()}'" == STYLE_SOURCE
    assert not re.search(r"\sstyle=|<script|https?://", page)


def test_signs_that_turn_or_hide_others_are_left_out() -> None:
    page = read(PRINTER.page(a_document(recipient="Example\u202e\u0007 \u2028Patient\u200b")))
    assert "For Example Patient Service" in page
    assert "می\u200cخواهم" in PRINTER.page(a_document(recipient="می\u200cخواهم"))


async def test_the_same_document_has_the_same_bytes() -> None:
    document = a_document(recipient="Дмитрий 王小明 محمد")
    first = await Printer().pdf(document)
    assert await Printer().pdf(document) == first
    assert await PRINTER.pdf(document) == await PRINTER.pdf(document) == first
    assert PRINTER.page(document) == PRINTER.page(document)


async def test_the_date_of_a_pdf_is_that_of_issue() -> None:
    at = datetime(2031, 2, 3, 4, 5, 6, tzinfo=timezone(timedelta(0)))
    pdf = pypdfium2.PdfDocument(await PRINTER.pdf(a_document(issued_at=at)))
    assert pdf.get_metadata_dict()["CreationDate"].startswith("D:20310203040506")
    assert "ModDate" not in pdf.get_metadata_dict(skip_empty=True)


async def test_a_printer_keeps_so_many_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    times = Counter[int]()

    def counted(document: Document, _language: str | None) -> bytes:
        times[document.number] += 1
        return bytes(document.number)

    monkeypatch.setattr(f"{Printer.__module__}._printed", counted)
    printer = Printer()
    for number in (0, *range(KEPT), 0, KEPT, 0, 1):
        document = a_document(number=number, id=DocumentId(FIRST))
        assert await printer.pdf(document) == bytes(number)
    assert {number for number, count in times.items() if count > 1} == {1}


NAMES = {
    "Cyrillic": "Дмитрий Їжакевич",
    "Greek": "Σωκράτης Παπαδόπουλος",
    "Arabic": "محمد العربي بن رشد",
    "Persian": "ژاله گل‌محمدی",
    "Hebrew": "שרה כהן",
    "Chinese": "王小明 歐陽娜娜",
    "Japanese": "東京 たろう カタカナ",
    "Korean": "김철수",
    "Vietnamese": "Nguyễn Thị Ánh",
    "Turkish": "Şükrü Çağlayan İpek",
    "Armenian": "Արամ Խաչատրյան",
    "Georgian": "ნინო ბერიძე",
    "Thai": "สมชาย",
    "emoji": "Example 😀",
}


def seen(text: str) -> Counter[str]:
    return Counter(one for one in text if not one.isspace() and one != "\u200c")


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
async def test_names_of_all_alphabets_keep_all_their_letters(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        text = await printed(recipient=name, languages=("en",))
    plain = await printed(recipient="", languages=("en",))
    assert seen(text) >= seen(plain) + seen(f"For{name}"), "marks may be copied as signs of others"
    assert "U+" not in text
    assert not [one for one in caplog.records if one.name.startswith(("fpdf", "fontTools"))]


async def test_a_letter_that_no_font_has_is_told_by_its_number() -> None:
    text = await printed(recipient="𠮷田\U000e0100 \ufe0f\u2007A\U00012000")
    assert "For [U+20BB7]田 A[U+12000]" in text


TEXTS = st.text(
    st.characters() | st.sampled_from("\u200c\u200d\ufe0f\u3164\u034f\u0301\u064b محمدकि王W"),
    max_size=60,
)


@given(recipient=TEXTS, address=TEXTS, service=TEXTS)
@example(recipient="a\u200cb م", address="\u200d", service="م\u200d\u200cकि")
@settings(max_examples=25, deadline=None)
def test_no_text_stops_a_document(recipient: str, address: str, service: str) -> None:
    about = {"recipient": recipient, "issuer_address": address, "service": service}
    document = a_document(**about)
    assert pdf_of(sheet_of(document)).startswith(b"%PDF")
    assert PRINTER.page(document).endswith("</html>")


def test_a_text_opens_the_fonts_of_its_letters_only() -> None:
    def files(text: str) -> list[str]:
        return [font.file for font in letters.letters_for([text]).parts]

    assert files("Müller Дмитрий €") == ["NotoSans[wght].ttf"]
    assert files("محمد") == ["NotoSans[wght].ttf", "NotoSansArabic[wght].ttf"]
    assert files("王") == ["NotoSans[wght].ttf", "fonts/wqy-microhei.ttc"]


LONG = {
    "a name in one word": {"recipient": "W" * 200, "service": "m" * 200, "issuer_name": "W" * 200},
    "from right to left": {"recipient": "محمد" * 50, "issuer_address": "شارع المثال الطويل " * 100},
    "Chinese": {"recipient": "王" * 200, "issuer_name": "診" * 200},
    "words": {"issuer_address": "A long address that goes on " * 70, "service": "Long name " * 20},
    "many lines": {"issuer_address": "1\n" * 999 + "end"},
    "an amount": {"money": Money(100_000_000, "UGX"), "languages": ("de-CH",)},
    "code points": {"recipient": "\U00012000" * 200},
}


def boxes(pdf: pypdfium2.PdfDocument) -> Iterator[tuple[float, float, float, float, float, float]]:
    for page in pdf:
        text, (width, height) = page.get_textpage(), page.get_size()
        for place in range(text.count_chars()):
            yield (*text.get_charbox(place), width, height)


@pytest.mark.parametrize("about", LONG.values(), ids=LONG)
async def test_nothing_leaves_the_page(about: dict[str, Any]) -> None:
    pdf = pypdfium2.PdfDocument(await PRINTER.pdf(a_document(**about)))
    edge = (MARGIN - 2) * POINTS
    for left, bottom, right, top, width, height in boxes(pdf):
        assert left >= edge
        assert right <= width - edge
        assert bottom >= edge / 2
        assert top <= height - edge / 2
    text = "".join(page.get_textpage().get_text_range() for page in pdf)
    assert "Money moved on" in text or "Zahlung vom" in text
    assert seen(text) >= seen(str(about.get("recipient", "")).replace("\U00012000", "[U+12000]"))


@pytest.mark.parametrize(("name", "first", "last"), [("שרה", "ש", "ה"), ("احمد", "ا", "د")])
async def test_what_is_read_from_right_to_left_stands_so(name: str, first: str, last: str) -> None:
    (page,) = pypdfium2.PdfDocument(await PRINTER.pdf(a_document(recipient=name)))
    text = page.get_textpage()
    letters = text.get_text_range()
    left = {one: text.get_charbox(letters.index(one))[0] for one in (first, last)}
    assert left[first] > left[last]


async def test_one_is_printed_at_a_time_and_the_loop_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begun, seen_together = 0, []
    has_begun, go_on = threading.Event(), threading.Event()

    def slow(document: Document, _language: str | None) -> bytes:
        nonlocal begun
        begun += 1
        seen_together.append(begun)
        has_begun.set()
        assert go_on.wait(PATIENCE)
        begun -= 1
        return b"%PDF"

    monkeypatch.setattr(f"{Printer.__module__}._printed", slow)
    printer = Printer()
    printing = [asyncio.create_task(printer.pdf(a_document(number=n))) for n in range(5)]
    assert await asyncio.to_thread(has_begun.wait, PATIENCE)
    for _ in range(TURNS):
        await asyncio.sleep(0)
    go_on.set()
    assert await asyncio.gather(*printing) == [b"%PDF"] * 5
    assert seen_together == [1] * 5
