"""Hostile paths, queries, headers and methods."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Iterator

from tests.hostile.draft import Change, Draft, Kind

IDS = [
    b"MARK",
    b"00000000-0000-0000-0000-000000000000",
    b"ffffffff-ffff-ffff-ffff-ffffffffffff",
    b"{0192f0c1-2b3c-7d4e-8f50-617283940001}",
    b"urn:uuid:0192f0c1-2b3c-7d4e-8f50-617283940001",
    b"0192F0C12B3C7D4E8F50617283940001",
    b"0192f0c1-2b3c-7d4e-8f50-61728394000",
    b"0192f0c1-2b3c-7d4e-8f50-6172839400010",
    b"1",
    b"-1",
    b"0x10",
    b"1e400",
    b"NaN",
    b"null",
    b"MARK%00",
    b"MARK%FF",
    b"MARK%ED%A0%80",
    b"MARK%EF%BF%BE",
    b"MARK%",
    b"MARK%zz",
    b"MARK%u0041",
    b"%252e%252e%252fMARK",
    b"..%2f..%2fetc%2fpasswd%2fMARK",
    b"..%5c..%5cMARK",
    b"../../../../etc/passwd/MARK",
    b"%E2%80%AEMARK",
    b"%0d%0aX-Injected:%20MARK",
    b"MARK'%20OR%20'1'='1",
    b"1;DROP%20TABLE%20users;--MARK",
    b"{{7*7}}MARK",
    b"${jndi:ldap:%2f%2fMARK}",
    b"MARK;version=1",
    b"MARK@example.com",
    b"MARK" * 500,
    b"\xff\xfeMARK",
]
TAILS = [
    b"/",
    b"//",
    b"/.",
    b"/..",
    b"/MARK",
    b".json",
    b"%00MARK",
    b"%2f",
    b";MARK=1",
    b"#MARK",
    b"/" * 300,
]
QUERIES = [
    b"MARK=MARK",
    b"clinic_id=MARK&clinic_id=MARK",
    b"on_conflict=MARK",
    b"on_conflict=keep&on_conflict=cancel",
    b"on_conflict[]=keep",
    b"dry_run=MARK",
    b"%00=MARK",
    b"q=MARK%00",
    b"q=MARK%FF",
    b"q=MARK%ED%A0%80",
    b"%FF%FE=MARK",
    b"q=%MARK",
    b"MARK",
    b"=MARK",
    b"&&&&MARK",
    b";MARK;MARK",
    b"q=MARK'%20OR%201=1--",
    b"__proto__[MARK]=1",
    b"_method=DELETE&MARK=1",
    b"access_token=MARK",
    b"q=" + b"MARK" * 4000,
    b"&".join(b"MARK%d=1" % place for place in range(1200)),
    b"\xff\xfe=MARK",
]
CONTENT_TYPES = [
    b"text/plain",
    b"text/html; MARK",
    b"application/xml",
    b"application/MARK+json",
    b"application/json; charset=utf-16",
    b"application/json; charset=MARK",
    b"application/json;;;; ;=",
    b"application/json, text/plain",
    b"application/x-www-form-urlencoded",
    b"multipart/form-data",
    b"multipart/form-data; boundary=MARK",
    b"MARK",
    b"\xff\xfe/MARK",
    b"",
]
VALUES: dict[bytes, list[bytes]] = {
    b"If-Match": [
        b"MARK", b'"MARK"', b'W/"1"', b'"1"MARK', b'"99999999999999999999"', b'"-1"', b"*, *",
        b'"\xff"', b'"' * 400, '"١"'.encode(),
    ],
    b"X-Request-ID": [
        b"MARK MARK", b"MARK/../MARK", b"MARK" * 30, b"<script>MARK</script>", b"MARK\xff",
        b"MARK;MARK", b'"MARK"', b"MARK\tMARK",
    ],
    b"Idempotency-Key": [b"MARK MARK", b"MARK" * 500, b"MARK\xff", b'"MARK"', b""],
    b"Content-Encoding": [b"gzip", b"br", b"MARK"],
    b"Cookie": [b"session=MARK", b"MARK" * 1000],
    b"X-HTTP-Method-Override": [b"DELETE", b"MARK"],
    b"X-Forwarded-For": [b"MARK, 127.0.0.1"],
    b"X-Forwarded-Host": [b"MARK.example"],
    b"Forwarded": [b"for=MARK;host=MARK.example;proto=https"],
    b"X-Original-URL": [b"/v1/clinics/MARK"],
    b"Host": [b"MARK.example", b"", b"MARK@x:99999", b"\xff"],
    b"Origin": [b"https://MARK.example", b"null"],
    b"Accept": [b"application/MARK", b"*/*;q=MARK"],
    b"Accept-Language": [b"MARK" * 100],
    b"Range": [b"bytes=MARK-"],
    b"User-Agent": [b"MARK\xff", b"MARK" * 200],
    b"Hold-Token": [b"MARK", b"MARK\xff"],
    b"Last-Event-ID": [b"MARK"],
    b"Traceparent": [b"MARK", b"00-MARK-MARK-01"],
    b"Upgrade": [b"h2c", b"MARK"],
    b"Connection": [b"MARK", b"Authorization, MARK"],
    b"TE": [b"trailers, MARK"],
}  # fmt: skip
METHODS = [
    b"TRACE", b"CONNECT", b"PROPFIND", b"MKCOL", b"LINK", b"OPTIONS", b"QUERY", b"PURGE",
    b"post", b"Delete", b"MARK", b"P\xd6ST", b"POST,GET", b"POST" * 100, b"\x00POST",
]  # fmt: skip


def _header(name: bytes, value: bytes) -> Change:
    def change(draft: Draft) -> None:
        draft.headers[name] = value

    return change


def _target(make: Change) -> Change:
    return make


def paths() -> Iterator[Kind]:
    """For each operation: an id is put in the place of the last one, or behind the path."""
    for value in IDS:

        def other(draft: Draft, value: bytes = value) -> None:
            kept, _, last = draft.target.rpartition(b"/")
            is_id = last.count(b"-") == 4
            head, _, verb = kept.rpartition(b"/")
            if is_id:
                draft.target = kept + b"/" + value
            elif verb.count(b"-") == 4:
                draft.target = head + b"/" + value + b"/" + last
            else:
                draft.target += b"/" + value

        yield Kind("path", repr(value[:40]), other)
    for value in TAILS:

        def longer(draft: Draft, value: bytes = value) -> None:
            draft.target += value

        yield Kind("path", f"ends in {value[:40]!r}", longer)


def queries() -> Iterator[Kind]:
    for value in QUERIES:

        def asked(draft: Draft, value: bytes = value) -> None:
            draft.target += b"?" + value

        yield Kind("query", repr(value[:40]), asked)


def headers() -> Iterator[Kind]:
    for value in CONTENT_TYPES:
        yield Kind("header", f"Content-Type {value!r}", _header(b"Content-Type", value))
    for name, values in VALUES.items():
        for value in values:
            yield Kind("header", f"{name.decode()} {value[:40]!r}", _header(name, value))


def methods() -> Iterator[Kind]:
    for value in METHODS:

        def called(draft: Draft, value: bytes = value) -> None:
            draft.method, draft.is_alone = value, True

        yield Kind("method", repr(value[:40]), called)


def _coded(part: object) -> bytes:
    return urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=")


def credentials() -> Iterator[Kind]:
    """Whatever is no token of ours: none of these may open anything."""
    claims = {"iss": "http://test", "aud": "booking-system", "sub": "MARK", "exp": 9999999999}
    for header in (
        {"alg": "none", "typ": "at+jwt"},
        {"alg": "HS256", "typ": "at+jwt"},
        {"alg": "ES256", "typ": "at+jwt", "kid": "../../MARK"},
        {"alg": "ES256", "jku": "https://MARK.example/keys"},
        {"alg": "ES256", "crit": ["MARK"], "MARK": True},
        {"alg": "RSA-OAEP", "enc": "A256GCM", "zip": "DEF"},
        {"alg": {"MARK": [None]}},
        ["MARK"],
    ):
        value = b"Bearer " + b".".join([_coded(header), _coded(claims), b"MARK"])
        name = f"{header}"
        yield Kind("credentials", name, _header(b"Authorization", value))
    yield Kind("credentials", "no signature", _cut)
    yield Kind("credentials", "another signature", _bent)
    for value in (
        b"",
        b"Bearer",
        b"Bearer ",
        b"Bearer MARK",
        b"Bearer MARK.MARK.MARK",
        b"Bearer ..",
        b"Bearer " + b"MARK" * 2500,
        b"Bearer " + b"." * 500,
        b"Bearer bk_MARK",
        b"Bearer bk_MARK_" + b"\xff" * 8,
        b"Bearer \x01MARK",
        b"Bearer \xff\xfeMARK",
        b"Bearer MARK\tMARK",
        b"Basic TUFSSzpNQVJL",
        b"Digest username=MARK",
        b"MARK",
        b"Bearer null",
        b"Bearer e30.e30.",
        b"Bearer " + b"W1tb" * 300 + b".MARK.MARK",
    ):
        yield Kind("credentials", repr(value[:40]), _header(b"Authorization", value))


def _cut(draft: Draft) -> None:
    token = draft.headers.get(b"Authorization", b"")
    draft.headers[b"Authorization"] = token.rpartition(b".")[0] + b"."


def _bent(draft: Draft) -> None:
    head, dot, signature = draft.headers.get(b"Authorization", b"").rpartition(b".")
    draft.headers[b"Authorization"] = head + dot + signature[::-1]
