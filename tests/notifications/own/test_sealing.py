"""Secrets of clinics: sealed for one account, and passed over to another key."""

from dataclasses import replace
from uuid import uuid4

import pytest
from pydantic import SecretStr

from booking_system.bootstrap.secret_key import _new_key
from booking_system.notifications.adapters.own_channels.resealing import channel_resealing
from booking_system.notifications.adapters.own_channels.sealing import ChannelVault
from booking_system.notifications.adapters.own_channels.store import PostgresChannels
from booking_system.notifications.domain.message import Channel
from booking_system.notifications.domain.own_channel import (
    Account,
    Provider,
    UnreadableChannelError,
)
from booking_system.platform.keyring import Keyring
from booking_system.shared_kernel.identifiers import ClinicId
from booking_system.shared_kernel.secret_hints import hint_of
from tests.api import Api
from tests.notifications.own.desk import SMS, TOKEN, TWILIO, a_desk, sql

OLD, NEW = (_new_key().decode() for _ in range(2))
HERE, ELSEWHERE = ClinicId(uuid4()), ClinicId(uuid4())
ACCOUNT = Account(
    provider=Provider.SES,
    sender="desk@example.com",
    target={"region": "eu-central-1", "access_key_id": "A"},
    options={},
)


def test_a_secret_opens_for_its_account_only() -> None:
    vault = ChannelVault(Keyring.of([OLD]))
    kept = vault.sealed("the secret", HERE, Channel.EMAIL, ACCOUNT)
    sealed = kept.sealed, kept.key_id
    assert vault.opened(*sealed, HERE, Channel.EMAIL, ACCOUNT) == "the secret"
    same = replace(ACCOUNT, sender="other@example.com", options={"topics": []})
    assert vault.opened(*sealed, HERE, Channel.EMAIL, same) == "the secret"
    for clinic_id, channel, account in (
        (ELSEWHERE, Channel.EMAIL, ACCOUNT),
        (HERE, Channel.SMS, ACCOUNT),
        (HERE, Channel.EMAIL, replace(ACCOUNT, provider=Provider.SNS)),
        (HERE, Channel.EMAIL, replace(ACCOUNT, target={**ACCOUNT.target, "region": "eu-west-1"})),
    ):
        with pytest.raises(UnreadableChannelError):
            vault.opened(*sealed, clinic_id, channel, account)
    with pytest.raises(UnreadableChannelError):
        ChannelVault(Keyring.of([NEW])).opened(*sealed, HERE, Channel.EMAIL, ACCOUNT)
    assert "secret" not in repr(kept)
    again = vault.sealed("the secret", HERE, Channel.EMAIL, ACCOUNT)
    assert again.sealed != kept.sealed


def test_of_a_short_secret_nothing_is_shown() -> None:
    assert [hint_of(one) for one in ("password", "0123456789abcdef")] == ["", "cdef"]


async def test_secrets_pass_over_to_a_new_key(api: Api) -> None:
    desk = await a_desk(api)
    await desk.sets(SMS, {"sender": "Praxis", "twilio": TWILIO})
    database = api.container.database()
    present = api.container.keys().keys
    turned = ChannelVault(Keyring.of([NEW, *present]))
    (row,) = await sql(api, "SELECT id, key_id, version FROM clinic_channels")
    for _ in range(2):
        assert await channel_resealing(database=database, vault=turned).once()
    (after,) = await sql(api, "SELECT id, key_id, version FROM clinic_channels")
    assert after["key_id"] == turned.key_id != row["key_id"]
    assert after["version"] == row["version"]
    alone = ChannelVault(Keyring.of([NEW]))
    found = await PostgresChannels(database, alone).with_secret(row["id"])
    assert found is not None
    assert found[1] == TOKEN
    # What no key opens stays, so that it is there when its key comes back.
    lost = ChannelVault(Keyring.of([SecretStr(OLD).get_secret_value()]))
    assert await channel_resealing(database=database, vault=lost).once()
    assert (await sql(api, "SELECT key_id FROM clinic_channels"))[0]["key_id"] == turned.key_id
