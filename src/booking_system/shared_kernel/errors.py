"""How the program says no.

* Refusal           every deliberate no; carries a stable code and a text for the client
  + NotFound        the thing named does not exist, or not for this caller
  + Conflict        somebody else got there first
  + RuleViolation   a rule forbids it, or the input breaks one
  + NotPermitted    this caller may not do it
  + Unauthenticated nobody knows who is calling
  + Stale           the caller worked on an older version
  + Gone            what the caller goes on from is no longer there
  + Malformed       the request cannot be read at all
  + TooLarge        what it carries, or announces, is more than may be
  + TooMany         the caller asks too often
  + Unavailable     it cannot be done now, or nobody knows yet whether it was

Raise a subclass named after the reason. The first line of its docstring is the title that a
client sees, the rest tells on the page of its code what to do about it; its `code` is public and
stable; `platform.http.problems` maps the kinds to HTTP statuses.
"""

import inspect
from typing import Any, ClassVar


class Refusal(Exception):
    """The request was refused."""

    code: ClassVar[str]

    def __init__(self, detail: str | None = None, **extras: Any) -> None:
        """`detail` and `extras` reach the client: no names, no input, no row values in them."""
        super().__init__(detail or self.title())
        self.extras = extras

    @property
    def detail(self) -> str:
        """What happened, in a sentence for the client."""
        return str(self.args[0])

    @classmethod
    def title(cls) -> str:
        """The same for every occurrence: the first line of the docstring."""
        return (cls.__doc__ or "").strip().splitlines()[0]

    @classmethod
    def advice(cls) -> str:
        """What a client can do about it: the docstring below its first line."""
        return inspect.cleandoc(cls.__doc__ or "").partition("\n")[2].strip()


class Transient(Exception):
    """Nothing was committed and the same work may succeed in a moment."""


class Overtaken(Transient):
    """Somebody else changed meanwhile what this work had read, so it is done anew.

    For work that does not mind what it finds then. Each time one of those at it comes to its end,
    so it is tried as often as there is time for.
    """


class NotFound(Refusal):
    """There is no such thing, or not for you.

    What you may not see answers exactly like what does not exist. Check the id, and that you
    are signed in as somebody who may see it. A deleted resource is absent, too.
    """

    code = "not_found"


class Conflict(Refusal):
    """It conflicts with the present state."""


class RuleViolation(Refusal):
    """A rule forbids it."""


class NotPermitted(Refusal):
    """You may not do this.

    You are signed in and the resource exists, but your roles do not allow this. `GET /v1/me`
    lists them.
    """

    code = "forbidden"


class Unauthenticated(Refusal):
    """Sign in first: a valid bearer token is needed.

    Send `Authorization: Bearer <access_token>` with the token of a sign-in or a registration. A
    token that was accepted before may have been revoked: its session was ended, or the password
    changed.
    """

    code = "unauthenticated"


class TokenExpired(Unauthenticated):
    """The access token has expired: refresh it.

    Access tokens live ten minutes. Trade the refresh token for new ones at `POST
    /v1/auth/token` with `grant_type=refresh_token`, and send the request again.
    """

    code = "token_expired"


class Stale(Refusal):
    """The resource has changed since you read it.

    `If-Match` named an `ETag` that is not the present one, which the answer's `ETag` is where it
    is known. Read the resource again, show what changed, and send the change with the new one.
    """

    code = "precondition_failed"


class Gone(Refusal):
    """What you go on from is no longer there."""


class Malformed(Refusal):
    """The request could not be read.

    The body is not JSON in UTF-8 (or not a form, where one is asked for). This is a mistake in
    the client program; the same request will fail again.
    """

    code = "malformed_request"


class TooLarge(Refusal):
    """What was sent, or announced, is too large."""


class TooMany(Refusal):
    """Too many requests: wait a little.

    Wait as many seconds as `Retry-After` says. `RateLimit` tells what is left before it comes
    to this, on every answer once it is less than half.
    """

    code = "rate_limited"


class Unavailable(Refusal):
    """The service cannot answer right now."""

    code = "dependency_unavailable"


class Invalid(RuleViolation):
    """The request does not fit the contract.

    `errors` lists what is wrong, at most twenty entries: `pointer` is a JSON pointer (RFC 6901)
    to the field, `in` says whether it is in the body, the query, the path or a header, `detail`
    is a sentence and `code` is stable. Fields and query parameters that are not in the contract
    are refused, too.
    """

    code = "validation_error"

    @classmethod
    def field(cls, pointer: str, detail: str, code: str = "invalid") -> "Invalid":
        """One field is wrong; `pointer` is a JSON pointer (RFC 6901) into the body."""
        return cls(errors=[{"pointer": pointer, "detail": detail, "code": code}])


def check_seen(seen: int | None, present: int) -> None:
    """Let pass who has seen the `present` version (0: there is nothing), or does not say (None).

    Raises `Stale`, which says what is there.
    """
    if seen is not None and seen != present:
        raise Stale(version=present) if present else Stale
