"""What production refuses: each unsafe setting with its sentence, in one table.

In development nothing of it is refused; `booking-system check` says what would be.
"""

import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from ipaddress import IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import URL

from booking_system.bootstrap.secret_key import paths_in
from booking_system.identity.domain.password import PasswordOwner
from booking_system.platform.postgres.url import sqlalchemy_url

if TYPE_CHECKING:
    from booking_system.bootstrap.settings import Settings

KNOWN = {
    "12345678",
    "changeme",
    "change-me",
    "changeit",
    "only-on-this-machine",
    "password",
    "postgres",
    "postgresql",
    "verysecret",
}
"""Passwords of examples and guide books."""
SHORTEST = 8
ENCRYPTED = {"require", "verify-ca", "verify-full"}
WIDEST = {4: 8, 6: 7}
"""The shortest prefix of a network that somebody can have to themselves: 10.0.0.0/8, fc00::/7."""
ADDRESSES = ("database_url", "database_direct_url", "migration_url")


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that production refuses; `about` is the setting."""

    about: str
    sentence: str
    is_broken_by: Callable[["Settings"], bool]


def refused(settings: "Settings") -> Iterator[str]:
    """Say what production does not start with, a sentence each."""
    for rule in RULES:
        if rule.is_broken_by(settings):
            yield rule.sentence


def _is_readable_by_others(settings: "Settings") -> bool:
    given = (settings.secret_key, settings.other_secret_keys)
    files = [path for one in given if one for path in paths_in(one.get_secret_value())]
    return any(Path(path).expanduser().stat().st_mode & stat.S_IRWXO for path in files)


def _believes_everybody(settings: "Settings") -> bool:
    return any(map(_is_everybody, settings.trusted_proxies))


def _is_everybody(proxy: str) -> bool:
    try:
        network = ip_network(proxy, strict=False)
    except ValueError:
        return proxy == "*"
    return network.prefixlen < WIDEST[6 if isinstance(network, IPv6Network) else 4]


def _is_open_without_a_proxy(settings: "Settings") -> bool:
    return not _is_here(settings.host) and not settings.trusted_proxies


def _has_a_known_password(which: str, settings: "Settings") -> bool:
    url = _url(which, settings)
    if url is None or not _far_or_near(url):
        return False
    given = url.password or url.query.get("password") or os.environ.get("PGPASSWORD")
    if given is None:
        return "passfile" not in url.query and "PGPASSFILE" not in os.environ
    return _is_guessed_first(str(given), url)


def _is_guessed_first(password: str, url: URL) -> bool:
    folded = password.casefold()
    names = {str(name).casefold() for name in (url.username, url.database)}
    if len(folded) < SHORTEST or folded in KNOWN | names:
        return True
    # Its lists are read where there is a password to look at, not at every start.
    from booking_system.identity.adapters.strength import weakness_of  # noqa: PLC0415

    return weakness_of(password, PasswordOwner(email="", full_name="")) is not None


def _goes_in_the_clear(which: str, settings: "Settings") -> bool:
    url = _url(which, settings)
    if url is None:
        return False
    wanted = url.query.get("ssl") or os.environ.get("PGSSLMODE", "prefer")
    if wanted in ENCRYPTED:
        return False
    far = [host for host in _far_or_near(url) if not _is_here(host)]
    # A bare name, such as a container's, is known within one network only: somebody may decide.
    return any("." in host or ":" in host for host in far) or (bool(far) and wanted != "disable")


def _url(which: str, settings: "Settings") -> URL | None:
    given: str | None = getattr(settings, which)
    return None if given is None else sqlalchemy_url(given)


def _far_or_near(url: URL) -> list[str]:
    """The hosts that are reached by TCP; a path is the folder of a socket, as is no host at all."""
    hosts = url.query.get("host", ())
    names = [hosts] if isinstance(hosts, str) else [host.rpartition(":")[0] for host in hosts]
    return [name for name in names if name and not name.startswith("/")]


def _is_here(host: str) -> bool:
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


RULES: tuple[Rule, ...] = (
    Rule(
        "BOOKING_SECRET_KEY",
        "BOOKING_SECRET_KEY must be set when BOOKING_ENV is production.",
        lambda settings: settings.secret_key is None,
    ),
    Rule(
        "BOOKING_SECRET_KEY, of a file",
        "The file of a secret key can be read by everybody on this machine: take that right from "
        "others (`chmod o-rwx`; mounted into a container, mode 0440 or less).",
        _is_readable_by_others,
    ),
    Rule(
        "BOOKING_DATABASE_URL",
        "BOOKING_DATABASE_URL must be set when BOOKING_ENV is production.",
        lambda settings: settings.database_url is None,
    ),
    *(
        Rule(
            f"BOOKING_{which.upper()}, its password",
            f"BOOKING_{which.upper()} has no password, or one that is among the first guesses: "
            "`openssl rand -hex 24` makes one.",
            partial(_has_a_known_password, which),
        )
        for which in ADDRESSES
    ),
    *(
        Rule(
            f"BOOKING_{which.upper()}, its way",
            f"BOOKING_{which.upper()} goes to another host in the clear: add ?sslmode=verify-full "
            "(or, for a bare name in a network of your own containers, ?sslmode=disable).",
            partial(_goes_in_the_clear, which),
        )
        for which in ADDRESSES
    ),
    Rule(
        "BOOKING_DEMO",
        "BOOKING_DEMO must be false when BOOKING_ENV is production.",
        lambda settings: settings.demo,
    ),
    Rule(
        "BOOKING_PUBLIC_URL",
        "BOOKING_PUBLIC_URL must be the https address of this installation: over http, passwords "
        "and tokens travel in the clear.",
        lambda settings: not settings.public_url.startswith("https://"),
    ),
    Rule(
        "BOOKING_CORS_ORIGINS",
        "BOOKING_CORS_ORIGINS must be https addresses: a page that came by http may be anybody's.",
        lambda settings: any(one.startswith("http://") for one in settings.allowed_origins),
    ),
    Rule(
        "BOOKING_FORWARDED_ALLOW_IPS",
        "BOOKING_FORWARDED_ALLOW_IPS believes everybody, so that callers choose the address by "
        "which they are limited: name the proxies.",
        _believes_everybody,
    ),
    Rule(
        "BOOKING_HOST",
        "BOOKING_HOST listens beyond this machine, and BOOKING_FORWARDED_ALLOW_IPS names no proxy: "
        "one has to stand in front, and all callers would share its limits.",
        _is_open_without_a_proxy,
    ),
    Rule(
        "BOOKING_RATE_LIMIT",
        "BOOKING_RATE_LIMIT must be on: without it passwords can be guessed without end.",
        lambda settings: not settings.rate_limit,
    ),
    Rule(
        "BOOKING_LOG_LEVEL",
        "BOOKING_LOG_LEVEL must not be debug: what is told for finding faults is not for keeping.",
        lambda settings: settings.log_level == "debug",
    ),
    Rule(
        "BOOKING_PAYMENT_PROVIDERS",
        "BOOKING_PAYMENT_PROVIDERS must not name sandbox: there appointments count as paid, and "
        "nobody pays.",
        lambda settings: "sandbox" in settings.named_providers,
    ),
    Rule(
        "BOOKING_PAYPAL_MODE",
        "BOOKING_PAYPAL_MODE must say whether the client of PayPal is live or of its sandbox.",
        lambda settings: settings.paypal_client_id is not None and settings.paypal_mode is None,
    ),
)
"""In the order in which an operator is told."""
