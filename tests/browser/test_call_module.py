"""The call module alone, between two pages on two processes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from tests.api import Api, running_api
from tests.browser.calls import House, Visitor, call_module, chromium, house, visitor
from tests.consultations.surgery import Surgery, surgery

pytestmark = pytest.mark.proof
RESUMED_WITHIN = 5.0
IS_WAITING = "call.room.people.get('patient')?.state === 'waiting'"
DISTURB = """async (count) => {
  const sleep = (ms) => new Promise((go) => setTimeout(go, ms));
  const kinds = {
    cut: () => watched.sockets.at(-1).close(4000),
    restart: () => call.links.forEach((link) => link.recovery.ask()),
    camera: async () => {
      await call.devices.setCamera(false);
      await call.devices.setCamera(true);
    },
    renew: () => call.devices.renew('camera'),
    online: () => dispatchEvent(new Event('online')),
  };
  const names = Object.keys(kinds), done = [];
  for (let n = 1; n <= count; n++) {
    const name = names[Math.floor(Math.random() * names.length)];
    call.room.say(`${call.room.you.role} ${n}`);
    done.push(name);
    kinds[name]();
    await sleep(Math.random() * 260);
  }
  return done;
}"""
SAID = "call.room.chat.map((one) => [one.seq, one.id, one.text])"
ALL_STORED = "call.isJoined && call.room.outbox.waiting.length === 0"
STATES = """[...call.links.values()].map((link) => ({
  state: link.state, signaling: link.pc?.signalingState, tries: link.recovery.tries,
  errors: link.errors, open: !!link.open, lost: watched.lost,
}))"""


TRIES = "call.links.get('patient').recovery.tries"
STALE_ANSWER = """(async () => {
  const link = call.links.get('patient');
  const stale = {
    type: 'answer', epoch: link.epoch, re: crypto.randomUUID(),
    description: link.pc.remoteDescription.toJSON(),
  };
  watched.loss = 1;
  await link.run(() => link.offer(true));
  await link.hear(stale);
  watched.loss = 0;
  return Boolean(link.open);
})()"""


@pytest.fixture
async def api(database_url: str, tmp_path: Path) -> AsyncIterator[Api]:
    async with running_api(database_url, tmp_path) as api:
        yield api


@dataclass
class Call:
    """Two pages that see and hear each other."""

    home: House
    room: Surgery
    doctor: Visitor
    patient: Visitor

    @property
    def both(self) -> tuple[Visitor, Visitor]:
        return self.doctor, self.patient

    async def moves(self) -> None:
        for one in self.both:
            await one.until_moving()

    async def said(self) -> list[Any]:
        """What both have, which has to be the same."""
        for one in self.both:
            await one.until(ALL_STORED)
        last = max([await one.page.evaluate("call.room.last") for one in self.both])
        for one in self.both:
            await one.until(f"call.room.last >= {last}")
        mine, theirs = [await one.page.evaluate(SAID) for one in self.both]
        assert mine == theirs
        return list(mine)


@asynccontextmanager
async def calling(
    api: Api,
    database_url: str,
    place: Path,
    *,
    loss: float = 0.0,
    is_admitted: bool = True,
    policy: dict[str, Any] | None = None,
    **settings: object,
) -> AsyncIterator[Call]:
    room = await surgery(api, policy=policy)
    async with house(database_url, place, **settings) as home, chromium() as browser:
        doctor, patient = [await visitor(browser, one.http) for one in home.doors]
        await call_module(patient, room.id, room.patient)
        await call_module(doctor, room.id, room.doctor)
        for one in (doctor, patient):
            await one.page.evaluate("(loss) => { watched.loss = loss; }", loss)
        await doctor.until(IS_WAITING)
        assert await doctor.frames() == await patient.frames() == 0
        call = Call(home, room, doctor, patient)
        if is_admitted:
            await doctor.page.evaluate("call.room.admit()")
            await call.moves()
        yield call


async def test_a_call_goes_on_when_a_process_dies(
    api: Api, database_url: str, tmp_path: Path
) -> None:
    async with calling(api, database_url, tmp_path) as call:
        doctor, patient = call.both
        for n in range(5):
            await doctor.page.evaluate(f"call.room.say('from the doctor {n}')")
            await patient.page.evaluate(f"call.room.say('from the patient {n}')")
        # What is on its way when the process dies is neither lost nor doubled.
        await patient.page.evaluate(
            "for (let n = 5; n < 10; n++) call.room.say(`from the patient ${n}`)"
        )
        began = monotonic()
        call.home.instances[1].process.kill()
        await patient.until("watched.sockets.length > 1 && call.isJoined")
        resumed = monotonic() - began
        await doctor.page.evaluate("call.room.say('are you there?')")
        said = await call.said()
        assert len({text for _, _, text in said}) == len(said) == 16
        assert resumed < RESUMED_WITHIN
        # Picture and sound did not notice.
        assert await patient.page.evaluate("watched.connections.length") == 1
        await call.moves()


@pytest.mark.parametrize("loss", [0.0, 0.15])
async def test_thirty_disturbances_leave_a_call_that_works(
    api: Api, database_url: str, tmp_path: Path, loss: float
) -> None:
    async with calling(api, database_url, tmp_path, loss=loss) as call:
        for one in call.both:
            await one.page.evaluate(f"({DISTURB})(15).then((done) => {{ window.done = done; }})")
        for one in call.both:
            await one.until("window.done")
        said = await call.said()
        assert len(said) == len({text for _, _, text in said}) == 30
        await call.moves()
        for one in call.both:
            (state,) = await one.page.evaluate(STATES)
            assert (state["state"], state["signaling"]) == ("connected", "stable"), state
            assert state["errors"] == []
        if loss:
            assert sum([await one.page.evaluate("watched.lost") for one in call.both]) > 0


async def test_a_page_that_is_loaded_again_takes_its_place(
    api: Api, database_url: str, tmp_path: Path
) -> None:
    async with calling(api, database_url, tmp_path) as call:
        await call_module(call.patient, call.room.id, call.room.patient)
        await call.patient.until(
            "call.links.size === 1 && [...call.links.values()][0].state === 'connected'"
        )
        await call.moves()
        assert await call.doctor.page.evaluate(TRIES) == 0, "a new page is no fault to be mended"
        # A second one of the same party ends the first, which does not fight for its place.
        browser = call.patient.page.context.browser
        assert browser is not None
        second = await visitor(browser, call.home.doors[0].http)
        await call_module(second, call.room.id, call.room.patient)
        await call.patient.until("call.room.end?.reason === 'replaced'")
        await second.until_moving()
        await call.doctor.until_moving()
        assert await call.patient.page.evaluate("call.room.socket.state") == "closed"


async def test_an_offer_that_is_lost_is_sent_again(
    api: Api, database_url: str, tmp_path: Path
) -> None:
    async with calling(api, database_url, tmp_path, is_admitted=False) as call:
        await call.doctor.page.evaluate("watched.loss = 1; call.room.admit()")
        await call.doctor.until("watched.lost > 0")
        await call.doctor.page.evaluate("watched.loss = 0")
        await call.moves()
        assert await call.doctor.page.evaluate(TRIES) == 0, "that is no fault of the connection"
        # An answer to another offer does not end the wait for the right one.
        assert await call.doctor.page.evaluate(STALE_ANSWER) is True
        await call.doctor.until("!call.links.get('patient').open")
        await call.moves()
