"""A Redis that answers is asked in batches; a silent one is done without, and tried again."""

import asyncio
import io
from contextlib import suppress

import pytest

from booking_system.platform.redis import shared
from booking_system.platform.redis.shared import RedisAwayError, SharedRedis
from tests.patience import PATIENCE, turns
from tests.platform.redis.conftest import at_last, connected
from tests.platform.redis.valkey import Valkey

OFTEN = 500


async def refused(redis: SharedRedis) -> bool:
    """Say whether it is done without at this moment."""
    try:
        await redis.ask(("PING",))
    except RedisAwayError:
        return True
    return False


async def test_all_get_their_own_answers_in_few_batches(
    redis: SharedRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches, sent = [], SharedRedis._sent

    async def counted(self: SharedRedis, batch: list[shared._Asked]) -> list[object]:
        batches.append(len(batch))
        return await sent(self, batch)

    monkeypatch.setattr(SharedRedis, "_sent", counted)
    asked = [redis.ask(("ECHO", str(n)), ("ECHO", f"{n}!")) for n in range(OFTEN)]
    answers = await asyncio.gather(*asked)

    assert answers == [[str(n).encode(), f"{n}!".encode()] for n in range(OFTEN)]
    assert sum(batches) == OFTEN
    assert len(batches) <= 1 + OFTEN // shared.MOST_OF_A_BATCH


async def test_nobody_waits_for_the_connection(server: Valkey) -> None:
    redis = SharedRedis(server.url)
    assert await refused(redis)
    await at_last(redis)
    assert await redis.ask(("ECHO", "x")) == [b"x"]
    await redis.close()


async def test_what_is_told_arrives_and_nobody_waits(redis: SharedRedis) -> None:
    redis.tell(("SET", "a", "1"), ("INCRBY", "a", 2))
    assert await redis.ask(("GET", "a")) == [b"3"]


async def test_an_error_is_one_askers_alone(redis: SharedRedis) -> None:
    wrong = asyncio.ensure_future(redis.ask(("SET", "a", "x"), ("INCR", "a")))
    right = asyncio.ensure_future(redis.ask(("ECHO", "x")))
    redis.tell(("INCR", "a"))
    with pytest.raises(RedisAwayError):
        await wrong
    assert await right == [b"x"]
    assert not await refused(redis)


async def test_who_has_gone_away_takes_nobody_elses_answer(redis: SharedRedis) -> None:
    asked = [asyncio.ensure_future(redis.ask(("ECHO", str(n)))) for n in range(10)]
    await asyncio.sleep(0)
    for one in asked[::2]:
        one.cancel()
    assert await asyncio.gather(*asked[1::2]) == [[str(n).encode()] for n in range(1, 10, 2)]
    assert await redis.ask(("ECHO", "x")) == [b"x"]


async def test_a_redis_that_is_gone_is_done_without_and_used_again(
    redis: SharedRedis, server: Valkey, stream: io.StringIO
) -> None:
    server.stop()
    assert await refused(redis)
    assert await refused(redis)
    await server.start()
    await at_last(redis)
    events = [word for word in ("redis_left", "redis_back") if word in stream.getvalue()]
    assert events == ["redis_left", "redis_back"]
    assert stream.getvalue().count("redis_left") == 1


async def test_a_frozen_redis_is_left_at_once_and_what_it_says_late_is_nobodys_answer(
    server: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    redis = await connected(server)
    monkeypatch.setattr(shared, "ANSWER_SECONDS", 0.02)
    server.freeze()
    late = [asyncio.ensure_future(redis.ask(("ECHO", f"late {n}"))) for n in range(5)]
    answers = await asyncio.gather(*late, return_exceptions=True)
    assert [type(one) for one in answers] == [RedisAwayError] * 5
    # From here on nobody waits at all.
    assert await refused(redis)
    monkeypatch.setattr(shared, "ANSWER_SECONDS", PATIENCE)
    server.go_on()
    await at_last(redis)
    assert await redis.ask(("ECHO", "now")) == [b"now"]
    await redis.close()


async def test_while_it_rests_nobody_tries_it(
    server: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    redis = SharedRedis(server.url, monotonic=lambda: now[0])
    await at_last(redis)
    monkeypatch.setattr(shared, "REST_SECONDS", 7.0)
    server.stop()
    assert await refused(redis)
    await server.start()
    now[0] += 6.9
    assert await refused(redis)
    for _ in range(20):
        await asyncio.sleep(0.01)
        assert await refused(redis)
    now[0] += 0.2
    await at_last(redis)
    await redis.close()


async def test_too_many_who_wait_are_done_without(
    server: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    redis = await connected(server)
    monkeypatch.setattr(shared, "MOST_WAITING", 3)
    server.freeze()
    asked = [asyncio.ensure_future(redis.ask(("ECHO", str(n)))) for n in range(9)]
    await turns()
    assert sum(one.done() for one in asked) >= 5
    server.go_on()
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert [b"0"] in answers
    await redis.close()


async def test_those_behind_a_batch_that_fails_are_done_without_too(
    server: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    redis = await connected(server)
    monkeypatch.setattr(shared, "MOST_OF_A_BATCH", 1)
    monkeypatch.setattr(shared, "ANSWER_SECONDS", 0.02)
    monkeypatch.setattr(shared, "REST_SECONDS", PATIENCE)
    server.freeze()
    asked = [asyncio.ensure_future(redis.ask(("ECHO", str(n)))) for n in range(3)]
    async with asyncio.timeout(PATIENCE / 2):
        answers = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(one) for one in answers] == [RedisAwayError] * 3
    server.go_on()
    await redis.close()


async def test_closing_leaves_nobody_waiting(
    server: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    redis = await connected(server)
    monkeypatch.setattr(shared, "MOST_OF_A_BATCH", 1)
    server.freeze()
    asked = [asyncio.ensure_future(redis.ask(("ECHO", "x"))) for _ in range(2)]
    await turns(5)
    closing = asyncio.ensure_future(redis.close())
    for one in asked:
        with pytest.raises(RedisAwayError):
            async with asyncio.timeout(PATIENCE / 2):
                await one
    server.go_on()
    with suppress(RedisAwayError):
        await closing


async def test_what_lets_nobody_in_is_no_redis(server: Valkey) -> None:
    await server.ask("CONFIG", "SET", "requirepass", "secret")
    redis = SharedRedis(server.url)
    for _ in range(5):
        assert await refused(redis)
        await asyncio.sleep(0.01)
    await redis.close()
