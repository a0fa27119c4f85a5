"""Mail servers that clinics name lead to the public internet, or nowhere."""

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import pytest

from booking_system.notifications.adapters.carriers.choosing import ApiBases
from booking_system.notifications.adapters.carriers.http_when_needed import HttpWhenNeeded
from booking_system.notifications.adapters.own_channels.checking import AccountCheck
from booking_system.notifications.adapters.own_channels.making import OwnCarrierMaker
from booking_system.notifications.application.sending_ports import EmailCarrier
from booking_system.notifications.domain.message import Channel
from booking_system.notifications.domain.own_channel import Account, OwnChannel, Provider
from booking_system.notifications.domain.sending import Fault, NotSentError
from booking_system.platform.outward.connecting import CheckedAddresses
from booking_system.shared_kernel.errors import Invalid
from booking_system.shared_kernel.identifiers import ClinicId, UserId
from tests.api import Api, code_of
from tests.notifications.carriers.letters import NOW, Frozen, an_email, sent
from tests.notifications.carriers.listening import listening
from tests.notifications.own.desk import EMAIL, a_desk

INSIDE = ["127.0.0.1", "10.1.2.3", "192.168.0.9", "169.254.169.254", "localhost", "2130706433"]
NO_HOSTS = ["64:ff9b::7f00:1", "[::1]", "mail.example.com/", "user@mail.example.com", "a b", ""]


def body(host: str, **about: Any) -> dict[str, Any]:
    server = {"host": host, "user": "clinic", "password": "a password", **about}
    return {"sender": "desk@example.com", "smtp": server}


async def test_a_host_inside_is_refused(api: Api) -> None:
    desk = await a_desk(api)
    for host in INSIDE:
        answer = await api.send("PUT", desk.at(EMAIL), desk.admin, json=body(host))
        assert code_of(answer) == (422, "validation_error"), host
        (error,) = answer.json()["errors"]
        assert (error["pointer"], error["code"]) == ("/smtp/host", "address_not_allowed"), host
    for host in NO_HOSTS:
        answer = await api.send("PUT", desk.at(EMAIL), desk.admin, json=body(host))
        assert code_of(answer) == (422, "validation_error"), host
    for wrong, pointer in (({"port": 22}, "/smtp/port"), ({"security": "none"}, "/smtp/security")):
        answer = await api.send(
            "PUT", desk.at(EMAIL), desk.admin, json=body("93.184.215.14", **wrong)
        )
        assert [one["pointer"] for one in answer.json()["errors"]] == [pointer]
    await desk.sets(EMAIL, body("93.184.215.14"))


def leading(*addresses: str) -> Any:
    async def resolve(host: str, port: int) -> Sequence[str]:
        assert host == "mail.example.com"
        return addresses

    return resolve


@pytest.mark.parametrize(
    "addresses",
    [
        ["10.0.0.1"],
        ["64:ff9b::7f00:1"],
        ["93.184.215.14", "::1"],
        ["fe80::1%eth0"],
        ["2002:7f00:1::"],
    ],
)
async def test_a_name_that_leads_inside_is_refused(addresses: list[str]) -> None:
    checked = CheckedAddresses(allow_private=False, resolve=leading(*addresses))
    target = {"host": "mail.example.com", "port": 587, "security": "starttls", "user": "clinic"}
    account = Account(provider=Provider.SMTP, sender="a@example.com", target=target, options={})
    with pytest.raises(Invalid):
        await AccountCheck(addresses=checked)(account)


@pytest.mark.parametrize("addresses", [["127.0.0.1"], ["93.184.215.14", "127.0.0.1"]])
async def test_no_packet_goes_inside_when_a_name_leads_there_later(addresses: list[str]) -> None:
    """What was looked at when it was stored is looked at again when it is connected to."""
    came = asyncio.Event()

    async def serve(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
        came.set()

    async with listening(serve) as port:
        checked = CheckedAddresses(allow_private=False, resolve=leading(*addresses))
        with pytest.raises(NotSentError) as told:
            await sent(carrier(port, checked).opened(an_email()))
        assert (told.value.fault, told.value.code) == (Fault.REFUSED, "blocked_address")
        assert not came.is_set()
        allowed = CheckedAddresses(allow_private=True, resolve=leading("127.0.0.1"))
        with pytest.raises(NotSentError):
            await sent(carrier(port, allowed).opened(an_email()))
        assert came.is_set()


def carrier(port: int, addresses: CheckedAddresses) -> EmailCarrier:
    """What a clinic's e-mails go through whose mail server is called so."""
    target = {"host": "mail.example.com", "port": port, "security": "none", "user": "clinic"}
    account = Account(provider=Provider.SMTP, sender="a@example.com", target=target, options={})
    own = OwnChannel(
        id=uuid4(),
        clinic_id=ClinicId(uuid4()),
        channel=Channel.EMAIL,
        account=account,
        hint="",
        version=1,
        changed_at=NOW,
        changed_by=UserId(uuid4()),
        verified_at=None,
        failed_at=None,
        failure=None,
    )
    maker = OwnCarrierMaker(
        http=HttpWhenNeeded(Frozen()),
        bases=ApiBases(),
        addresses=addresses,
        callback=lambda _: None,
    )
    return maker.email(own, "a password")
