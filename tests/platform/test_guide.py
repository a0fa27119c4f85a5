"""The guide for builders of a booking page is a program, and it runs."""

import asyncio
import re
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from tests.api import START, Api
from tests.clients import test_typescript
from tests.clients.test_typescript import run
from tests.platform.real_server import real_server
from tests.stage import Stage

GUIDE = Path(__file__).parents[2] / "docs" / "guide.md"
ADDRESS = '"http://127.0.0.1:8000"'


def program(language: str, address: str) -> str:
    """All blocks of a language, one after the other, for the server at this address."""
    blocks = re.findall(
        rf"^```{language}\n(.*?)^```$", GUIDE.read_text("utf-8"), re.MULTILINE | re.DOTALL
    )
    assert len(blocks) == 10, "each step is told in both languages"
    text = "\n".join(blocks)
    assert text.count(ADDRESS) == 1
    return text.replace(ADDRESS, f'"{address}"')


async def a_clinic_to_book_at(api: Api) -> None:
    clinic = await api.clinic()
    doctor = await api.doctor(clinic)
    await api.service(clinic, doctor_ids=[doctor["id"]])
    for day in (0, 1):
        await api.slots(doctor, 6, start=START + timedelta(days=day))


async def test_the_python_of_the_guide_runs_from_top_to_bottom(
    database_url: str, stage: Stage
) -> None:
    async with real_server(stage) as server:
        await a_clinic_to_book_at(server.api)
        code = compile(program("python", server.http), str(GUIDE), "exec")
        said: dict[str, object] = {"__name__": "guide"}

        def run() -> None:
            try:
                exec(code, said)
            except StopIteration as error:
                # A future cannot hold one.
                raise AssertionError from error
            finally:
                for client in said.values():
                    if isinstance(client, httpx.Client):
                        client.close()

        await asyncio.to_thread(run)
    assert said["offer"], "what is free nearby is offered"


@pytest.mark.proof
async def test_the_typescript_of_the_guide_compiles_strictly_and_runs(
    database_url: str, stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    front_end, written = tmp_path / "front-end", tmp_path / "written"
    front_end.mkdir()
    written.mkdir()
    async with real_server(stage) as server:
        await a_clinic_to_book_at(server.api)
        text = program("ts", server.http) + "\nexport {};\n"
        (written / "guide.ts").write_text(text, encoding="utf-8")
        monkeypatch.setattr(test_typescript, "HERE", written)
        generator = test_typescript.Generator(packages={}, command=[], consumer="guide.ts", says=[])
        await asyncio.to_thread(test_typescript.install, generator, front_end)
        assert await asyncio.to_thread(run, front_end, "tsc", "--project", ".") == ""
        said = await asyncio.to_thread(run, front_end, "node", "guide.js")
    status, offered = said.split()
    assert status == "cancelled"
    assert int(offered) > 0
