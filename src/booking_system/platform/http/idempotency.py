"""The `Idempotency-Key` header: a request that is sent again has its effect once.

(draft-ietf-httpapi-idempotency-key-header-07.) The first request stores its key, its effect and
what it was answered, in the way that its route names (`platform.http.once`). Another one with the
same key gets that answer again, with the resource as it is by now.
"""

import hashlib
import hmac
import re
from functools import partial

import asyncpg
import orjson
from fastapi import Response

from booking_system.platform.http.claiming import Claiming
from booking_system.platform.http.input import StrictRequest
from booking_system.platform.http.network import Networks
from booking_system.platform.http.once import Again, ClaimedFirst, InOneTransaction, Work
from booking_system.platform.http.replaying import shown_again, told_by
from booking_system.platform.keyring import Keyring, Purpose
from booking_system.platform.postgres import idempotency as rows
from booking_system.platform.postgres.retry import retrying
from booking_system.platform.postgres.transaction import Database
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.errors import Invalid, Refusal, Transient, Unavailable
from booking_system.shared_kernel.idempotency import IdempotencyKey

HEADER = "Idempotency-Key"
KEY_HEADER = HEADER.lower().encode()
"""As a request's scope has it."""
FORM = re.compile(r"[\x21-\x7e]{1,255}")
FEWEST_OF_STRANGERS = 22
"""As many characters hold 128 bits (RFC 4648, section 5): nobody guesses another visitor's key."""


class _TakenError(Exception):
    """A twin has the key, or had it: no refusal, which the work might take for one of its own."""

    def __init__(self, refusal: Refusal | None) -> None:
        """None: the twin has been answered."""
        super().__init__()
        self.refusal = refusal


class Idempotency:
    """Reads keys, and runs requests that carry one."""

    def __init__(
        self, database: Database, *, keys: Keyring, networks: Networks, clock: Clock
    ) -> None:
        """`keys` key the fingerprints: a body may hold what must not be guessed from them.

        The keys of those who have not signed in are told apart by their networks.
        """
        self._database = database
        self._networks = networks
        self._keys = keys.derived(Purpose.FINGERPRINTS)
        self._clock = clock
        self._claiming = Claiming(database, clock=clock)

    async def key_of(
        self, request: StrictRequest, *, operation: str, reads_body: bool = True
    ) -> IdempotencyKey | None:
        """Return the key that the request carries; None where it carries none.

        Raises `Invalid` for a key that cannot be one, and what reading the body raises.
        """
        text = request.headers.get(HEADER)
        if text is None:
            return None
        check_form(text)
        if request.scope["caller"] is None and len(text) < FEWEST_OF_STRANGERS:
            # The answer may hold a secret, and who shares a network could guess a short key.
            detail = f"must have at least {FEWEST_OF_STRANGERS} characters, unless you sign in"
            raise _wrong_key(detail, "too_short")
        named = partial(IdempotencyKey, operation=operation, key=text)
        prints = await self._fingerprints(request, reads_body=reads_body)
        (owner, fingerprint), *older = zip(self._owners_of(request), prints, strict=True)
        return named(
            owner=owner,
            fingerprint=fingerprint,
            formerly=tuple(named(owner=one, fingerprint=its) for one, its in older),
        )

    async def run(
        self,
        request: StrictRequest,
        key: IdempotencyKey,
        work: Work,
        way: InOneTransaction | ClaimedFirst,
    ) -> Response:
        """Run `work` once; give the answer again where the key was used before.

        Raises `IdempotencyKeyReused`, `IdempotencyKeyInUse`, and the errors of `work`: a refusal
        leaves no trace of the key, unless an earlier try with it may have had its effect.
        """
        if isinstance(way, ClaimedFirst):
            return await self._claiming.run(request, key, work, way)
        return await retrying(self._run)(request, key, work, way.again)

    async def _run(
        self, request: StrictRequest, key: IdempotencyKey, work: Work, again: Again | None
    ) -> Response:
        if await self._is_stored(key):
            return await self._replay(request, key, again)
        try:
            async with self._database.whole(partial(self._claim, key)) as whole:
                response = await work()
                told = told_by(request, response)
                await rows.answer(await whole.connection(), key, told.to_store())
                return response
        except _TakenError as taken:
            if taken.refusal is not None:
                raise taken.refusal from None
            return await self._replay(request, key, again)
        except Unavailable:
            raise
        except Refusal:
            # What a twin has done meanwhile may be why this one is refused.
            if not await self._is_stored(key):
                raise
            return await self._replay(request, key, again)

    async def _is_stored(self, key: IdempotencyKey) -> bool:
        async with self._database.reading() as connection:
            return await rows.is_stored(connection, key, now=self._clock.now())

    async def _claim(self, key: IdempotencyKey, connection: asyncpg.Connection) -> None:
        try:
            stored = await rows.claim(connection, key, now=self._clock.now())
        except Refusal as refusal:
            raise _TakenError(refusal) from None
        if stored is not None:
            raise _TakenError(None)

    async def _replay(
        self, request: StrictRequest, key: IdempotencyKey, again: Again | None
    ) -> Response:
        async with self._database.driver_transaction() as connection:
            stored = await rows.given_before(connection, key)
        if stored is None:
            # It has become too old in between.
            raise Transient
        return await shown_again(request, stored, again)

    def _owners_of(self, request: StrictRequest) -> list[str]:
        caller = request.scope["caller"]
        if caller is None:
            return [f"network {name.hex()}" for name in self._networks.names_of(request)]
        return [str(caller.user_id)] * len(self._keys)

    async def _fingerprints(self, request: StrictRequest, *, reads_body: bool) -> list[bytes]:
        body = await request.body() if reads_body else b""
        said = orjson.dumps(await request.json(), option=orjson.OPT_SORT_KEYS) if body else b""
        where = f"{request.url.path}?{request.url.query}".encode()
        return [hmac.digest(key, where + b"\n" + said, hashlib.sha256) for key in self._keys]


def check_form(text: str) -> None:
    """Raise `Invalid` for what cannot be a key."""
    if not FORM.fullmatch(text):
        raise _wrong_key("must be 1 to 255 visible ASCII characters", "pattern")


def _wrong_key(detail: str, code: str) -> Invalid:
    wrong = {"pointer": f"/{HEADER}", "detail": detail, "code": code, "in": "header"}
    return Invalid(errors=[wrong])
