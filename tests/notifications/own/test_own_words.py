"""A clinic says things in its own words: stored, tried, used, and told of when they do not work."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import pytest

from booking_system.notifications.adapters.own_words import at_hand
from tests.api import Api, code_of
from tests.notifications.conftest import reachable
from tests.notifications.own.desk import Desk, a_desk, sql, work

WORDS = "message-templates/confirmation/en"
MINE = {
    "subject": "See you on {{ date }}",
    "text": "Dear {{ name }},\nsee you.",
    "html": '{% extends "mail.html" %}{% block content %}<p>Dear {{ name }}</p>{% endblock %}',
    "sms": "{{ clinic_short }}: see you on {{ short_when }}.",
}
MAILS = "SELECT subject, text, html, channel FROM kept_messages ORDER BY id"
FAULTS = [
    ("subject", "{{ oops }}", 1, "unknown names: oops"),
    ("text", "Hello\n\n{{ name.upper() }}", 3, "something is not allowed"),
    ("text", "Hello\n{% if %}", 2, "cannot be read"),
    ("text", "Hello\n{{ duration ~ labels.none_such ~ x }}", 2, ""),
    ("html", "<p onclick='x'>{{ name }}</p>", None, "mails have no onclick="),
    ("html", "<img src='https://example.com'>", None, "mails have no <img>"),
    ("sms", "{{ clinic_name }} " + 90 * "too long ", None, "more than"),
    ("sms", "{% if service %}{{ service }}{% endif %}", None, "it says nothing"),
]


async def brought(api: Api, desk: Desk, **about: Any) -> Any:
    """The words of the confirmation that a new patient of the clinic gets."""
    await sql(api, "DELETE FROM kept_messages")
    await desk.books(**about)
    await work(api)
    (row,) = await sql(api, MAILS)
    return row


async def test_a_clinic_s_words_go_out_and_others_do_not_change(api: Api) -> None:
    desk, other = await a_desk(api), await a_desk(api)
    first = await desk.sets(WORDS, MINE, headers={"If-Match": '"0"'})
    assert (first["version"], first["parts"]) == (1, ["subject", "text", "html", "sms"])
    mail = await brought(api, desk)
    assert mail["subject"].startswith("See you on ")
    assert mail["text"] == "Dear Example Patient,\nsee you.\n"
    assert "<p>Dear Example Patient</p>" in mail["html"]
    sms = await brought(api, desk, email=None)
    assert ": see you on " in sms["text"]
    assert not (await brought(api, other))["subject"].startswith("See you")
    # Changed, and away again: the very next message knows.
    await desk.sets(WORDS, {"subject": "Until {{ date }}"})
    mail = await brought(api, desk)
    assert mail["subject"].startswith("Until ")
    assert not mail["text"].startswith("Dear Example Patient,\nsee")
    at = desk.at(WORDS)
    stale = await api.send("DELETE", at, desk.admin, headers={"If-Match": '"1"'})
    assert code_of(stale) == (412, "precondition_failed")
    assert stale.headers["ETag"] == (await api.get(at, desk.admin)).headers["ETag"]
    assert (await api.send("DELETE", at, desk.admin)).status_code == 204
    assert not (await brought(api, desk))["subject"].startswith("Until")
    assert code_of(await api.get(at, desk.admin)) == (404, "not_found")
    # Deleted and made anew it has the same version, and still is another one.
    again = await desk.sets(WORDS, {"subject": "At last {{ date }}"})
    assert again["version"] == first["version"]
    assert (await brought(api, desk))["subject"].startswith("At last ")


@contextmanager
def counted_reads() -> Iterator[list[Any]]:
    seen: list[Any] = []
    real = at_hand.READ

    class Counting:
        async def fetch(self, connection: Any, **given: Any) -> Any:
            seen.append(given)
            return await real.fetch(connection, **given)

    with patch.object(at_hand, "READ", Counting()):
        yield seen


async def test_templates_are_read_once_for_many_messages(api: Api) -> None:
    desk = await a_desk(api)
    await desk.sets(WORDS, {"subject": "See you"})
    with counted_reads() as seen:
        for _ in range(3):
            await desk.books()
        await work(api)
        assert len(seen) == 1
        await desk.sets(WORDS, {"subject": "Changed"})
        for _ in range(2):
            await desk.books()
        await work(api)
        assert len(seen) == 2
    subjects = [row["subject"] for row in await sql(api, MAILS)]
    assert subjects == ["See you"] * 3 + ["Changed"] * 2


@pytest.mark.parametrize(("part", "source", "line", "reason"), FAULTS, ids=range(len(FAULTS)))
async def test_a_template_with_a_fault_is_refused_and_the_fault_named(
    api: Api, part: str, source: str, line: int | None, reason: str
) -> None:
    desk = await a_desk(api)
    answer = await api.send("PUT", desk.at(WORDS), desk.admin, json={part: source})
    assert code_of(answer) == (422, "validation_error")
    (error,) = answer.json()["errors"]
    assert (error["pointer"], error["code"]) == (f"/{part}", "template_fault")
    assert error.get("line") == line
    assert reason in error["detail"]
    assert await sql(api, "SELECT 1 FROM message_templates") == []
    shown = (await api.post(f"{desk.at(WORDS)}/preview", {part: source}, desk.admin)).json()
    assert [(one["pointer"], one["line"]) for one in shown["errors"]] == [(f"/{part}", line)]
    # What cannot be used says what the program says.
    assert shown["subject"].startswith("Your appointment on ")
    assert shown["sms_size"]["segments"] >= 1


async def test_a_preview_shows_what_would_go_out(api: Api) -> None:
    desk = await a_desk(api, name="Praxis am Platz")
    desk_person = await api.receptionist(desk.clinic["id"])
    body = {"subject": "See you at {{ clinic_name }}", "sms": "ş {{ short_when }}"}
    path = f"{desk.at(WORDS)}/preview"
    for _ in range(2):
        answer = await api.post(path, body, desk_person, headers={"Idempotency-Key": 16 * "k"})
        shown = answer.json()
        assert shown["subject"] == "See you at Praxis am Platz"
        assert shown["text"].startswith("Your appointment is confirmed")
        assert shown["html"].startswith("<!doctype html>")
        assert shown["sms_size"] == {
            "alphabet": "ucs_2",
            "characters": len(shown["sms"]),
            "segments": 1,
        }
        assert shown["errors"] == []
    german = path.replace("/en/", "/de/")
    answer = await api.post(german, {"sms": "Bis {{ short_when }}"}, desk.admin)
    assert answer.json()["subject"].startswith("Ihr Termin")
    assert await sql(api, "SELECT 1 FROM message_templates") == []
    none = await api.post(path.replace("/en/", "/tlh/"), body, desk.admin)
    (error,) = none.json()["errors"]
    assert (none.status_code, error["code"]) == (422, "language_without_words")
    for wrong in ({}, {"subject": ""}, {"body": "x"}):
        assert (await api.post(path, wrong, desk.admin)).status_code == 422
    for kind in ("invitation", "none"):
        answer = await api.post(path.replace("confirmation", kind), body, desk.admin)
        assert answer.status_code == 422, kind


async def test_a_preview_tells_nothing_of_a_patient(api: Api) -> None:
    desk = await a_desk(api)
    patient, _ = await desk.books()
    await sql(api, "UPDATE patients SET full_name = 'Somebody Real'")
    answer = await api.post(f"{desk.at(WORDS)}/preview", MINE, api.admin)
    assert answer.status_code == 200
    assert "Somebody" not in answer.text
    assert str(patient.patient_id) not in answer.text


async def test_a_template_that_breaks_when_it_is_sent_says_what_the_program_says(api: Api) -> None:
    desk = await a_desk(api)
    await desk.sets(WORDS, {"subject": "See you", "text": "See you."})
    await sql(api, "UPDATE message_templates SET text = '{{ oops }}', version = version + 1")
    mail = await brought(api, desk)
    assert mail["subject"].startswith("Your appointment on ")
    (listed,) = (await desk.shows("message-templates"))["items"]
    assert listed["last_failure_part"] == "text"
    assert listed["last_failure"] == "it uses unknown names: oops"
    assert listed["last_failure_at"] is not None
    first = listed["last_failure_at"]
    await brought(api, desk)
    (listed,) = (await desk.shows("message-templates"))["items"]
    assert listed["last_failure_at"] == first
    mended = await desk.sets(WORDS, {"subject": "See you"})
    assert (mended["last_failure"], mended["last_failure_at"]) == (None, None)


async def test_pages_of_templates(api: Api) -> None:
    desk = await a_desk(api)
    for kind in ("reminder", "change", "cancellation"):
        await desk.sets(f"message-templates/{kind}/de", {"subject": "Ihr Termin"})
    found: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = (await api.get(desk.at("message-templates"), desk.admin, limit="2", **cursor)).json()
        found += [one["kind"] for one in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert found == ["reminder", "change", "cancellation"]
    assert await reachable(api)
