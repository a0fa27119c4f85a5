"""Hashing holds nobody up: a few threads, a bounded queue, like cost for unknown accounts."""

import asyncio
import threading
from typing import Literal

import pytest
from argon2 import PasswordHasher, extract_parameters

from booking_system.identity.adapters.passwords import RECOMMENDED, Argon2Passwords, _nobodys_hash
from booking_system.platform.postgres.faults import Overloaded
from tests.identity.builders import CHEAP, PASSWORD
from tests.patience import PATIENCE, turns


async def test_a_password_fits_its_own_hash_only() -> None:
    passwords = Argon2Passwords(CHEAP, threads=1)
    first, second = await passwords.hash(PASSWORD), await passwords.hash(PASSWORD)

    assert first != second
    assert first.startswith("$argon2id$")
    assert await passwords.verify(first, PASSWORD)
    assert not await passwords.verify(first, PASSWORD + " ")
    assert not await passwords.verify("not a hash", PASSWORD)


async def test_nobody_knows_the_password_of_an_account_that_is_not_there() -> None:
    passwords = Argon2Passwords(CHEAP, threads=1)
    assert not await passwords.verify(None, PASSWORD)
    assert not await passwords.verify(None, "")


class CountingHasher(PasswordHasher):
    """Keeps the hashes that it was asked to check."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.checked: list[str | bytes] = []

    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:  # noqa: A002
        self.checked.append(hash)
        return super().verify(hash, password)


async def test_an_account_that_is_not_there_costs_a_check_all_the_same() -> None:
    hasher = CountingHasher()
    passwords = Argon2Passwords(hasher, threads=1)

    await passwords.verify(None, PASSWORD)
    await passwords.verify(hasher.hash(PASSWORD), "not the password")

    first, second = hasher.checked
    assert extract_parameters(str(first)) == extract_parameters(str(second))


@pytest.mark.parametrize("hasher", [CHEAP, RECOMMENDED])
def test_the_hash_of_nobody_costs_what_a_real_one_costs(hasher: PasswordHasher) -> None:
    nobodys = _nobodys_hash(hasher)
    assert extract_parameters(nobodys) == extract_parameters(hasher.hash(PASSWORD))
    assert len(nobodys) == len(hasher.hash(PASSWORD))
    assert nobodys != _nobodys_hash(hasher)


def test_a_cheaper_hash_is_outdated() -> None:
    assert Argon2Passwords().outdated(CHEAP.hash(PASSWORD))
    assert not Argon2Passwords(CHEAP).outdated(CHEAP.hash(PASSWORD))


class HeldHasher(PasswordHasher):
    """Does not finish before it is let go."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.let_go = threading.Event()
        self.most_at_once = self._running = 0
        self._lock = threading.Lock()

    def hash(self, password: str | bytes, *, salt: bytes | None = None) -> str:
        with self._lock:
            self._running += 1
            self.most_at_once = max(self.most_at_once, self._running)
        assert self.let_go.wait(PATIENCE)
        with self._lock:
            self._running -= 1
        return super().hash(password, salt=salt)


async def test_whoever_finds_the_queue_full_is_told_at_once() -> None:
    held = HeldHasher()
    passwords = Argon2Passwords(held, threads=2, waiting=3)
    admitted = [asyncio.create_task(passwords.hash(PASSWORD)) for _ in range(5)]
    await turns()

    with pytest.raises(Overloaded) as refused:
        await passwords.hash(PASSWORD)
    with pytest.raises(Overloaded):
        await passwords.verify(None, PASSWORD)

    assert refused.value.extras == {"retry_after": 1}
    held.let_go.set()
    assert len(set(await asyncio.gather(*admitted))) == 5
    assert held.most_at_once == 2
    assert await passwords.hash(PASSWORD)


async def test_an_abandoned_job_keeps_its_place_until_it_is_done() -> None:
    held = HeldHasher()
    passwords = Argon2Passwords(held, threads=1, waiting=0)
    abandoned = asyncio.create_task(passwords.hash(PASSWORD))
    await turns()
    abandoned.cancel()
    await asyncio.gather(abandoned, return_exceptions=True)

    with pytest.raises(Overloaded):
        await passwords.hash(PASSWORD)

    held.let_go.set()
    async with asyncio.timeout(PATIENCE):
        while not await has_room(passwords):  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def has_room(passwords: Argon2Passwords) -> bool:
    try:
        return bool(await passwords.hash(PASSWORD))
    except Overloaded:
        return False
