"""What a password must be like (NIST SP 800-63B, section 3.1.1.2: length and a block list)."""

from booking_system.identity.domain.account import email_key
from booking_system.identity.domain.refusals import PasswordTooWeak

SHORTEST = 10
LONGEST = 200
COMMON = frozenset(
    {
        "0123456789",
        "0987654321",
        "1111111111",
        "1122334455",
        "123123123123",
        "1234567890",
        "12345678901",
        "123456789012",
        "123456789a",
        "1234567891",
        "1q2w3e4r5t",
        "1q2w3e4r5t6y",
        "1qaz2wsx3edc",
        "9876543210",
        "abcdefghij",
        "abcd123456",
        "administrator",
        "changeme123",
        "correcthorsebatterystaple",
        "iloveyou12",
        "iloveyou123",
        "letmein123",
        "letmein1234",
        "password01",
        "password12",
        "password123",
        "password1234",
        "password12345",
        "passwordpassword",
        "princess123",
        "qwerty1234",
        "qwerty12345",
        "qwerty123456",
        "qwertyuiop",
        "qwertyuiop123",
        "qwertzuiop",
        "welcome123",
        "welcome1234",
    }
)
"""Common passwords that are long enough to pass otherwise."""


def check_password(password: str, *, email: str) -> None:
    """Raises `PasswordTooWeak` where the password would be among the first guesses."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise PasswordTooWeak(f"A password has {SHORTEST} to {LONGEST} characters.")
    folded = password.casefold()
    if folded == email_key(email).casefold():
        raise PasswordTooWeak("The password must not be the e-mail address.")
    if len(set(folded)) == 1:
        raise PasswordTooWeak("The password must not repeat one character.")
    if folded in COMMON:
        raise PasswordTooWeak("This password is one of the most common ones.")
