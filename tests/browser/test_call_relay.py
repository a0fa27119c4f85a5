"""A call whose pages use a relay alone: coturn, which dies and comes back."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.api import Api, running_api
from tests.browser.test_call_module import Call, calling
from tests.consultations.relay import SECRET, Coturn, coturn

pytestmark = pytest.mark.proof
STOPPED_FOR = 8.0
BACK_WITHIN = 30.0
"""Seconds behind the return of the relay; two are usual on a quiet machine."""
KINDS = """(async () => {
  const kinds = new Set();
  for (const one of watched.connections) {
    if (one.connectionState === 'closed') continue;
    const stats = await one.getStats();
    stats.forEach((pair) => {
      if (pair.type !== 'candidate-pair' || !pair.nominated || pair.state !== 'succeeded') return;
      for (const id of [pair.localCandidateId, pair.remoteCandidateId]) {
        kinds.add(stats.get(id).candidateType);
      }
    });
  }
  return [...kinds];
})()"""
"""Of the ways that are used: `host`, `srflx`, `prflx` or `relay`."""
FOUND = """[...call.links.values()].flatMap((link) => link.candidates)
  .map((one) => / typ (\\w+)/.exec(one.candidate)[1])"""
STATE = """[call.links.size, watched.sockets.length, call.isJoined, call.hasTrouble,
  [...call.links.values()].flatMap((link) => link.errors)]"""


@pytest.fixture
async def api(database_url: str, tmp_path: Path) -> AsyncIterator[Api]:
    async with running_api(database_url, tmp_path) as api:
        yield api


async def stand_still(call: Call, relay: Coturn) -> None:
    """The relay is gone for as long as it takes; nothing comes through, and people write."""
    await relay.kill()
    # What had arrived before is shown in the meantime.
    await asyncio.sleep(STOPPED_FOR / 2)
    before = [await one.frames() for one in call.both]
    await call.doctor.page.evaluate("call.room.say('I do not see you any more')")
    await call.patient.page.evaluate("call.room.say('Nor I you')")
    await asyncio.sleep(STOPPED_FOR / 2)
    assert [await one.frames() for one in call.both] == before
    assert sorted(text for _, _, text in await call.said()) == [
        "I do not see you any more",
        "Nor I you",
    ]


async def test_a_call_goes_on_when_the_relay_dies_and_comes_back(
    api: Api, database_url: str, tmp_path: Path
) -> None:
    async with coturn(tmp_path) as relay:
        policy = {"consultation_relay_only": True}
        turn = {"turn_url": f"turn:127.0.0.1:{relay.port}", "turn_secret": SECRET}
        async with calling(api, database_url, tmp_path, policy=policy, **turn) as call:
            for one in call.both:
                assert await one.page.evaluate(KINDS) == ["relay"]
                assert set(await one.page.evaluate(FOUND)) == {"relay"}, "an address was told"
            await stand_still(call, relay)
            await relay.start()
            async with asyncio.timeout(BACK_WITHIN):
                await call.moves()
            for one in call.both:
                assert await one.page.evaluate(KINDS) == ["relay"]
                # No other page, no other socket, nothing that somebody has to do.
                assert await one.page.evaluate(STATE) == [1, 1, True, False, []]
                assert one.complaints == []
            await call.doctor.page.evaluate("call.room.say('There you are')")
            assert len(await call.said()) == 3
