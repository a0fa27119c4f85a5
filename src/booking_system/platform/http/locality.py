"""Whether a request comes from a program on this machine, for what is meant for developers there.

An address of this machine alone does not say so: a proxy beside the API has one, too, and so has a
browser here that shows a stranger's page whose name was made to lead here (DNS rebinding).
"""

from ipaddress import ip_address
from urllib.parse import urlsplit

from fastapi import Request

FORWARDING = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")
"""What proxies put in; a program that asks for itself sends none of it."""


def is_from_here(request: Request) -> bool:
    """Say whether both ends are this machine, under one of its own names, and nobody in between."""
    if any(name in request.headers for name in FORWARDING):
        return False
    if request.headers.get("sec-fetch-site", "none") not in {"none", "same-origin"}:
        return False
    asked = _host(request.headers.get("host", ""))
    return _is_loopback(request.client.host if request.client else "") and (
        asked == "localhost" or _is_loopback(asked)
    )


def _host(header: str) -> str:
    try:
        return urlsplit(f"//{header}").hostname or ""
    except ValueError:
        return ""


def _is_loopback(host: str) -> bool:
    try:
        address = ip_address(host)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)
