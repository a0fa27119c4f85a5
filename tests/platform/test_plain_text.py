"""What may stand in a field of one line, and what nobody would see there."""

import pytest
from pydantic_core import PydanticCustomError

from booking_system.platform.http.plain_text import one_line
from tests.api import Api, code_of

SEEN = [
    "Zoë Ångström-O\u2019Neill, Dr. med.",
    "\u6587\u5b57 \u304b\u306a",
    "\u0639\u0644\u06cc\u200c\u0631\u0636\u0627",
    "\u0936\u094d\u200d\u0930\u0940",
    "e\u0301",
]
UNSEEN = {
    "a line": "Example\nDoctor",
    "a tab": "Example\tDoctor",
    "the next line": "Example\u0085Doctor",
    "a line separator": "Example\u2028Doctor",
    "a paragraph separator": "Example\u2029Doctor",
    "a turn": "Example \u202erotcoD",
    "an isolate": "Example \u2066Doctor",
    "a mark": "Example\u200f Doctor",
    "no width": "Exam\u200bple",
    "no width, no break": "Exam\ufeffple",
    "a word joiner": "Exam\u2060ple",
    "a soft hyphen": "Exam\u00adple",
    "a joiner of Latin letters": "Exam\u200cple",
    "a joiner at the end": "\u0639\u200c",
    "a joiner at the start": "\u200c\u0639",
    "two joiners": "\u0639\u200c\u200d\u0639",
    "a filler": "\u3164",
    "a tag": "Example\U000e0041",
}


@pytest.mark.parametrize("text", SEEN)
def test_names_of_the_world_are_taken_as_they_are(text: str) -> None:
    assert one_line(text) == text


@pytest.mark.parametrize("what", UNSEEN)
def test_what_nobody_sees_is_refused(what: str) -> None:
    with pytest.raises(PydanticCustomError):
        one_line(UNSEEN[what])


@pytest.mark.parametrize("what", ["a line", "a turn", "no width"])
async def test_a_name_of_a_doctor_is_one_line(api: Api, what: str) -> None:
    clinic = await api.clinic()
    path = f"/v1/clinics/{clinic['id']}/doctors"

    answer = await api.post(path, {"full_name": UNSEEN[what]}, api.admin)

    assert code_of(answer) == (422, "validation_error")
    (wrong,) = answer.json()["errors"]
    assert (wrong["pointer"], wrong["code"]) == ("/full_name", "forbidden_text")


async def test_a_text_of_several_lines_may_have_several(api: Api) -> None:
    clinic = await api.clinic()
    lines = {"full_name": "Example Doctor", "bio": "First line\nSecond line"}
    made = await api.made(f"/v1/clinics/{clinic['id']}/doctors", lines)
    assert made["bio"] == "First line\nSecond line"
