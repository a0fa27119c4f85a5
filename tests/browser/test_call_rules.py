"""What the call module decides without a network: when to try again, and what to send less of."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from booking_system.consultations.adapters.page.assets import read_assets
from tests.browser.calls import Visitor, chromium, visitor
from tests.servers import serving

pytestmark = pytest.mark.proof
RUN = "async (path) => { const m = await import(path); %s }"


@pytest.fixture(scope="module")
async def page(postgres: Any, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Visitor]:
    place: Path = tmp_path_factory.mktemp("rules")
    async with postgres.database() as url, chromium() as browser:
        with serving(url, place, processes=1) as address:
            one = await visitor(browser, address)
            await one.page.goto(f"{address}/consultation")
            yield one


async def run(page: Visitor, name: str, body: str) -> Any:
    path = f"/consultation/assets/{read_assets().version}/call/{name}"
    return await page.page.evaluate(RUN % body, path)


async def test_a_connection_is_mended_by_rule(page: Visitor) -> None:
    steps = """
      const recovery = (hasRelay) => {
        const one = new m.Recovery(() => hasRelay);
        one.began(0);
        return one;
      };
      const until = (one, from, to) => {
        const done = [];
        for (let now = from; now <= to; now += 500) {
          const action = one.next(now);
          if (action) done.push([action, now]);
        }
        return done;
      };
      const moving = recovery(true);
      moving.is('connected', 1000);
      const quiet = [];
      for (let now = 1000; now <= 60000; now += 1000) {
        moving.moved(now);
        if (moving.next(now)) quiet.push(now);
      }
      const failed = recovery(true);
      failed.is('failed', 1000);
      const away = recovery(false);
      away.is('disconnected', 1000);
      const blink = recovery(true);
      blink.is('disconnected', 1000);
      const blinked = until(blink, 1000, 3500);
      blink.is('connected', 3600);
      const stalled = recovery(true);
      stalled.is('connected', 1000);
      const asked = recovery(true);
      asked.is('connected', 1000);
      asked.moved(2000);
      asked.ask();
      const answered = recovery(true);
      answered.is('disconnected', 1000);
      const restarted = until(answered, 1000, 4000);
      answered.ask();
      answered.is('connected', 5000);
      const again = until(answered, 5000, 9500);
      const mended = recovery(true);
      mended.is('failed', 1000);
      until(mended, 1000, 12000);
      mended.is('connected', 12500);
      for (let now = 12500; now < 26000; now += 500) mended.moved(now);
      return {
        quiet,
        failed: until(failed, 1000, 56000),
        away: until(away, 1000, 60000).map(([what]) => what),
        blinked,
        stalled: until(stalled, 1000, 12000),
        asked: until(asked, 2500, 4000),
        answered: [restarted, again],
        mended: mended.tries,
      };"""
    told = await run(page, "recovery.js", steps)
    assert told["quiet"] == []
    assert told["failed"] == [
        ["restart", 1000],
        ["restart", 6000],
        ["restart", 11000],
        ["restart", 16000],
        ["rebuild", 21000],
        ["relay", 31000],
        ["phone", 41000],
        ["phone", 51000],
    ]
    assert told["away"][:6] == ["restart"] * 4 + ["rebuild", "phone"], "there is no relay"
    assert told["blinked"] == []
    assert told["stalled"] == [["restart", 6000], ["rebuild", 11000]]
    assert told["asked"] == [["restart", 2500]]
    assert told["answered"] == [[["restart", 4000]], []], "it came about, and is not asked for now"
    assert told["mended"] == 0


async def test_sound_comes_first(page: Visitor) -> None:
    steps = """
      const one = new m.SoundFirst(), told = [];
      const note = (level, from, to) => {
        for (let now = from; now < to; now += 1000) told.push([now, one.note(level, now)]);
      };
      note('good', 0, 5000);
      note('very_weak', 5000, 18000);
      note('weak', 18000, 30000);
      note('good', 30000, 53000);
      const at = Object.fromEntries(told);
      one.note('very_weak', 60000);
      const isSoundOnly = one.note('very_weak', 71000);
      one.reset(71000);
      return { at, isSoundOnly, after: one.note('very_weak', 75000),
        levels: [[0, 0.1], [0.05, 0.1], [0.01, 0.6], [0.2, 0.1], [0, 1.5]]
          .map(([loss, seconds]) => m.levelOf(loss, seconds)) };"""
    told = await run(page, "quality.js", steps)
    sound_only = [int(at) for at, is_only in told["at"].items() if is_only]
    assert (min(sound_only), max(sound_only)) == (15000, 49000)
    assert told["isSoundOnly"] is True
    assert told["after"] is False
    assert told["levels"] == ["good", "weak", "weak", "very_weak", "very_weak"]


async def test_pages_come_back_at_different_times(page: Visitor) -> None:
    steps = """
      const one = new m.Patience(() => 1);
      const first = Array.from({ length: 8 }, () => one.after(1006, 0));
      const planned = [one.after(1012, 0), one.after(1001, 0)];
      one.joined(0);
      const soon = one.after(1006, 5000);
      one.joined(6000);
      return { first, planned, soon, later: one.after(1006, 40000) };"""
    told = await run(page, "patience.js", steps)
    assert told["first"] == [250, 500, 1000, 2000, 4000, 8000, 10000, 10000]
    assert told["planned"] == [2000, 500]
    assert told["soon"] == 10000, "a connection of five seconds proves nothing"
    assert told["later"] == 250


async def test_messages_go_out_in_order_until_they_are_stored(page: Visitor) -> None:
    steps = """
      const sent = [];
      let isOpen = true;
      const box = new m.Outbox((frame) => isOpen && (sent.push(frame.text), true));
      const ids = [];
      for (let n = 1; n <= 10; n++) ids.push(box.add(`${n}`).id);
      const first = sent.splice(0);
      box.stored(ids[0]);
      const next = sent.splice(0);
      isOpen = false;
      box.again();
      isOpen = true;
      box.again();
      const again = sent.splice(0);
      box.refused(ids[3], 5);
      box.go();
      const paused = sent.splice(0);
      box.again();
      return { first, next, again, paused, after: sent, dropped: box.dropped(ids[1]).text,
        left: box.waiting.length };"""
    told = await run(page, "outbox.js", steps)
    assert told["first"] == [str(n) for n in range(1, 9)]
    assert told["next"] == ["9"]
    assert told["again"] == told["after"] == [str(n) for n in range(2, 10)]
    assert told["paused"] == []
    assert (told["dropped"], told["left"]) == ("2", 8)
