"""Hostile framing: lengths that lie, chunks that break, heads that are none."""

from collections.abc import Iterator

from tests.hostile.draft import Change, Draft, Kind


def framings() -> Iterator[Kind]:
    """Each on a connection of its own."""
    for name, change in (*_LENGTHS, *_CHUNKS, *_HEADS):

        def alone(draft: Draft, change: Change = change) -> None:
            draft.is_alone = True
            change(draft)

        yield Kind("framing", name, alone)


def _length(value: bytes, *, hangs_up: bool = False) -> Change:
    def change(draft: Draft) -> None:
        draft.length, draft.hangs_up = value, hangs_up

    return change


def _also(*lines: bytes, length: bytes | None = None) -> Change:
    def change(draft: Draft) -> None:
        draft.also += lines
        draft.length = length

    return change


def _shorter(draft: Draft) -> None:
    draft.body = draft.body or b"MARKMARK"
    draft.length = str(len(draft.body) // 2).encode()


def _twice(draft: Draft) -> None:
    draft.body = draft.body or b"{}"
    draft.also.append(b"Content-Length: %d" % (len(draft.body) + 1))


def _chunked(body: bytes, *, hangs_up: bool = False) -> Change:
    """`%BODY` stands for the body, well wrapped."""

    def change(draft: Draft) -> None:
        whole = b"%x\r\n%s\r\n" % (len(draft.body), draft.body) if draft.body else b""
        draft.body = body.replace(b"%BODY", whole)
        draft.also.append(b"Transfer-Encoding: chunked")
        draft.length, draft.hangs_up = b"", hangs_up

    return change


def _raw(make: bytes, *, hangs_up: bool = False) -> Change:
    """`%METHOD`, `%TARGET` and `%TOKEN` stand for what the draft has."""

    def change(draft: Draft) -> None:
        token = draft.headers.get(b"Authorization", b"MARK")
        for name, value in (
            (b"%METHOD", draft.method),
            (b"%TARGET", draft.target),
            (b"%TOKEN", token),
        ):
            draft.raw = (draft.raw or make).replace(name, value)
        draft.hangs_up = hangs_up

    return change


def _version(value: bytes) -> Change:
    def change(draft: Draft) -> None:
        draft.version = value

    return change


def _absolute(draft: Draft) -> None:
    draft.target = b"http://MARK.example" + draft.target


def _without_host(draft: Draft) -> None:
    del draft.headers[b"Host"]


def _flood(draft: Draft) -> None:
    draft.also += [b"X-MARK-%d: MARK" % place for place in range(1000)]


_LENGTHS: list[tuple[str, Change]] = [
    ("a length that is too short", _shorter),
    ("a length that is too long", _length(b"60000", hangs_up=True)),
    ("a length over the limit", _length(b"70000", hangs_up=True)),
    ("a negative length", _length(b"-1")),
    ("a length with a sign", _length(b"+2")),
    ("a length in hex", _length(b"0x10")),
    ("a length in words", _length(b"MARK")),
    ("a length with an exponent", _length(b"1e1")),
    ("a length with a list", _length(b"2, 2")),
    ("an endless length", _length(b"9" * 40)),
    ("two lengths", _twice),
    ("a length and chunks", _also(b"Transfer-Encoding: chunked")),
    ("a coding nobody knows", _also(b"Transfer-Encoding: MARK", length=b"")),
    ("chunked and more", _also(b"Transfer-Encoding: chunked, MARK", length=b"")),
    ("a coding in disguise", _also(b"Transfer-Encoding : chunked")),
]
_CHUNKS: list[tuple[str, Change]] = [
    ("chunks", _chunked(b"%BODY0\r\n\r\n")),
    ("a trailer", _chunked(b"%BODY0\r\nAuthorization: MARK\r\nX-Trailer: MARK\r\n\r\n")),
    ("a chunk's extension", _chunked(b"1;MARK=" + b"MARK" * 300 + b"\r\n{\r\n0\r\n\r\n")),
    ("a chunk of no size", _chunked(b"MARK\r\nMARK\r\n0\r\n\r\n")),
    ("a chunk of negative size", _chunked(b"-1\r\nMARK\r\n0\r\n\r\n")),
    ("a chunk of endless size", _chunked(b"F" * 20 + b"\r\nMARK\r\n0\r\n\r\n")),
    ("a chunk that is longer than it says", _chunked(b"2\r\nMARKMARK\r\n0\r\n\r\n")),
    ("a chunk that never ends", _chunked(b"FF\r\nMARK", hangs_up=True)),
    ("chunks without an end", _chunked(b"%BODY", hangs_up=True)),
    ("64 KiB and one byte in chunks", _chunked(b"8001\r\n" + b" " * 0x8001 + b"\r\n"
                                               + b"8000\r\n" + b" " * 0x8000 + b"\r\n0\r\n\r\n")),
]  # fmt: skip
_HEADS: list[tuple[str, Change]] = [
    ("HTTP/1.0", _version(b"HTTP/1.0")),
    ("HTTP/9.9", _version(b"HTTP/9.9")),
    ("HTTP of MARK", _version(b"HTTP/MARK")),
    ("HTTP/0.9", _raw(b"%METHOD %TARGET\r\n\r\n", hangs_up=True)),
    ("HTTP/2", _raw(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00")),
    ("TLS", _raw(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03MARK", hangs_up=True)),
    ("nothing but noise", _raw(bytes(range(256)) + b"MARK\r\n\r\n")),
    ("an empty line first", _raw(b"\r\n\r\n%METHOD %TARGET HTTP/1.1\r\nHost: x\r\n"
                                 b"Authorization: %TOKEN\r\nContent-Length: 0\r\n\r\n")),
    ("lines that end in LF", _raw(b"%METHOD %TARGET HTTP/1.1\nHost: x\nAuthorization: %TOKEN\n"
                                  b"Content-Length: 0\n\n")),
    ("a head that never ends", _raw(b"%METHOD %TARGET HTTP/1.1\r\nHost: MARK", hangs_up=True)),
    ("two requests at once", _raw(b"%METHOD %TARGET HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n"
                                  b"\r\nMARKGET /v1/bookings/MARK HTTP/1.1\r\nHost: x\r\n\r\n")),
    ("a target without a path", _raw(b"%METHOD * HTTP/1.1\r\nHost: x\r\nX: MARK\r\n\r\n")),
    ("a target with a space", _raw(b"%METHOD /v1/MARK MARK HTTP/1.1\r\nHost: x\r\n\r\n")),
    ("an absolute target", _absolute),
    ("no host", _without_host),
    ("two hosts", _also(b"Host: MARK.example")),
    ("two tokens", _also(b"Authorization: Bearer MARK")),
    ("a folded line", _also(b"X-Folded: MARK", b" MARK")),
    ("a NUL in a value", _also(b"X-Nul: MARK\x00MARK")),
    ("a NUL in a name", _also(b"X-\x00MARK: 1")),
    ("a CR in a value", _also(b"X-Cr: MARK\rX-Other: MARK")),
    ("no name", _also(b": MARK")),
    ("a thousand lines", _flood),
    ("a line of 100 KB", _also(b"X-Long: " + b"MARK" * 25_000)),
    ("a word before the body", _also(b"Expect: 100-continue")),
    ("a word that nobody knows", _also(b"Expect: MARK")),
]  # fmt: skip
