"""Pages that anybody may read, shared between processes.

A page lies under what it was asked by and the digest of the rows that it shows, which the database
says at each reading: so a change is seen at once, and nothing has to be taken away. Redis is not
believed: each page bears a seal (keyed BLAKE2, RFC 7693) that only this installation can make, for
this place and no other.
"""

import hashlib
import hmac
from collections import Counter
from collections.abc import Hashable

from booking_system.platform.http.kept_pages import NO_SHARED_PAGES, SharedPage, SharedPages
from booking_system.platform.keyring import Keyring, Purpose
from booking_system.platform.redis.names import SharedNames
from booking_system.platform.redis.shared import RedisAwayError, SharedRedis

SEAL_BYTES = 16
LIVES_SECONDS = 300
"""A page that has changed is asked for under another name; the old one goes after this time."""
LARGEST_BYTES = 256 * 1024
END = b"\n"


class RedisPages:
    """Pages in Redis."""

    def __init__(
        self,
        redis: SharedRedis,
        names: SharedNames,
        *,
        keys: Keyring,
        version: str,
        outcomes: Counter[str],
    ) -> None:
        """`version` is the program's: another one may write a page otherwise.

        What came of each look is added to `outcomes`.
        """
        self._outcomes = outcomes
        self._redis = redis
        self._names = names
        self._key = keys.derived(Purpose.SHARED_PAGES)[0]
        self._version = version

    async def find(self, list_name: str, address: bytes, digest: Hashable) -> SharedPage | None:
        """Return the page; None where Redis has none, none of ours, or is away."""
        found = await self._found(self._name(list_name, address, digest))
        self._outcomes["missing" if found is None else "found"] += 1
        return found

    def keep(self, list_name: str, address: bytes, digest: Hashable, page: SharedPage) -> None:
        """Store it, soon; a very large one is not."""
        if len(page.body) > LARGEST_BYTES:
            return
        name = self._name(list_name, address, digest)
        content = (page.after or "").encode() + END + page.body
        self._redis.tell(("SET", name, self._seal(name, content) + content, "EX", LIVES_SECONDS))

    async def _found(self, name: bytes) -> SharedPage | None:
        try:
            (stored,) = await self._redis.ask(("GET", name))
        except RedisAwayError:
            return None
        if stored is None:
            return None
        seal, content = stored[:SEAL_BYTES], stored[SEAL_BYTES:]
        if not hmac.compare_digest(seal, self._seal(name, content)):
            return None
        after, _, body = content.partition(END)
        return SharedPage(after.decode() or None, body)

    def _name(self, list_name: str, address: bytes, digest: Hashable) -> bytes:
        return self._names.of("page", self._version, list_name, address, digest)

    def _seal(self, name: bytes, content: bytes) -> bytes:
        seal = hashlib.blake2b(name, key=self._key, digest_size=SEAL_BYTES, person=b"page")
        seal.update(content)
        return seal.digest()


def pages_in(
    redis: SharedRedis | None,
    names: SharedNames,
    *,
    keys: Keyring,
    version: str,
    outcomes: Counter[str],
) -> SharedPages:
    """Return where pages are shared; without a Redis nowhere."""
    if redis is None:
        return NO_SHARED_PAGES
    return RedisPages(redis, names, keys=keys, version=version, outcomes=outcomes)
