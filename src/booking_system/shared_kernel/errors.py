"""How the program says no.

* Refusal           every deliberate no; carries a stable code and a text for the client
  + NotFound        the thing named does not exist, or not for this caller
  + Conflict        somebody else got there first
  + RuleViolation   a rule forbids it, or the input breaks one
  + NotPermitted    this caller may not do it
  + Unauthenticated nobody knows who is calling
  + Stale           the caller worked on an older version
  + Malformed       the request cannot be read at all
  + TooMany         the caller asks too often
  + Unavailable     it cannot be done now, or nobody knows yet whether it was

Raise a subclass named after the reason. Its docstring is the title that a client sees, its
`code` is public and stable; `platform.http.problems` maps the kinds to HTTP statuses.
"""

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


class NotFound(Refusal):
    """There is no such thing, or not for you."""

    code = "not_found"


class Conflict(Refusal):
    """It conflicts with the present state."""


class RuleViolation(Refusal):
    """A rule forbids it."""


class NotPermitted(Refusal):
    """You may not do this."""

    code = "forbidden"


class Unauthenticated(Refusal):
    """Sign in first: a valid bearer token is needed."""

    code = "unauthenticated"


class Stale(Refusal):
    """The resource has changed since you read it."""

    code = "precondition_failed"


class Malformed(Refusal):
    """The request could not be read."""

    code = "malformed_request"


class TooMany(Refusal):
    """Too many requests: wait a little."""

    code = "rate_limited"


class Unavailable(Refusal):
    """The service cannot answer right now."""

    code = "dependency_unavailable"


class Invalid(RuleViolation):
    """The request does not fit the contract."""

    code = "validation_error"

    @classmethod
    def field(cls, pointer: str, detail: str, code: str = "invalid") -> "Invalid":
        """One field is wrong; `pointer` is a JSON pointer (RFC 6901) into the body."""
        return cls(errors=[{"pointer": pointer, "detail": detail, "code": code}])
