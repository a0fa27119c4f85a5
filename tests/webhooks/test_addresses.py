"""Which addresses may be called, and in which writings of an address they hide."""

import socket
from typing import Any

import pytest

from booking_system.platform.outward.addresses import DENIED, may_be_called
from booking_system.platform.outward.connecting import (
    CheckedAddresses,
    NotConnectedError,
    by_the_system,
)
from booking_system.shared_kernel.errors import Invalid
from booking_system.webhooks.domain.target import Target

# By the network that denies it: each is denied by this one alone.
DENIED_ADDRESSES = {
    "0.0.0.0/8": ["0.0.0.0", "0.1.2.3", "::ffff:0.0.0.0"],
    "10.0.0.0/8": ["10.0.0.1", "::ffff:10.0.0.1"],
    "100.64.0.0/10": ["100.64.0.1", "100.127.255.254"],
    "127.0.0.0/8": ["127.0.0.1", "127.255.255.254", "::ffff:127.0.0.1", "::ffff:7f00:1"],
    "169.254.0.0/16": ["169.254.169.254", "::ffff:169.254.169.254"],
    "172.16.0.0/12": ["172.16.0.1", "172.31.255.254"],
    "192.0.0.0/24": ["192.0.0.8"],
    "192.0.2.0/24": ["192.0.2.1"],
    "192.88.99.0/24": ["192.88.99.1"],
    "192.168.0.0/16": ["192.168.0.1"],
    "198.18.0.0/15": ["198.18.0.1", "198.19.255.254"],
    "198.51.100.0/24": ["198.51.100.1"],
    "203.0.113.0/24": ["203.0.113.1"],
    "224.0.0.0/4": ["224.0.0.1", "239.255.255.250"],
    "240.0.0.0/4": ["240.0.0.1", "255.255.255.255"],
    "::/3": [
        "::",
        "::1",
        "::7f00:1",
        "::127.0.0.1",
        "::ffff:0:127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::7f00:1",
        "100::1",
    ],
    "4000::/2": ["5f00::1"],
    "8000::/1": ["fc00::1", "fd12:3456::1", "fe80::1", "fec0::1", "ff02::1"],
    "2001::/23": ["2001:0:7f00:1::", "2001::1", "2001:2::1", "2001:10::1"],
    "2001:db8::/32": ["2001:db8::1"],
    "2002::/16": ["2002:7f00:1::", "2002:a00:1::1"],
    "3fff::/20": ["3fff::1"],
}
PUBLIC = [
    "8.8.8.8",
    "93.184.215.14",
    "100.63.255.255",
    "100.128.0.1",
    "172.32.0.1",
    "192.0.1.1",
    "223.255.255.254",
    "::ffff:8.8.8.8",
    "2606:4700:4700::1111",
    "2a00:1450:4001::1",
    "2003::1",
]
NO_ADDRESSES = ["", "localhost", "127.1", "2130706433", "fe80::1%eth0", "2606:4700::1%1"]


def test_each_network_is_asked_for() -> None:
    assert {str(one) for one in DENIED} == DENIED_ADDRESSES.keys()


@pytest.mark.parametrize("network", DENIED_ADDRESSES)
def test_what_is_inside_is_not_called(network: str) -> None:
    for address in DENIED_ADDRESSES[network]:
        assert not may_be_called(address, allow_private=False), address


def test_what_is_outside_is_called() -> None:
    for address in PUBLIC:
        assert may_be_called(address, allow_private=False), address
        assert may_be_called(address, allow_private=True), address
    for text in NO_ADDRESSES:
        assert not may_be_called(text, allow_private=True), text


def test_the_setting_allows_one_s_own_network_and_nothing_else() -> None:
    for address in ("127.0.0.1", "10.1.2.3", "192.168.0.1", "::1", "fd00::1", "::ffff:10.0.0.1"):
        assert may_be_called(address, allow_private=True), address
    for address in ("169.254.169.254", "fe80::1", "0.0.0.0", "64:ff9b::7f00:1", "224.0.0.1"):
        assert not may_be_called(address, allow_private=True), address


WRONG = {
    "http://example.com/": "https_needed",
    "http://2130706433/": "https_needed",
    "ftp://example.com/": "https_needed",
    "//example.com/": "https_needed",
    "https://2130706433/": "invalid_host",
    "https://0x7f000001/": "invalid_host",
    "https://0x7f.1/": "invalid_host",
    "https://0177.0.0.1/": "invalid_host",
    "https://127.1/": "invalid_host",
    "https://127.0.0.1./": "invalid_host",
    "https://1.2.3.4.5/": "invalid_host",
    "https://example.com./": "invalid_host",
    "https://exa_mple..com/": "invalid_host",
    "https://*.example.com/": "invalid_host",
    "https:///hook": "invalid_host",
    "https://ex%61mple.com/": "invalid_host",
    "https://[::1%25lo]/": "invalid_url",
    "https://[::1/": "invalid_url",
    "https://[1.2.3.4]/": "invalid_url",
    "https://example.com:99999/": "invalid_url",
    "https://example.com:8443/": "port_not_allowed",
    "https://example.com:0/": "port_not_allowed",
    "https://user@example.com/": "userinfo_in_url",
    "https://user:password@example.com/": "userinfo_in_url",
    "https://@example.com/": "userinfo_in_url",
    "https://example.com/#part": "fragment_in_url",
    "https://example.com/ hook": "invalid_url",
    "https://example.com\\@127.0.0.1/": "invalid_url",
    "https://exämple.com/": "invalid_url",
    "https://example.com/\n": "invalid_url",
    "https://example.com/" + 2000 * "a": "invalid_url",
}


def code_of_refused(url: str, *, allow_private: bool = False) -> str:
    with pytest.raises(Invalid) as refused:
        Target.of(url, allow_private=allow_private)
    (error,) = refused.value.extras["errors"]
    assert error["pointer"] == "/url"
    return str(error["code"])


@pytest.mark.parametrize("url", WRONG)
def test_an_unusual_address_is_refused(url: str) -> None:
    assert code_of_refused(url) == WRONG[url]


def test_an_address_is_taken_apart() -> None:
    target = Target.of("https://Example.com/a/b?c=d", allow_private=False)
    assert (target.host, target.port, target.path) == ("example.com", 443, "/a/b?c=d")
    assert target.authority == "example.com"
    assert Target.of("https://example.com", allow_private=False).path == "/"
    six = Target.of("https://[2606:4700::1]:443/", allow_private=False)
    assert (six.host, six.authority) == ("2606:4700::1", "[2606:4700::1]")
    near = Target.of("http://receiver:8080/", allow_private=True)
    assert (near.scheme, near.authority) == ("http", "receiver:8080")
    assert code_of_refused("ftp://receiver/", allow_private=True) == "https_needed"


async def refused_by(addresses: CheckedAddresses, host: str) -> str:
    with pytest.raises(NotConnectedError) as refused:
        await addresses(host, 443)
    return refused.value.code


LEADING_INSIDE = ["2130706433", "0x7f.1", "127.1", "0", "127.0.0.1", "::1", "::ffff:127.0.0.1"]


@pytest.mark.parametrize("host", LEADING_INSIDE)
async def test_whatever_the_system_makes_of_a_host_is_looked_at(host: str) -> None:
    """Also where the C library takes a host for a number."""
    assert await refused_by(CheckedAddresses(allow_private=False), host) == "blocked_address"


async def test_one_address_inside_refuses_all_of_a_name() -> None:
    async def both(host: str, port: int) -> list[str]:
        return ["93.184.215.14", "fd00::1"]

    async def none(host: str, port: int) -> list[str]:
        return []

    mixed = CheckedAddresses(allow_private=False, resolve=both)
    assert await refused_by(mixed, "example.com") == "blocked_address"
    assert await CheckedAddresses(allow_private=True, resolve=both)("example.com", 443)
    empty = CheckedAddresses(allow_private=True, resolve=none)
    assert await refused_by(empty, "example.com") == "dns"


async def test_a_name_that_leads_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*args: Any, **kw: Any) -> Any:
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    for host in ("example.invalid", 64 * "a" + ".com"):
        with pytest.raises(NotConnectedError, match="dns"):
            await by_the_system(host, 443)
