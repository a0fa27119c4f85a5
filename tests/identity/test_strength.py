"""A password that would be guessed soon is refused, in words that quote none of it."""

import ast
import threading
import time
from pathlib import Path

import pytest
from zxcvbn import scoring

import booking_system
from booking_system.identity.adapters import strength
from booking_system.identity.adapters.passwords import Argon2Passwords
from booking_system.identity.adapters.strength import COMMON, LONGEST_PART, OWN, REPEATED, ROW
from booking_system.identity.domain.password import PasswordOwner
from booking_system.identity.domain.refusals import PasswordTooWeak
from tests.identity.builders import CHEAP, PASSWORD

OWNER = PasswordOwner(email="j.example-smith@example.com", full_name="Jörg Example-Smith")
PASSWORDS = Argon2Passwords(CHEAP, threads=1)
LENGTH = "A password has 10 to 200 characters."
SIGNS_FOR_LETTERS = "4@8({[<6901!|7$5+%2" * 11

WEAK = {
    "": LENGTH,
    "ninechars": LENGTH,
    "x" * 201: LENGTH,
    "J.Example-Smith@Example.com": "The password must not be the e-mail address.",
    "Password123!": COMMON,
    "P@$$w0rd2026": COMMON,
    "drowssap12345": COMMON,
    "letmein1234": COMMON,
    "iloveyou123": COMMON,
    "administrator": COMMON,
    "1qaz2wsx3edc": COMMON,
    "1234567890": COMMON,
    "Rosalie1987": COMMON,
    "1987Trinidad2026": COMMON,
    "hospital2026": OWN,
    "latipsoh2026": OWN,
    "Hospital2026!": OWN,
    "Klinik2026!": OWN,
    "Krankenhaus1": OWN,
    "Booking-2027": OWN,
    "smith.1985!": OWN,
    "jörg-smith": OWN,
    "example2026!": OWN,
    "abcdefghij": ROW,
    "zxcvbhjkl;'p": ROW,
    "20261128ab": ROW,
    "AAAAAAAAAAaaaa": REPEATED,
    "x1" * 100: REPEATED,
    "qwertz" * 30: REPEATED,
    "密码密码密码密码密码1": REPEATED,
    " " * 9 + "x": REPEATED,
}
STRONG = [
    PASSWORD,
    "four curious hares",
    "a-long-enough-passphrase",
    "correct horse battery staple",
    "drei stille Ötter 密码",
    "安静的三只水獭在河边",
    "xK9$mq2Lw!pZ",
    "a" * 60 + "xK9$mq2Lw!pZ",
    "xK9$mq2Lw!pZ" + "a" * 188,
    SIGNS_FOR_LETTERS[:200],
]


@pytest.mark.parametrize("password", WEAK)
async def test_an_easy_password_is_refused_and_told_why(password: str) -> None:
    with pytest.raises(PasswordTooWeak) as refused:
        await PASSWORDS.hash_chosen(password, OWNER)

    assert refused.value.detail.endswith(WEAK[password])
    assert not password or password.lower() not in refused.value.detail.lower()


@pytest.mark.parametrize("password", STRONG)
async def test_any_other_password_will_do(password: str) -> None:
    assert await PASSWORDS.verify(await PASSWORDS.hash_chosen(password, OWNER), password)


async def test_what_is_somebodys_own_is_anybody_elses_secret() -> None:
    password = "quiet-zaphodine"
    await PASSWORDS.hash_chosen(password, OWNER)
    owner = PasswordOwner(email="quiet@example.com", full_name="Quiet Zaphodine")
    with pytest.raises(PasswordTooWeak):
        await PASSWORDS.hash_chosen(password, owner)


@pytest.mark.parametrize(
    "password",
    [
        SIGNS_FOR_LETTERS[:200],
        "1234567890" * 20,
        "9876543210123" * 15,
        "12/12/1212" * 20,
        "a" * 200,
        "P@$$w0rd" * 25,
        "İ" * 200,
    ],
)
def test_a_look_is_short_however_long_the_password(
    password: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    real = scoring.most_guessable_match_sequence

    def counted(text: str, matches: object) -> object:
        seen.append(text)
        return real(text, matches)

    monkeypatch.setattr(strength.scoring, "most_guessable_match_sequence", counted)
    began = time.thread_time()
    strength.weakness_of(password, OWNER)

    # Of the processor's time, with others beside it: a hundred times what it takes.
    assert time.thread_time() - began < 1
    assert len(seen) <= 4
    assert max(map(len, seen)) <= LONGEST_PART


async def test_a_password_is_looked_at_where_it_is_hashed() -> None:
    """The event loop never waits for a look: it begins in a thread, or not at all."""
    passwords = Argon2Passwords(CHEAP, threads=1)
    threads: list[str] = []

    def named(*_: object) -> None:
        threads.append(threading.current_thread().name)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("booking_system.identity.adapters.passwords.weakness_of", named)
        await passwords.hash_chosen(PASSWORD, OWNER)

    assert threads[0].startswith("argon2")


def test_only_a_password_that_an_account_has_is_hashed_unseen() -> None:
    """A password that is set is looked at; signing in only renews its hash."""
    unseen = {
        file.name
        for file in Path(booking_system.__file__).parent.rglob("application/*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Attribute)
        and node.attr == "hash"
        and isinstance(node.value, ast.Attribute)
        and node.value.attr == "passwords"
    }
    assert unseen == {"sign_in.py"}
