"""Files that mean no good, and what becomes of each."""

import io
import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from PIL import Image

from tests.files.sending import PDF, a_picture

DOCUMENT, PHOTO = "booking_document", "doctor_photo"
JPEG, PNG, WEBP, PDF_KIND = "image/jpeg", "image/png", "image/webp", "application/pdf"
SCRIPT = b"<script>alert(1)</script>"
PAGE = b"<!doctype html><html><body>" + SCRIPT + b"</body></html>"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


class Hostile(NamedTuple):
    """`told` is the fault, the code of a refusal, or None where it is stored, as what it is."""

    name: str
    purpose: str
    kind: str
    content: bytes
    told: str | None
    filename: str = "report.pdf"
    size: int | None = None


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_of(width: int, height: int, *more: bytes) -> bytes:
    """The head of a picture that says how large it is, and hardly anything of it."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    data = chunk(b"IDAT", zlib.compress(bytes(1000)))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(more) + data + chunk(b"IEND", b"")


def animated(kind: str) -> bytes:
    first, second = (Image.new("RGB", (32, 32), colour) for colour in ("red", "blue"))
    target = io.BytesIO()
    first.save(target, kind, save_all=True, append_images=[second], duration=100, loop=0)
    return target.getvalue()


def a_zip() -> bytes:
    """One entry of zeros, which are a thousand times as many."""
    target = io.BytesIO()
    import zipfile  # noqa: PLC0415

    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../../etc/passwd", bytes(1_000_000))
    return target.getvalue()


def located() -> bytes:
    """A photo that says where it was taken, by whom, and has a small copy of itself."""
    exif = Image.Exif()
    exif.get_ifd(0x8825).update({1: "N", 2: (52.0, 31.0, 12.0), 3: "E", 4: (13.0, 24.0, 18.0)})
    exif[0x013B] = "Example Photographer"
    exif[0x010E] = SCRIPT.decode()
    return a_picture("JPEG", (80, 60), exif=exif, comment=SCRIPT)


def a_whole_bomb() -> bytes:
    """Nothing is wrong with it but that it has 42 million pixels, in some kilobytes."""
    target = io.BytesIO()
    Image.new("1", (7000, 6000)).save(target, "PNG")
    return target.getvalue()


def bomb_in_text() -> bytes:
    """Text that is a thousand times as long when it is unpacked."""
    packed = zlib.compress(bytes(16 * 1024 * 1024))
    return png_of(10, 10, chunk(b"zTXt", b"Comment\0\0" + packed))


def the_forty() -> Iterator[Hostile]:
    zipped, jpeg, png = a_zip(), a_picture("JPEG"), a_picture("PNG")
    webp, heic = a_picture("WEBP"), b"\0\0\0\x18ftypheic" + bytes(90)
    invalid = "validation_error"
    gif = animated("GIF")
    # What it says and what it is.
    yield Hostile("page as PDF", DOCUMENT, PDF_KIND, PAGE, "kind")
    yield Hostile("page as JPEG", PHOTO, JPEG, PAGE, "kind")
    yield Hostile("SVG as PNG", PHOTO, PNG, SVG, "kind")
    yield Hostile("SVG as SVG", PHOTO, "image/svg+xml", SVG, invalid)
    yield Hostile("page as page", DOCUMENT, "text/html", PAGE, invalid)
    yield Hostile("text as text", DOCUMENT, "text/plain", PAGE, invalid)
    yield Hostile("program", DOCUMENT, PDF_KIND, b"MZ" + bytes(200), "kind")
    yield Hostile("ELF", DOCUMENT, PDF_KIND, b"\x7fELF" + bytes(200), "kind")
    yield Hostile("shell script", DOCUMENT, PDF_KIND, b"#!/bin/sh\nrm -rf /\n", "kind")
    yield Hostile("PNG as JPEG", PHOTO, JPEG, png, "kind")
    yield Hostile("JPEG as PNG", DOCUMENT, PNG, jpeg, "kind")
    yield Hostile("PDF as photo", PHOTO, PDF_KIND, PDF, invalid)
    yield Hostile("HEIC", PHOTO, "image/heic", heic, invalid)
    yield Hostile("HEIC as JPEG", PHOTO, JPEG, heic, "kind")
    yield Hostile("zip", DOCUMENT, "application/zip", zipped, invalid)
    yield Hostile("zip as PDF", DOCUMENT, PDF_KIND, zipped, "kind")
    # Two things at once.
    yield Hostile("PDF and zip", DOCUMENT, PDF_KIND, PDF + zipped, "kind")
    yield Hostile("PDF and page", DOCUMENT, PDF_KIND, PDF[:9] + PAGE + PDF[9:], "kind")
    yield Hostile("page and PDF", DOCUMENT, PDF_KIND, PAGE + PDF, "kind")
    yield Hostile("PDF without end", DOCUMENT, PDF_KIND, PDF[:-6] + SCRIPT, "kind")
    yield Hostile("PDF and program", DOCUMENT, PDF_KIND, b"MZ\n" + PDF, "kind")
    yield Hostile("JPEG and zip", DOCUMENT, JPEG, jpeg + zipped, None, "a.jpg")
    yield Hostile("JPEG and page", DOCUMENT, JPEG, jpeg + PAGE, None, "a.html")
    yield Hostile("PNG and page", DOCUMENT, PNG, png + PAGE, None, "a.svg")
    yield Hostile("PNG with a page", DOCUMENT, PNG, a_png_with(PAGE), None, "a.png")
    yield Hostile("WEBP and zip", DOCUMENT, WEBP, webp + zipped, None, "a.webp")
    yield Hostile("GIF and page", PHOTO, JPEG, gif + PAGE, "kind")
    yield Hostile("position in EXIF", DOCUMENT, JPEG, located(), None, "a.jpg")
    # Too much of it.
    yield Hostile("pixel bomb", PHOTO, PNG, png_of(30_000, 30_000), "picture")
    yield Hostile("whole bomb", PHOTO, PNG, a_whole_bomb(), "picture")
    yield Hostile("wide bomb", PHOTO, PNG, png_of(2**31 - 1, 1), "picture")
    yield Hostile("text bomb", PHOTO, PNG, bomb_in_text(), "picture")
    yield Hostile("animated WEBP", PHOTO, WEBP, animated("WEBP"), "picture")
    yield Hostile("animated PNG", PHOTO, PNG, animated("PNG"), "picture")
    yield Hostile("broken JPEG", PHOTO, JPEG, jpeg[: len(jpeg) // 2], "picture")
    yield Hostile("head of a JPEG", DOCUMENT, JPEG, jpeg[:4] + SCRIPT * 9, "picture")
    yield Hostile("claimed 5 GB", DOCUMENT, PDF_KIND, PDF, "file_too_large", size=5 * 2**30)
    yield Hostile("large photo", PHOTO, JPEG, jpeg, "file_too_large", size=10 * 2**20 + 1)
    yield Hostile("zero bytes", DOCUMENT, PDF_KIND, b"", invalid)
    # Names.
    yield Hostile("path", DOCUMENT, PDF_KIND, PDF, None, "../../../etc/passwd")
    yield Hostile("line in a name", DOCUMENT, PDF_KIND, PDF, invalid, "a\r\nSet-Cookie: b")
    yield Hostile("turned name", DOCUMENT, PDF_KIND, PDF, invalid, "a\u202efdp.exe")
    yield Hostile("quotes in a name", DOCUMENT, PDF_KIND, PDF, None, 'a"; filename="b.html')


def a_png_with(text: bytes) -> bytes:
    target = io.BytesIO()
    from PIL.PngImagePlugin import PngInfo  # noqa: PLC0415

    about = PngInfo()
    about.add_text("Comment", text.decode())
    Image.new("RGB", (20, 20), "red").save(target, "PNG", pnginfo=about)
    return target.getvalue()
