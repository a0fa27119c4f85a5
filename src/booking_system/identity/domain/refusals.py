"""The ways in which identity says no."""

from booking_system.shared_kernel.errors import (
    Conflict,
    RuleViolation,
    TooMany,
    Unauthenticated,
)


class EmailTaken(Conflict):
    """There is an account with this e-mail address already.

    Offer to sign in instead, with the password that the account has.
    """

    code = "email_taken"


class InvalidCredentials(Unauthenticated):
    """These credentials do not hold.

    The e-mail address or the password is wrong, or the refresh token was used before or has
    been revoked: sign in again. Whether there is an account is not told.
    """

    code = "invalid_credentials"


class LinkOver(Conflict):
    """This link does not hold any more.

    It was used, or another one was that came later, or it is too old: ask for a new one.
    """

    code = "link_over"


class PasswordTooWeak(RuleViolation):
    """This password is too easy to guess.

    `detail` says why, and `errors` which field it is. Ask for a longer one: a few unrelated words
    are better than special characters.
    """

    code = "password_too_weak"

    def __init__(self, detail: str | None = None, field: str = "password") -> None:
        """`field` is where the password was given."""
        super().__init__(detail)
        self.extras["errors"] = [
            {"pointer": f"/{field}", "detail": self.detail, "code": self.code, "in": "body"}
        ]


class RateLimited(TooMany):
    """Too many attempts: wait a little before the next one."""
