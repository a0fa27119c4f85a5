"""The way of a request whose key is claimed before work that no transaction may wait for."""

import structlog
from fastapi import Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from booking_system.platform.http.input import StrictRequest
from booking_system.platform.http.once import OUTSIDE_KEY, ClaimedFirst, Work
from booking_system.platform.http.replaying import shown_again, told_by
from booking_system.platform.postgres import claims
from booking_system.platform.postgres import idempotency as rows
from booking_system.platform.postgres.claims import Claim
from booking_system.platform.postgres.idempotency import StoredAnswer
from booking_system.platform.postgres.retry import retrying
from booking_system.platform.postgres.transaction import Database
from booking_system.platform.uuid7 import uuid7
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.errors import Refusal, Transient, Unavailable
from booking_system.shared_kernel.idempotency import IdempotencyKey, OutsideKey

log = structlog.get_logger("booking_system.http")


class Claiming:
    """Claims a key, lets the work be done, and stores the answer: a transaction before and after.

    A crash before the claim's commit leaves nothing. Behind it the key is in use until the claim is
    over (`claims.LASTS`), and then begun anew with the same outside key. A crash behind the
    finishing commit leaves the answer.
    """

    def __init__(self, database: Database, *, clock: Clock) -> None:
        """`clock` says which keys are too old to count."""
        self._database = database
        self._clock = clock

    async def run(
        self, request: StrictRequest, key: IdempotencyKey, work: Work, way: ClaimedFirst
    ) -> Response:
        """Run `work`, or show what came of it before. Raises as `Idempotency.run` does."""
        claim = await retrying(self._claim)(key)
        if isinstance(claim, StoredAnswer):
            return await shown_again(request, claim, way.again)
        request.scope[OUTSIDE_KEY] = claim.outside_key
        try:
            response = await work()
            told = told_by(request, response).to_store()
        except Exception as error:
            await self._leave(claim, is_refused=_is_a_plain_no(error))
            raise
        if await retrying(self._finish)(claim, told):
            return response
        # Its time was over, and somebody else has begun anew: they have the same outside key.
        return await retrying(self._finished_elsewhere)(request, key, way)

    async def _claim(self, key: IdempotencyKey) -> Claim | StoredAnswer:
        async with self._database.driver_transaction() as connection:
            return await claims.claim_first(
                connection, key, now=self._clock.now(), outside_key=uuid7()
            )

    async def _finish(self, claim: Claim, told: StoredAnswer) -> bool:
        async with self._database.driver_transaction() as connection:
            return await claims.finish(connection, claim, told)

    async def _finished_elsewhere(
        self, request: StrictRequest, key: IdempotencyKey, way: ClaimedFirst
    ) -> Response:
        async with self._database.driver_transaction() as connection:
            stored = await rows.given_before(connection, key)
        if stored is None:
            # It has become too old in between.
            raise Transient
        return await shown_again(request, stored, way.again)

    async def _leave(self, claim: Claim, *, is_refused: bool) -> None:
        try:
            async with self._database.driver_transaction() as connection:
                await (claims.take_back if is_refused else claims.let_go)(connection, claim)
        except (Refusal, Transient) as error:
            # It is over after a while anyway.
            log.warning("claim_kept", error=type(error).__name__)


def new_outside_key() -> OutsideKey:
    """Return what names the work of a request that has no key of its own."""
    return OutsideKey(uuid7().hex)


def _is_a_plain_no(error: Exception) -> bool:
    """Say whether it is certain that nothing was done."""
    plain = Refusal | RequestValidationError | HTTPException
    return isinstance(error, plain) and not isinstance(error, Unavailable)
