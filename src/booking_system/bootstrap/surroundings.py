"""What `check` finds around the program: addresses, folders and files, without making anything."""

import ipaddress
import os
import re
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

from dotenv import dotenv_values

from booking_system.bootstrap.secret_key import FILE_NAME, SETTING, paths_in
from booking_system.bootstrap.settings import PREFIX, Settings

ENV_FILE = Path(".env")
FOR_OTHERS = stat.S_IRWXG | stat.S_IRWXO
SECRET = re.compile(r"(KEYS?|PASSWORD|SECRET|TOKEN|URL)$")


def wrong(settings: Settings) -> Iterator[str]:
    """What keeps the program from starting here, or makes a setting mean nothing."""
    if not is_of_this_machine(settings.host):
        yield f"{settings.host} is no address of this machine: set BOOKING_HOST."
    yield from _wrong_proxies(settings.trusted_proxies)
    yield from _wrong_folder(settings.data_dir.absolute())


def advice(settings: Settings) -> Iterator[str]:
    """What works, and had better be changed: files that others can read."""
    key = settings.secret_key
    named = paths_in(key.get_secret_value()) if key is not None else []
    for path in [settings.data_dir.absolute() / FILE_NAME, *(Path(one) for one in named)]:
        if _is_open_to_others(path.expanduser()):
            yield (
                f"{path} can be read by others, who can sign in as anybody with it: "
                f"run `chmod 600 {path}`, and change the key where that may have been ({SETTING})."
            )
    if _is_open_to_others(ENV_FILE) and any(map(SECRET.search, names_in_the_file())):
        yield "The file .env can be read by others, and has secrets: run `chmod 600 .env`."


def names_in_the_file() -> list[str]:
    """Return the names of BOOKING_ variables in `.env`, where there is one."""
    if not ENV_FILE.is_file():
        return []
    return [name for name in dotenv_values(ENV_FILE) if name.upper().startswith(PREFIX)]


def is_of_this_machine(host: str) -> bool:
    """Say whether something can listen there; takes a port that is free, for a moment."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, 0, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as one:
            one.bind(address)
    except OSError:
        return False
    return True


def _wrong_proxies(proxies: list[str]) -> Iterator[str]:
    for proxy in proxies:
        if proxy == "*":
            continue
        try:
            ipaddress.ip_network(proxy)
        except ValueError:
            yield (
                f"BOOKING_FORWARDED_ALLOW_IPS: {proxy} is no address of a proxy and no network "
                f"such as 10.0.0.0/8{_meant(proxy)}; it has no effect."
            )


def _meant(proxy: str) -> str:
    """A network whose address is that of one machine in it is a slip that is easily made."""
    try:
        return f" (did you mean {ipaddress.ip_network(proxy, strict=False)}?)"
    except ValueError:
        return ""


def _wrong_folder(folder: Path) -> Iterator[str]:
    """The folder itself, or where it is not there yet the folder in which it would be made."""
    place = folder
    while not place.exists() and place != place.parent:
        place = place.parent
    if not place.is_dir():
        yield f"BOOKING_DATA_DIR is {folder}, but {place} is no folder."
    elif not os.access(place, os.W_OK | os.X_OK, effective_ids=True):
        what = "cannot be written to" if place == folder else f"cannot be made in {place}"
        yield f"BOOKING_DATA_DIR is {folder}, which {what} by the user of this program."


def _is_open_to_others(path: Path) -> bool:
    try:
        return bool(path.stat().st_mode & FOR_OTHERS)
    except OSError:
        return False
