"""Argon2id in a few threads of its own, so that hashing never holds up anything else."""

import asyncio
import os
import secrets
from base64 import b64encode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import BoundedSemaphore
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from booking_system.identity.adapters.strength import weakness_of
from booking_system.identity.domain.password import PasswordOwner, check_form
from booking_system.identity.domain.refusals import PasswordTooWeak
from booking_system.platform.postgres.faults import Overloaded
from booking_system.platform.ticket import waiting_elsewhere

Result = TypeVar("Result")

RECOMMENDED = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
"""OWASP Password Storage Cheat Sheet: 19 MiB, two passes, one lane."""
WAITING_PER_THREAD = 20
"""About a second's worth of work; whoever comes later is better told at once."""


class Argon2Passwords:
    """Hashes and checks passwords: as many at a time as there are cores, a bounded number wait."""

    def __init__(
        self,
        hasher: PasswordHasher = RECOMMENDED,
        *,
        threads: int | None = None,
        waiting: int | None = None,
    ) -> None:
        """`waiting` is how many may queue while all `threads` (default: the cores) are busy."""
        count = threads or os.cpu_count() or 1
        queue = count * WAITING_PER_THREAD if waiting is None else waiting
        self._hasher = hasher
        self._nobodys = _nobodys_hash(hasher)
        self._threads = ThreadPoolExecutor(count, thread_name_prefix="argon2")
        self._places = BoundedSemaphore(count + queue)

    async def hash(self, password: str) -> str:
        """Return the hash in PHC format. Raises `Overloaded`."""
        return await self._in_thread(lambda: self._hasher.hash(password))

    async def hash_chosen(self, password: str, owner: PasswordOwner) -> str:
        """Look at the password where it is hashed. Raises `PasswordTooWeak`, `Overloaded`."""
        check_form(password, owner)
        return await self._in_thread(lambda: self._chosen(password, owner))

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Check against a hash of nothing where there is none. Raises `Overloaded`."""
        known = self._nobodys if password_hash is None else password_hash
        return await self._in_thread(lambda: self._fits(known, password))

    def outdated(self, password_hash: str) -> bool:
        """Compare the parameters that the hash names."""
        return self._hasher.check_needs_rehash(password_hash)

    def _chosen(self, password: str, owner: PasswordOwner) -> str:
        if weakness := weakness_of(password, owner):
            raise PasswordTooWeak(f"This password would be guessed soon. {weakness}")
        return self._hasher.hash(password)

    def _fits(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (VerifyMismatchError, InvalidHashError):
            return False

    async def _in_thread(self, work: Callable[[], Result]) -> Result:
        if not self._places.acquire(blocking=False):
            raise Overloaded(retry_after=1)
        job = self._threads.submit(work)
        # Not when the caller stops waiting: an abandoned job still keeps its thread busy.
        job.add_done_callback(lambda _: self._places.release())
        with waiting_elsewhere():
            return await asyncio.wrap_future(job)


def _nobodys_hash(hasher: PasswordHasher) -> str:
    """Return a hash as dear to check as real ones, of a password that nobody knows."""
    cost = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
    salt, digest = (
        b64encode(secrets.token_bytes(length)).rstrip(b"=").decode()
        for length in (hasher.salt_len, hasher.hash_len)
    )
    return f"$argon2id$v=19${cost}${salt}${digest}"
