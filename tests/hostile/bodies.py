"""Hostile bodies: what is no JSON, what no field can hold, and the wrong value for each field."""

import json
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any
from urllib.parse import quote_plus

from tests.hostile.draft import Change, Draft, Kind

ID = b"0192f0c1-2b3c-7d4e-8f50-617283940001"
DEPTHS = (850, 900, 950, 1500, 5000, 30_000)
"""Around what a recursive reader bears."""
RAW: dict[str, list[bytes]] = {
    "": [
        b"",
        b"null",
        b"true",
        b"0",
        b'"MARK"',
        b"[]",
        b'["MARK"]',
        b'[{"MARK": "MARK"}]',
        b'{"MARK": 1e-400}',
        b'{"MARK": "' + b"MARK" * 4000 + b'"}',
        b"{" + b",".join(b'"MARK%d": 1' % place for place in range(2500)) + b"}",
        b'{"__proto__": {"MARK": 1}, "constructor": "MARK"}',
        b'{"__class__": "MARK", "$ref": "MARK", "$where": "MARK"}',
        b'{"MARK": ' + b"9" * 5000 + b"}",
        *(b'{"MARK": ' + b"[" * depth + b"]" * depth + b"}" for depth in DEPTHS),
    ],
    "malformed_request": [
        b" ",
        b"{",
        b"}",
        b"{}{}",
        b"{} MARK",
        b"{'MARK': 1}",
        b'{"MARK": 1,}',
        b'{"MARK" "MARK"}',
        b"{MARK: 1}",
        b"<MARK/>",
        b"MARK=MARK",
        b"\xef\xbb\xbf{}",
        '{"MARK": 1}'.encode("utf-16"),
        '{"MARK": 1}'.encode("utf-32"),
        b'{"MARK": "\xff"}',
        b'{"MARK": "\xed\xa0\x80"}',
        b'{"\xc0\xaf": "MARK"}',
        b'{"MARK": "\x00"}',
        b'{"MARK": "\n"}',
        b'{"MARK": "\\x41"}',
        b'{"MARK": 0x10}',
        b'{"MARK": 007}',
        b"[" * 60_000,
        b'{"a":' * 12_000,
        b"\x1f\x8b\x08\x00MARK",
        b"--MARK\r\nContent-Disposition: form-data; name=MARK\r\n\r\nMARK\r\n--MARK--\r\n",
    ],
    "forbidden_text": [
        b'{"MARK": "\\u0000"}',
        b'{"MARK": "\\ud800"}',
        b'{"MARK\\udfff": 1}',
        b'{"MARK": ["\\ud83d"]}',
        b'{"MARK": {"\\u0007": 1}}',
    ],
    "number_out_of_range": [
        b'{"MARK": NaN}',
        b'{"MARK": [Infinity]}',
        b'{"MARK": -Infinity}',
        b'{"MARK": 1e400}',
        b'{"MARK": -1e400}',
        b'{"MARK": ' + b"9" * 400 + b"}",
    ],
    "duplicate_key": [
        b'{"MARK": 1, "MARK": 2}',
        b'{"a": {"MARK": 1, "MARK": 2}}',
    ],
    "too_deep": [
        b'{"MARK": ' + b"[" * 17 + b"]" * 17 + b"}",
        b'{"MARK": ' + b"[" * 20 + b"]" * 20 + b"}",
        b'{"MARK":' * 300 + b"1" + b"}" * 300,
        b'{"MARK": ' + b"[" * 600 + b"]" * 600 + b"}",
    ],
    "body_too_large": [
        b'{"MARK": "' + b"x" * (64 * 1024) + b'"}',
        b" " * (64 * 1024) + b"{",
        b"[" * 100_000,
        b'"' + b"MARK" * 90_000 + b'"',
        b"x" * 2**20,
    ],
}
"""By what an operation that reads JSON says of them; "": that depends on the operation."""
FORMS = [
    b"&",
    b"=",
    b"MARK",
    b"grant_type=MARK",
    b"grant_type=password&username=MARK&password=\xff",
    b"grant_type=password&username=MARK%00&password=MARK",
    b"grant_type=password&username=MARK%ED%A0%80&password=MARK",
    b"grant_type=password&username=MARK&username=MARK&password=MARK",
    b"grant_type=password&username[]=MARK&password=MARK",
    b"grant_type=refresh_token&refresh_token=" + b"MARK" * 300,
    b"&".join(b"MARK%d=1" % place for place in range(3000)),
    b"grant_type=password&username=%MARK&password=%",
]
FIT_NOWHERE: list[Any] = [
    None,
    True,
    0,
    -1,
    1.5,
    1e300,
    float("nan"),
    float("-inf"),
    2**53 + 1,
    10**30,
    "",
    " ",
    "MARK",
    "MARK" * 600,
    "MARK\x00",
    "MARK\ud800",
    "MARK\u0007",
    "\u202eMARK\u202c",
    "MARK\u200f\u2066",
    "MARK\ufffe",
    "MARK\u0301" * 30,
    "'; DROP TABLE users; --MARK",
    "MARK' OR '1'='1",
    "{{7*7}}MARK",
    "${jndi:ldap://MARK.example}",
    "<script>MARK</script>",
    "../../etc/passwd/MARK",
    "MARK@example.com\r\nBcc: MARK@example.com",
    "=MARK|' /C calc'!A0",
    "javascript:MARK",
    [],
    ["MARK"],
    ["MARK"] * 600,
    {},
    {"MARK": "MARK"},
    [[["MARK"]]],
]
TIMES: list[Any] = [
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
    "9999-12-31T23:59:59Z",
    "2027-03-01T09:00:00",
    "2027-03-01 09:00:00Z",
    "2027-03-01T24:00:00Z",
    "2027-03-01T23:59:60Z",
    "2027-13-45T99:99:99Z",
    "2027-02-30T09:00:00Z",
    "2027-03-01T09:00:00+99:99",
    "2027-03-01T09:00:00+00:00MARK",
    "-2027-03-01T09:00:00Z",
    "+12027-03-01T09:00:00Z",
    "2027-W09-1T09:00:00Z",
    "٢٠٢٧-03-01T09:00:00Z",
    "1803891600",
    1803891600,
    1803891600.5,
    -(10**18),
    "now",
]
UUIDS: list[Any] = [
    "00000000-0000-0000-0000-000000000000",
    "{0192f0c1-2b3c-7d4e-8f50-617283940001}",
    "urn:uuid:0192f0c1-2b3c-7d4e-8f50-617283940001",
    "0192f0c1-2b3c-7d4e-8f50-61728394000",
    "0192f0c1-2b3c-7d4e-8f50-617283940001MARK",
    2**120,
]
BY_FORMAT = {"date-time": TIMES, "date": [*TIMES, "0000-00-00", "2027-02-29"], "uuid": UUIDS}


def raw_bodies() -> Iterator[Kind]:
    """For operations of every shape, those without a body too."""
    for says, several in RAW.items():
        for place, body in enumerate(several):
            yield Kind("body", f"{says} {place} {body[:40]!r}", _body(body), says)


def raw_forms() -> Iterator[Kind]:
    for body in FORMS:
        yield Kind("body", repr(body[:40]), _body(body))


def _body(body: bytes) -> Change:
    def change(draft: Draft) -> None:
        draft.body = body

    return change


def wrong_fields(schema: Mapping[str, Any], *, is_form: bool) -> Iterator[Kind]:
    """Each field of the schema, and each one level below, with each wrong value."""
    for path, field in _fields(schema, ()):
        values = [*FIT_NOWHERE, *BY_FORMAT.get(field.get("format", ""), [])]
        for place, value in enumerate(values):
            name = f"/{'/'.join(map(str, path))} {place} {ascii(value)[:40]}"
            yield Kind("field", name, _set(path, value, is_form=is_form))
    for name in ("MARK", "id", "clinic_id", "role", "status", "price", "version"):
        if name not in schema.get("properties", {}):
            yield Kind("field", f"unknown {name}", _set((name,), "MARK", is_form=is_form))


def _fields(
    schema: Mapping[str, Any], above: tuple[str | int, ...]
) -> Iterator[tuple[tuple[str | int, ...], Mapping[str, Any]]]:
    for name, field in schema.get("properties", {}).items():
        yield (*above, name), field
        if len(above) < 2:
            yield from _fields(field, (*above, name))
            if field.get("type") == "array":
                yield from _fields(field["items"], (*above, name, 0))


def _set(path: tuple[str | int, ...], value: object, *, is_form: bool) -> Change:
    def change(draft: Draft) -> None:
        if is_form:
            fields = dict(pair.split(b"=", 1) for pair in draft.body.split(b"&"))
            text = value if isinstance(value, str) else json.dumps(value)
            fields[str(path[0]).encode()] = quote_plus(text, errors="surrogatepass").encode()
            draft.body = b"&".join(name + b"=" + one for name, one in fields.items())
        else:
            body = json.loads(draft.body or b"{}")
            _put(body, path, value)
            draft.body = json.dumps(body).encode()

    return change


def _put(body: Any, path: tuple[str | int, ...], value: object) -> None:
    for step, following in pairwise(path):
        empty: object = [{}] if isinstance(following, int) else {}
        if isinstance(step, str) and not isinstance(body.get(step), dict | list):
            body[step] = empty
        body = body[step]
    body[path[-1]] = value
