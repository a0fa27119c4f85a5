"""The ways in which identity says no."""

from booking_system.shared_kernel.errors import (
    Conflict,
    RuleViolation,
    TooMany,
    Unauthenticated,
)


class EmailTaken(Conflict):
    """There is an account with this e-mail address already."""

    code = "email_taken"


class InvalidCredentials(Unauthenticated):
    """These credentials do not hold."""

    code = "invalid_credentials"


class TokenExpired(Unauthenticated):
    """The access token has expired: refresh it."""

    code = "token_expired"


class PasswordTooWeak(RuleViolation):
    """This password is too easy to guess."""

    code = "password_too_weak"


class RateLimited(TooMany):
    """Too many attempts: wait a little before the next one."""
