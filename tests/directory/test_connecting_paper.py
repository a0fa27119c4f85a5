"""The paper for people who connect other systems: each of its lines is carried out."""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.api import Api

PAPER = Path(__file__).parents[2] / "docs" / "connecting.md"
BLOCKS = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def commands(known: dict[str, str]) -> Iterator[list[str]]:
    """Each `curl` of the paper, its words as a shell would take them apart."""
    for block in BLOCKS.findall(PAPER.read_text()):
        told = re.sub(r"\$([A-Z]+)", lambda it: known[it[1]], block)
        for one in re.split(r"^(?=curl )", told, flags=re.MULTILINE):
            if one.strip():
                yield shlex.split(one.replace("\\\n", " "))


def request_of(words: list[str]) -> dict[str, Any]:
    assert words[:2] == ["curl", "-s"]
    about: dict[str, Any] = {"method": "GET", "headers": {}}
    rest = iter(words[2:])
    for word in rest:
        if word == "-X":
            about["method"] = next(rest)
        elif word == "-H":
            name, _, value = next(rest).partition(": ")
            about["headers"][name] = value
        elif word == "-d":
            about["content"] = next(rest)
            about["method"] = "POST" if about["method"] == "GET" else about["method"]
        else:
            about["url"] = word
    return about


async def test_each_line_of_the_paper_does_what_it_says(api: Api) -> None:
    clinic = await api.clinic()
    admin, desk = await api.clinic_admin(clinic["id"]), await api.receptionist(clinic["id"])
    known = {"API": "", "TOKEN": desk.token, "ADMIN": admin.token, "CLINIC": clinic["id"]}
    known["PATIENT"] = "unknown yet"
    made = request_of(next(commands(known)))
    patient = (await api.client.request(**made)).json()
    known["PATIENT"] = patient["id"]
    answers = [await api.client.request(**request_of(one)) for one in commands(known)]
    assert [answer.status_code for answer in answers] == [409, *[200] * 8]
    assert answers[0].json()["code"] == "external_id_taken"
    assert [one["id"] for one in answers[1].json()["items"]] == [patient["id"]]
    noted = {"external_id": json.loads(made["content"])["external_id"]}
    assert answers[7].json() == noted | {"metadata": {"chart": "A-12"}}
