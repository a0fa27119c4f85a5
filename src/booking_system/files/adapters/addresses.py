"""Addresses of storages and of scanners, as an operator writes them."""

import re
from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from pydantic import SecretStr

BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
FORMS = {
    "region": (re.compile(r"[a-z0-9-]{1,40}"), "eu-central-1"),
    "endpoint": (re.compile(r"https?://[A-Za-z0-9.\[\]:-]+"), "https://storage.example.com"),
    "prefix": (re.compile(r"[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*"), "booking/files"),
}
"""What an address may say besides its bucket, and in what form."""


class WrongAddressError(ValueError):
    """It cannot be used; the text says why, and quotes nothing of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Address:
    """A bucket. Without `keys` they are found as Amazon's tools find them: by the environment."""

    bucket: str
    region: str
    endpoint: str | None = None
    prefix: str = ""
    keys: tuple[str, SecretStr] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClamdAddress:
    """A scanner: the path of a socket, or a host and a port."""

    path: str | None = None
    host: str = ""
    port: int = 3310


def storage_address(text: str) -> S3Address | None:
    """Return the bucket of `s3://KEY:SECRET@bucket?region=…`; None for `file:`, the local disk.

    Raises `WrongAddressError`.
    """
    if text == "file:":
        return None
    try:
        parts = urlsplit(text)
        said = parse_qsl(parts.query, strict_parsing=True) if parts.query else []
    except ValueError:
        raise WrongAddressError("it is no address") from None
    if parts.scheme != "s3" or parts.path not in {"", "/"} or parts.fragment:
        raise WrongAddressError("it is neither file: nor like s3://bucket?region=eu-central-1")
    bucket = parts.netloc.rpartition("@")[2]
    if not BUCKET.fullmatch(bucket):
        raise WrongAddressError("the name of the bucket is none")
    options = dict(said)
    if len(options) != len(said) or not options.keys() <= FORMS.keys():
        raise WrongAddressError("it says something else than region, endpoint and prefix, once")
    for name, (form, like) in FORMS.items():
        if name in options and not form.fullmatch(options[name]):
            raise WrongAddressError(f"its {name} is not like {like}")
    if "region" not in options:
        raise WrongAddressError("it says no region, as in ?region=eu-central-1")
    return S3Address(
        bucket=bucket,
        region=options["region"],
        endpoint=options.get("endpoint"),
        prefix=options.get("prefix", ""),
        keys=_keys_of(parts),
    )


def _keys_of(parts: SplitResult) -> tuple[str, SecretStr] | None:
    if parts.username is None and parts.password is None:
        return None
    if not parts.username or not parts.password:
        raise WrongAddressError("it has a key's name without the key, or the other way round")
    return unquote(parts.username), SecretStr(unquote(parts.password))


def clamd_address(text: str) -> ClamdAddress:
    """Return the scanner at `tcp://host:3310` or `unix:/path`. Raises `WrongAddressError`."""
    if text.startswith("unix:/"):
        return ClamdAddress(path=text.removeprefix("unix:"))
    try:
        parts = urlsplit(text)
        port = parts.port or 3310
    except ValueError:
        raise WrongAddressError("it is no address") from None
    is_bare = not (parts.path or parts.query or parts.fragment or parts.username)
    if parts.scheme != "tcp" or not parts.hostname or not is_bare:
        raise WrongAddressError("it is neither like tcp://host:3310 nor like unix:/run/clamd.sock")
    return ClamdAddress(host=parts.hostname, port=port)
