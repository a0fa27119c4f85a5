"""Networks are told apart, and nobody learns an address from their names."""

import pytest
from fastapi import Request
from httpx import ASGITransport, AsyncClient

from booking_system.bootstrap.secret_key import _new_key
from booking_system.platform.http.network import SIZE_BYTES, Networks
from booking_system.platform.keyring import Keyring
from tests.api import Api, code_of

ONE, ANOTHER = (Keyring((_new_key().decode(),)) for _ in range(2))


def name_of(host: str | None, keys: Keyring = ONE) -> bytes:
    client = None if host is None else (host, 1)
    return Networks(keys).name_of(Request({"type": "http", "client": client}))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("198.51.100.7", "198.51.100.7"),
        ("198.51.100.7", "::ffff:198.51.100.7"),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::2"),
        ("fe80::1%eth0", "fe80::2%eth1"),
        (None, ""),
    ],
)
def test_one_household_has_one_name(one: str | None, other: str | None) -> None:
    assert name_of(one) == name_of(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("198.51.100.7", "198.51.100.8"),
        ("2001:db8:1:2::1", "2001:db8:1:3::1"),
        ("198.51.100.7", None),
        ("testclient", "198.51.100.7"),
    ],
)
def test_two_households_have_two(one: str | None, other: str | None) -> None:
    assert name_of(one) != name_of(other)


def test_a_name_depends_on_the_secret_and_has_a_fixed_length() -> None:
    assert len(name_of("198.51.100.7")) == SIZE_BYTES
    assert name_of("198.51.100.7") != name_of("198.51.100.7", ANOTHER)


async def test_visitors_elsewhere_have_keys_of_their_own(api: Api) -> None:
    slot = await api.slot()
    body, key = {"time_slot_id": slot["id"]}, {"Idempotency-Key": "of-22-characters-or-more"}
    mine = await api.post("/v1/holds", body, headers=key)
    assert code_of(mine) == (201, None)

    transport = ASGITransport(api.app, client=("198.51.100.7", 1))
    async with AsyncClient(transport=transport, base_url="http://test") as elsewhere:
        theirs = await elsewhere.post("/v1/holds", json=body, headers=key)

    assert code_of(theirs) == (409, "slot_held")
