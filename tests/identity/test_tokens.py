"""Only what our own key signed, as an access token of this installation, is believed."""

import base64
import hmac
import json
from datetime import timedelta
from hashlib import sha256
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

from booking_system.identity.adapters.tokens import (
    AUDIENCE,
    LONGEST,
    DerivedRefreshTokens,
    SignedAccessTokens,
)
from booking_system.identity.domain.tokens import ACCESS_LIFETIME
from booking_system.platform.keyring import Keyring
from booking_system.shared_kernel.errors import Unauthenticated
from booking_system.shared_kernel.identifiers import SessionId, UserId
from tests.identity.builders import ISSUER, KEYS, NOON, PRIVATE_KEY, a_key, access_tokens

KEY = ECKey.import_key(PRIVATE_KEY)
USER, SESSION = UserId(uuid4()), SessionId(uuid4())
HEADER = {"alg": "ES256", "typ": "at+jwt", "kid": KEY.thumbprint()}
CLAIMS = {
    "iss": ISSUER,
    "aud": AUDIENCE,
    "sub": str(USER),
    "sid": str(SESSION),
    "iat": 1906718400,
    "exp": 1906719000,
    "jti": "1",
}


def signed(
    header: dict[str, Any] | None = None, claims: dict[str, Any] | None = None, key: Any = KEY
) -> str:
    head = HEADER | (header or {})
    return jwt.encode(head, CLAIMS | (claims or {}), key, algorithms=[head["alg"]])


def part(value: object) -> str:
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def signed_with_the_public_key() -> str:
    public = KEY.as_pem(private=False)
    body = f"{part(HEADER | {'alg': 'HS256'})}.{part(CLAIMS)}"
    return f"{body}.{part(hmac.digest(public, body.encode(), sha256))}"


def without(name: str) -> str:
    claims = {key: value for key, value in CLAIMS.items() if key != name}
    return jwt.encode(HEADER, claims, KEY, algorithms=["ES256"])


def test_a_token_says_who_and_until_when_and_nothing_else() -> None:
    token = access_tokens().sign(USER, SESSION, NOON)
    read = jwt.decode(token, KEY, algorithms=["ES256"])

    assert read.header == HEADER
    assert set(read.claims) == set(CLAIMS)
    believed = access_tokens().verify(token)
    assert (believed.user_id, believed.session_id) == (USER, SESSION)
    assert believed.expires_at == NOON + ACCESS_LIFETIME


def test_two_tokens_of_one_moment_differ() -> None:
    tokens = access_tokens()
    assert tokens.sign(USER, SESSION, NOON) != tokens.sign(USER, SESSION, NOON)


def test_an_expired_token_is_read_and_left_to_the_use_case() -> None:
    token = access_tokens().sign(USER, SESSION, NOON - timedelta(days=1))
    assert access_tokens().verify(token).expires_at < NOON


def test_the_sample_that_the_forgeries_are_made_of_is_believed() -> None:
    assert access_tokens().verify(signed()).user_id == USER


FORGED = {
    "no algorithm": f"{part(HEADER | {'alg': 'none'})}.{part(CLAIMS)}.",
    "no signature": f"{part(HEADER)}.{part(CLAIMS)}.",
    "a secret that is the public key": signed_with_the_public_key(),
    "another algorithm of a known key": signed({"alg": "HS256"}, key=OctKey.import_key("0" * 32)),
    "another key": signed(key=ECKey.import_key(a_key())),
    "another key id": signed({"kid": "another"}),
    "an embedded key": signed({"jwk": KEY.as_dict(private=False)}),
    "another type": signed({"typ": "JWT"}),
    "an id token's type": signed({"typ": "id+jwt"}),
    "a critical extension": f"{part(HEADER | {'crit': ['b64'], 'b64': False})}.{part(CLAIMS)}.x",
    "another issuer": signed(claims={"iss": "https://other.example.org"}),
    "another audience": signed(claims={"aud": "another"}),
    "several audiences": signed(claims={"aud": [AUDIENCE, "another"]}),
    "no audience": without("aud"),
    "no issuer": without("iss"),
    "no subject": without("sub"),
    "no session": without("sid"),
    "no expiry": without("exp"),
    "a subject that is no id": signed(claims={"sub": "admin"}),
    "a subject that is no text": signed(claims={"sub": 1}),
    "an expiry beyond time": signed(claims={"exp": 10**30}),
    "an expiry in words": signed(claims={"exp": "tomorrow"}),
    "claims that are no object": f"{part(HEADER)}.{part([1])}.{part(b'x')}",
    "a header that is no object": f"{part([1])}.{part(CLAIMS)}.{part(b'x')}",
    "a header nested too deep": f"{part(b'[' * 900)}.{part(CLAIMS)}.{part(b'x')}",
    "five parts": "a.b.c.d.e",
    "nothing": "",
    "not ASCII": "é.é.é",
    "a lone surrogate": "\ud800.\ud800.\ud800",
    "bytes that are no UTF-8": ".".join([part(bytes([255]))] * 3),
}


@pytest.mark.parametrize("token", FORGED.values(), ids=FORGED.keys())
def test_a_forged_token_is_refused(token: str) -> None:
    with pytest.raises(Unauthenticated):
        access_tokens().verify(token)


def test_a_token_that_was_changed_is_refused() -> None:
    head, claims, signature = signed().split(".")
    changed = part(CLAIMS | {"sub": str(uuid4())})
    with pytest.raises(Unauthenticated):
        access_tokens().verify(f"{head}.{changed}.{signature}")
    assert access_tokens().verify(f"{head}.{claims}.{signature}")


def test_a_token_that_is_too_long_is_not_even_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    long = signed(claims={"jti": "x" * LONGEST})
    monkeypatch.setattr(jwt, "decode", lambda *_, **__: pytest.fail("was parsed"))
    with pytest.raises(Unauthenticated):
        access_tokens().verify(long)


@given(st.text(max_size=200) | st.lists(st.binary(max_size=60), min_size=3, max_size=3))
def test_no_text_breaks_the_reader(noise: str | list[bytes]) -> None:
    token = noise if isinstance(noise, str) else ".".join(part(one) for one in noise)
    with pytest.raises(Unauthenticated):
        access_tokens().verify(token)


def test_the_published_key_checks_our_tokens_and_is_public() -> None:
    tokens = access_tokens()
    (published,) = tokens.key_set()["keys"]

    assert set(published) == {"kty", "crv", "x", "y", "kid", "use", "alg"}
    assert published["kid"] == HEADER["kid"]
    read = jwt.decode(
        tokens.sign(USER, SESSION, NOON), ECKey.import_key(published), algorithms=["ES256"]
    )
    assert read.claims["sub"] == str(USER)


def test_installations_do_not_believe_each_other() -> None:
    token = SignedAccessTokens(KEYS, issuer="https://other.example.org")
    with pytest.raises(Unauthenticated):
        access_tokens().verify(token.sign(USER, SESSION, NOON))


def test_refresh_tokens_are_long_random_and_different() -> None:
    tokens = DerivedRefreshTokens(KEYS)
    made = {tokens.first() for _ in range(100)}
    assert len(made) == 100
    assert {len(one) for one in made} == {43}


def test_a_successor_is_the_same_for_one_key_and_different_for_another() -> None:
    tokens, others = DerivedRefreshTokens(KEYS), DerivedRefreshTokens(Keyring((a_key(),)))
    first = tokens.first()
    (second,) = tokens.successors_of(first)

    assert [second] == DerivedRefreshTokens(KEYS).successors_of(first)
    afterwards = {*tokens.successors_of(second), *others.successors_of(first)}
    assert len({first, second} | afterwards) == 4
    assert len(second) == 43


def test_a_fingerprint_does_not_hold_the_token() -> None:
    tokens = DerivedRefreshTokens(KEYS)
    first = tokens.first()
    assert tokens.fingerprint(first) == sha256(first.encode()).digest()
    assert tokens.fingerprint("\ud800") != tokens.fingerprint("?")
