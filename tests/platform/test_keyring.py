"""Each purpose has a key of its own, which tells nothing of the secret key or of another one."""

import ast
import hmac
import re
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

import booking_system
from booking_system.platform.keyring import Keyring, Purpose

SOURCE = Path(booking_system.__file__).parent


def a_key() -> tuple[str, bytes]:
    """PEM text, and the number in it."""
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return pem.decode(), key.private_numbers().private_value.to_bytes(32, "big")


def hkdf(secret: bytes, info: bytes) -> bytes:
    """RFC 5869 with SHA-256, no salt, and one block, by hand."""
    extracted = hmac.digest(bytes(32), secret, sha256)
    return hmac.digest(extracted, info + b"\x01", sha256)


def test_every_purpose_of_every_key_has_a_key_of_its_own() -> None:
    (one, its_number), (other, other_number) = a_key(), a_key()
    ring = Keyring.of([one, other])

    derived = [key for purpose in Purpose for key in ring.derived(purpose)]

    assert len(Purpose) >= 4
    assert len({*derived, its_number, other_number}) == 2 * len(Purpose) + 2
    assert {len(key) for key in derived} == {32}


def test_keys_are_derived_as_the_standard_says() -> None:
    text, number = a_key()
    for purpose in Purpose:
        assert Keyring.of([text]).derived(purpose) == (hkdf(number, purpose.value),)


def test_the_first_key_comes_first_and_each_once() -> None:
    (one, _), (other, _) = a_key(), a_key()
    assert Keyring.of([one, other, one]).keys == (one, other)
    # However its text is written.
    assert Keyring.of([one, one + "\n"]).keys == (one,)
    assert one not in repr(Keyring.of([one]))


def test_every_purpose_is_used_in_one_place_and_the_keys_themselves_in_one() -> None:
    """What made something else with the key of a purpose, or with the secret key, would be seen."""
    uses: dict[str, list[str]] = {}
    for place in SOURCE.rglob("*.py"):
        text = place.read_text(encoding="utf-8")
        # To parse all files takes two seconds.
        if not {"Purpose", "keys"} & set(re.findall(r"\w+", text)):
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                name = f"{node.value.id}.{node.attr}"
                if node.value.id == "Purpose" or name == "keys.keys":
                    uses.setdefault(name, []).append(place.name)
    assert uses == {
        "Purpose.REFRESH_TOKENS": ["tokens.py"],
        "Purpose.HOLD_TOKENS": ["hold_tokens.py"],
        "Purpose.FINGERPRINTS": ["idempotency.py"],
        "Purpose.NETWORKS": ["network.py"],
        "Purpose.RECIPIENTS": ["recipients.py"],
        "Purpose.UNSUBSCRIBING": ["unsubscribing.py"],
        "Purpose.WEBHOOK_SECRETS": ["sealing.py"],
        "Purpose.CLINIC_CHANNELS": ["sealing.py"],
        "Purpose.PAYMENT_ACCOUNTS": ["sealing.py"],
        "Purpose.PAYMENT_RESULTS": ["result_links.py"],
        "Purpose.PAYMENT_LINKS": ["result_links.py"],
        "Purpose.SANDBOX_EVENTS": ["container.py"],
        "Purpose.FILE_UPLOADS": ["links.py"],
        "Purpose.FILE_DOWNLOADS": ["links.py"],
        "Purpose.SHARED_PAGES": ["pages.py"],
        "Purpose.SHARED_NAMES": ["names.py"],
        "keys.keys": ["tokens.py"],
    }
