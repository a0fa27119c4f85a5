"""Names of files as text and in heads, kinds by bytes, ranges, and addresses of storages."""

import re
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from booking_system.bootstrap.settings import Settings, SettingsProblem
from booking_system.files.adapters.addresses import (
    WrongAddressError,
    clamd_address,
    storage_address,
)
from booking_system.files.domain.kinds import Edges, MediaKind, kind_of
from booking_system.files.domain.names import as_attachment, clean_name
from tests.files.conftest import KEY, SECRET
from tests.files.sending import PDF

NAMES = [
    "report.pdf",
    "report",
    "Bef\u00fcnd.PDF",
    "../../etc/passwd",
    "..",
    ".",
    "a/b\\c:d.pdf",
    'quote".pdf',
    "semi;colon=.pdf",
    "percent%0d%0a.pdf",
    "\u65e5\u672c\u8a9e.pdf",
    "emoji \U0001f600.pdf",
    "e\u0301.pdf",
    "x" * 200,
    "x" * 198 + ".pdf",
    "page.html",
    "page.html.",
    "con.pdf.exe",
    "' OR 1=1.pdf",
    "*.pdf",
    # Wide forms of signs, which become the signs themselves where a name is folded.
    "a\uff02; x=\uff02b\uff0f\uff3c.pdf",
]


@pytest.mark.parametrize("given", NAMES)
def test_a_name_is_text_with_an_ending_of_its_kind(given: str) -> None:
    name = clean_name(given, MediaKind.PDF)
    assert name.lower().endswith(".pdf")
    assert 4 < len(name) <= 155
    assert not set(name) & set('/\\:*?"<>|')
    assert not name.startswith(".")
    field = as_attachment(name)
    assert field.isascii()
    assert field.isprintable()
    plain = re.fullmatch(r"attachment; filename=\"([^\"\\]+)\"; filename\*=UTF-8''(\S+)", field)
    assert plain is not None
    # Neither does the plain one say what RFC 6266, appendix D, advises against.
    assert re.fullmatch(r"[A-Za-z0-9._ ()+-]+", plain[1])
    assert set(plain[2]) <= set("%!#$&+-.^_`|~") | set(
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
    )
    # As a program reads it that knows both.
    message = EmailMessage()
    message["Content-Disposition"] = f"attachment; filename*=UTF-8''{plain[2]}"
    assert message.get_filename() == name


def test_what_a_file_is_its_bytes_say() -> None:
    def kind(content: bytes) -> MediaKind | None:
        return kind_of(Edges(head=content[:1024], tail=content[-1024:]))

    assert kind(PDF) is MediaKind.PDF
    assert kind(PDF + b"\r\n\0") is MediaKind.PDF
    for hostile in (b" " + PDF, PDF + b"x", PDF.replace(b"1.4", b"9.4"), b"%PDF-1.4\n", b""):
        assert kind(hostile) is None


@pytest.mark.parametrize(
    "text",
    [
        "s3://",
        "s3://UPPER?region=x",
        "s3://bucket",
        "s3://bucket/path?region=x",
        "s3://bucket?region=x&region=y",
        "s3://bucket?region=x&acl=public",
        "s3://KEY@bucket?region=x",
        "s3://bucket?region=x&prefix=../up",
        "s3://bucket?region=x&endpoint=ftp://x",
        "file:/somewhere",
        "gs://bucket",
        "http://[bucket",
    ],
)
def test_an_address_that_cannot_be_used_ends_the_start(text: str) -> None:
    with pytest.raises(WrongAddressError):
        storage_address(text)
    with pytest.raises(SettingsProblem, match="BOOKING_STORAGE_URL cannot be used: ") as told:
        Settings(storage_url=text)
    assert "KEY" not in str(told.value)


def test_addresses_are_read(tmp_path: Path) -> None:
    found = storage_address(
        "s3://KEY:se%2Fcret@bucket?region=eu-central-1&prefix=a/b&endpoint=http://[::1]:9000"
    )
    assert found is not None
    assert (found.bucket, found.region, found.prefix) == ("bucket", "eu-central-1", "a/b")
    assert found.endpoint == "http://[::1]:9000"
    assert found.keys is not None
    assert (found.keys[0], found.keys[1].get_secret_value()) == ("KEY", "se/cret")
    assert "se/cret" not in repr(found)
    assert storage_address("file:") is None
    assert clamd_address("tcp://scanner").port == 3310
    assert clamd_address("unix:/run/clamd.sock").path == "/run/clamd.sock"
    for wrong in ("tcp://", "http://scanner", "unix:here", "tcp://x:99999", "tcp://x/y"):
        with pytest.raises(SettingsProblem, match="BOOKING_CLAMD_URL cannot be used: "):
            Settings(clamd_url=wrong)
    settings = Settings(data_dir=tmp_path)
    assert settings.files_folder == tmp_path / "files"
    assert settings.quota_bytes == 5 * 2**30


async def test_a_link_of_s3_is_signed_for_one_object_and_a_while(s3: str) -> None:
    """As botocore signs: moto lets any signature pass, Amazon does not."""
    from datetime import timedelta  # noqa: PLC0415

    from booking_system.files.adapters.objects import objects_at  # noqa: PLC0415

    objects = objects_at(storage_address(s3), folder=Path(), endpoint=None)
    key = "quarantine/ab/abcdef"
    url = await objects.signed_put(key, lives=timedelta(seconds=600))
    assert url is not None
    parts = urlsplit(url)
    said = dict(parse_qsl(parts.query))
    assert parts.path.endswith(f"/clinics/{key}")
    assert said["X-Amz-Expires"] == "600"
    assert said["X-Amz-SignedHeaders"] == "host"
    signed = {}
    for place in (parts.path, parts.path + "0"):
        request = AWSRequest("PUT", f"{parts.scheme}://{parts.netloc}{place}")
        request.context["timestamp"] = said["X-Amz-Date"]
        auth = S3SigV4QueryAuth(Credentials(KEY, SECRET), "s3", "eu-central-1", expires=600)
        auth._modify_request_before_signing(request)
        query = urlsplit(request.url).query.replace(
            dict(parse_qsl(urlsplit(request.url).query))["X-Amz-Date"], said["X-Amz-Date"]
        )
        request.url = f"{parts.scheme}://{parts.netloc}{place}?{query}"
        request.context["timestamp"] = said["X-Amz-Date"]
        canonical = auth.canonical_request(request)
        signed[place] = auth.signature(auth.string_to_sign(request, canonical), request)
    assert said["X-Amz-Signature"] == signed[parts.path]
    assert signed[parts.path] != signed[parts.path + "0"]
