"""The private keys of this installation: read from the settings, or made once on this machine."""

import contextlib
import os
import re
import secrets
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from booking_system.bootstrap.room import FULL, of_a_full_disk

FILE_NAME = "secret-key.pem"
SETTING = "BOOKING_SECRET_KEY"
BLOCK = re.compile(r"-----BEGIN ([A-Z ]*PRIVATE KEY)-----.*?-----END \1-----", re.DOTALL)


class SecretKeyError(Exception):
    """The key cannot be used; the text says why in a sentence and never quotes the key."""


def key_from(configured: str, setting: str = SETTING) -> str:
    r"""Return the PEM text of a configured key: PEM itself (`\n` may be escaped), or a path.

    Raises `SecretKeyError`.
    """
    if is_text(configured):
        return checked(_lines(configured).strip() + "\n")
    try:
        text = Path(configured).expanduser().read_text(encoding="ascii")
    except (OSError, ValueError):
        raise SecretKeyError(
            f"{setting} is neither a private key in PEM form nor the path of a file "
            "that can be read."
        ) from None
    return checked(text)


def keys_from(configured: str, setting: str) -> list[str]:
    """Return the PEM texts of several keys: one after the other, or paths with commas between.

    Raises `SecretKeyError`.
    """
    if not is_text(configured):
        return [key_from(path, setting) for path in paths_in(configured)]
    found = [block[0] for block in BLOCK.finditer(_lines(configured))]
    # Text without a whole key in it is one that cannot be used.
    return [key_from(one, setting) for one in found or [configured]]


def paths_in(configured: str) -> list[str]:
    """Return the files that a setting names; none where it holds the keys themselves."""
    if is_text(configured):
        return []
    return [path.strip() for path in configured.split(",") if path.strip()]


def is_text(configured: str) -> bool:
    """Say whether this is PEM text, and not the path of a file."""
    return "-----BEGIN" in configured


def key_kept_in(data_dir: Path) -> str:
    """Return the key of this data directory, made at the first call; safe against rivals.

    Raises `SecretKeyError`.
    """
    place = data_dir / FILE_NAME
    try:
        if not place.exists():
            data_dir.mkdir(parents=True, exist_ok=True)
            _publish(_new_key(), place)
        text = place.read_text(encoding="ascii")
    except (OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno in FULL:
            raise SecretKeyError(
                f"The key {place} cannot be made: {of_a_full_disk(data_dir.absolute())}."
            ) from None
        raise SecretKeyError(
            f"The key {place} can be neither read nor made: is the data directory yours?"
        ) from None
    return checked(text)


def checked(pem: str) -> str:
    """Return `pem` if it is a P-256 private key without a password, else `SecretKeyError`."""
    try:
        key = serialization.load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise SecretKeyError(
            "The secret key must be a P-256 private key in PEM form, without a password; "
            "`openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256` makes one."
        )
    return pem


def _lines(text: str) -> str:
    return text.replace("\\n", "\n")


def _new_key() -> bytes:
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _publish(pem: bytes, place: Path) -> None:
    """Write whole and safe on the disk first, then link: a name that exists is never replaced."""
    draft = place.with_name(f".{place.name}.{secrets.token_hex(8)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft, place)
    finally:
        draft.unlink()
