"""What a password must be like (NIST SP 800-63B, section 3.1.1.2: length and a block list)."""

import re
from dataclasses import dataclass

from booking_system.identity.domain.account import email_key
from booking_system.identity.domain.refusals import PasswordTooWeak

SHORTEST = 10
LONGEST = 200
FEWEST_GUESSES = 10**9
"""By which an account with the password is found: eighty years at 30,720 a day (`turns`)."""
SHORTEST_WORD = 3
WORDS_OF_OURS = (
    "appointment arzt booking clinic doctor health hospital kennwort klinik krankenhaus medical"
    " medizin passwort patient praxis reception termin"
)
"""What anybody would try here first, in any language."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordOwner:
    """Whom a password is for; who knows them tries what is theirs first."""

    email: str
    full_name: str

    def words(self) -> frozenset[str]:
        """Return what the name and the address are made of, and the words of this service."""
        said = f"{self.email} {self.full_name} {WORDS_OF_OURS}".casefold()
        words = {self.email.casefold(), *re.split(r"[\W\d_]+", said)}
        return frozenset(word for word in words if len(word) >= SHORTEST_WORD)


def check_length(password: str) -> str:
    """Return the password. Raises `PasswordTooWeak` where it is too short or too long."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise PasswordTooWeak(f"A password has {SHORTEST} to {LONGEST} characters.")
    return password


def check_form(password: str, owner: PasswordOwner) -> None:
    """Raises `PasswordTooWeak` for what is too short, too long or the address itself."""
    check_length(password)
    if password.casefold() == email_key(owner.email).casefold():
        raise PasswordTooWeak("The password must not be the e-mail address.")
