"""What following a link of a mail begins with."""

from datetime import datetime

from booking_system.identity.application.ports import IdentityWork
from booking_system.identity.domain.account import Account
from booking_system.identity.domain.links import LinkPurpose
from booking_system.identity.domain.refusals import LinkOver
from booking_system.shared_kernel.errors import NotFound


async def owner_of(
    work: IdentityWork, fingerprint: bytes, purpose: LinkPurpose, now: datetime
) -> Account:
    """Return the account that an open link is for.

    Raises `NotFound` for a token that is unknown, or for another purpose, and `LinkOver`.
    """
    link = await work.links.find(fingerprint, purpose)
    if link is None:
        raise NotFound
    link.check_open(now)
    account = await work.accounts.read(link.user_id)
    if account is None:
        raise LinkOver
    return account


async def followed(
    work: IdentityWork, fingerprint: bytes, purpose: LinkPurpose, now: datetime
) -> Account:
    """Use up the link, and all others of the account for the same purpose; the account is locked.

    Raises as `owner_of` does.
    """
    owner = await owner_of(work, fingerprint, purpose, now)
    # A twin may have used it while this one waited for the lock: then it is not open any more.
    if await work.accounts.lock(owner.id) is None:
        raise LinkOver
    account = await owner_of(work, fingerprint, purpose, now)
    await work.links.use_up(account.id, purpose, now)
    return account
