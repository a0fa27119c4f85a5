"""What a database error means: a refusal, a reason to try again, or an outcome nobody knows.

Classified by SQLSTATE (PostgreSQL documentation, appendix A), never by exception class: the same
fault arrives as `DBAPIError`, as a bare asyncpg error, or as a builtin, depending on the path.
"""

import asyncio
from collections.abc import Iterator, Mapping
from enum import Enum

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from booking_system.shared_kernel.errors import Refusal, Transient, Unavailable

INTEGRITY = frozenset({"23505", "23P01", "23514", "23503"})
TRY_AGAIN = frozenset(
    {"55P03", "40P01", "40001", "57P01", "57P02", "57P03", "53300", "25006", "08003", "08006"}
    # What PgBouncer says of a session that it lost, or does not get.
    | {"08P01"}
)
FULL_DISK = "53100"
FULL = "The database has no room left on its disk: nothing was stored, and reading goes on."
GAVE_UP = frozenset({"57014", "3D000", "28000", "28P01"})
"""A statement that took too long; a database or a login that is not there (any more)."""


READ_ONLY = "25006"
ENDED = frozenset({"57P01", "57P02", "57P03"})
"""The server ends, has crashed, or is not up yet."""


Refusals = Mapping[str, type[Refusal] | type[Transient]]
"""What it means to break each constraint, by the constraint's name."""


class Overloaded(Unavailable):
    """The service is at its limit: try again in a moment.

    Nothing was done. Wait as long as `Retry-After` says and send the same request again.
    """

    code = "overloaded"


class DependencyUnavailable(Unavailable):
    """The database cannot be reached right now.

    Nothing was done. Wait as long as `Retry-After` says and send the same request again.
    """


class OutcomeUnknown(Unavailable):
    """The answer to the commit was lost: look before you try again.

    The connection to the database broke, or the request's time was over, at the very moment of
    storing: the change is there, or it is not. If the request carried an `Idempotency-Key`, send it
    again with the same key: it has its effect once. Otherwise read the resource, or the list that
    it would be in, first.
    """

    code = "outcome_unknown"


def meaning_of(  # noqa: PLR0911  (a decision table reads best as one)
    error: BaseException, refusals: Refusals, *, committing: bool
) -> Refusal | Transient | None:
    """Say what `error` means, or None where it is a bug and has to surface as one."""
    if isinstance(error, Refusal | Transient | asyncio.CancelledError):
        return None
    if isinstance(error, PoolTimeout):
        return Overloaded(retry_after=1)
    state = _sqlstate(error)
    if state in INTEGRITY:
        refusal = refusals.get(_constraint(error) or "")
        return None if refusal is None else refusal()
    if state == FULL_DISK:
        # The server's own word, in a commit too: it has undone the transaction.
        return DependencyUnavailable(FULL, retry_after=60)
    if committing and state != "40001" and _is_connection_trouble(error, state):
        return OutcomeUnknown(retry_after=1)
    if state in TRY_AGAIN or _is_nobody_there(error):
        return Transient(state or type(error).__name__)
    if state in GAVE_UP or _is_connection_trouble(error, state):
        return DependencyUnavailable(retry_after=1)
    return None


def _is_nobody_there(error: BaseException) -> bool:
    """Nothing was begun: no server, or of several none yet that is wanted."""
    if isinstance(error, ConnectionRefusedError | FileNotFoundError):
        return True
    return any(isinstance(one, asyncpg.TargetServerAttributeNotMatched) for one in _causes(error))


class Said(Enum):
    """What an error says of the server that it came from."""

    NOTHING = "nothing"
    IS_NO_PRIMARY = "it is no primary"
    MAY_BE_GONE = "it may be gone"


def said_of_the_server(error: BaseException) -> Said:
    """Say whether other connections to it are worth anything still."""
    state = _sqlstate(error)
    if state == READ_ONLY:
        return Said.IS_NO_PRIMARY
    if isinstance(error, PoolTimeout) or not _is_connection_trouble(error, state):
        return Said.NOTHING
    is_alive = state is not None and state[:2] != "08" and state not in ENDED
    return Said.NOTHING if is_alive else Said.MAY_BE_GONE


def _is_connection_trouble(error: BaseException, state: str | None) -> bool:
    if state is not None:
        return state[:2] in {"08", "57", "53"}
    kinds = TimeoutError | OSError | asyncpg.InternalClientError | asyncpg.InterfaceError
    return isinstance(error, kinds | DBAPIError)


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = getattr(seen, "orig", None) or seen.__cause__


def _sqlstate(error: BaseException) -> str | None:
    states = (getattr(cause, "sqlstate", None) for cause in _causes(error))
    return next((state for state in states if isinstance(state, str)), None)


def _constraint(error: BaseException) -> str | None:
    names = (getattr(cause, "constraint_name", None) for cause in _causes(error))
    return next((name for name in names if isinstance(name, str)), None)
