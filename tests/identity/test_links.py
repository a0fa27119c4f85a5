"""Links of mails: wishes for them count alike for everybody, and each link ends once."""

import pytest

from booking_system.identity.adapters.throttle import CountingThrottle
from booking_system.identity.adapters.tokens import RandomOneTimeTokens
from booking_system.identity.application.credential_ports import Throttle
from booking_system.identity.application.make_link import MakeLink
from booking_system.identity.application.reset_password import RequestReset, ResetPassword
from booking_system.identity.application.verify_email import RequestVerification, VerifyEmail
from booking_system.identity.domain.links import GOOD_FOR, LinkPurpose
from booking_system.identity.domain.refusals import LinkOver, PasswordTooWeak, RateLimited
from booking_system.identity.domain.throttling import account_key, link_key
from booking_system.platform.uuid7 import uuid7
from booking_system.shared_kernel.errors import NotFound, Unauthenticated
from booking_system.shared_kernel.identifiers import UserId
from tests.identity.builders import ELSEWHERE, EMAIL, HOME, PASSWORD, SECOND, an_actor
from tests.identity.world import World

NEW_PASSWORD = "four curious hares"
RESET, VERIFICATION = LinkPurpose
TOKENS = RandomOneTimeTokens()


def resetting(world: World) -> ResetPassword:
    return ResetPassword(
        looking=world.transaction,
        transaction=world.transaction,
        tokens=TOKENS,
        passwords=world.passwords,
        throttle=world.throttle,
        clock=world.clock,
    )


def verifying(world: World) -> VerifyEmail:
    return VerifyEmail(
        transaction=world.transaction, tokens=TOKENS, throttle=world.throttle, clock=world.clock
    )


def wishing(world: World, throttle: Throttle) -> RequestReset:
    return RequestReset(transaction=world.transaction, throttle=throttle, clock=world.clock)


async def token_for(world: World, user_id: UserId, purpose: LinkPurpose) -> str:
    make = MakeLink(
        purpose=purpose, transaction=world.transaction, tokens=TOKENS, clock=world.clock
    )
    link = await make(user_id)
    assert link is not None
    assert link.expires_at == world.clock.now() + GOOD_FOR[purpose]
    return link.token


async def test_a_link_replaces_the_password_and_ends_everything_else(world: World) -> None:
    user_id = await world.account()
    tokens = await world.session(user_id)
    first, second = [await token_for(world, user_id, RESET) for _ in range(2)]
    with pytest.raises(PasswordTooWeak):
        await resetting(world)(token=first, password="short", network=HOME)

    await resetting(world)(token=first, password=NEW_PASSWORD, network=HOME)

    for token in (first, second):
        with pytest.raises(LinkOver):
            await resetting(world)(token=token, password=PASSWORD, network=HOME)
    async with world.transaction() as work:
        account = await work.accounts.read(user_id)
        session_id = world.actor_of(tokens).session_id
        assert await work.sessions.lock(session_id) is None
    assert account is not None
    assert account.email_verified
    assert await world.passwords.real.verify(account.password_hash, NEW_PASSWORD)
    assert world.throttle.admitted[-1] == link_key(HOME)
    # What was guessed in vain before is no reason to refuse the new password.
    assert world.throttle.forgiven == [account_key(EMAIL, HOME)]


async def test_a_link_is_over_at_its_end_and_not_before(world: World) -> None:
    user_id = await world.account()
    token = await token_for(world, user_id, VERIFICATION)
    world.clock.moment += GOOD_FOR[VERIFICATION] - SECOND
    late = await token_for(world, user_id, RESET)
    world.clock.moment += SECOND
    with pytest.raises(LinkOver):
        await verifying(world)(token=token, network=HOME)
    world.clock.moment += GOOD_FOR[RESET] - 2 * SECOND
    await resetting(world)(token=late, password=NEW_PASSWORD, network=HOME)


async def test_a_link_is_good_for_its_purpose_alone(world: World) -> None:
    user_id = await world.account()
    reset, proof = [await token_for(world, user_id, one) for one in LinkPurpose]
    with pytest.raises(NotFound):
        await resetting(world)(token=proof, password=NEW_PASSWORD, network=HOME)
    with pytest.raises(NotFound):
        await verifying(world)(token=reset, network=HOME)
    # A new password ends the links for one, and leaves the proof of the address as it is.
    await world.change_password()(
        current_password=PASSWORD,
        new_password=NEW_PASSWORD,
        actor=world.actor_of(await world.session(user_id)),
    )
    with pytest.raises(LinkOver):
        await resetting(world)(token=reset, password=PASSWORD, network=HOME)
    await verifying(world)(token=proof, network=HOME)
    with pytest.raises(LinkOver):
        await verifying(world)(token=proof, network=HOME)


async def test_who_is_gone_gets_no_link(world: World) -> None:
    make = MakeLink(purpose=RESET, transaction=world.transaction, tokens=TOKENS, clock=world.clock)
    assert await make(UserId(uuid7())) is None
    again = RequestVerification(
        transaction=world.transaction, throttle=world.throttle, clock=world.clock
    )
    with pytest.raises(Unauthenticated):
        await again(actor=an_actor())


@pytest.mark.parametrize("email", [EMAIL, "nobody@example.com"])
async def test_wishes_for_an_address_are_counted_whether_it_is_anybodys(
    world: World, email: str
) -> None:
    await world.account()
    wish = wishing(world, CountingThrottle())
    for number in range(5):
        await wish(email=email, network=bytes([number]))
    with pytest.raises(RateLimited):
        await wish(email=email.upper(), network=ELSEWHERE)


async def test_wishes_from_one_network_are_counted(world: World) -> None:
    wish = wishing(world, CountingThrottle())
    for number in range(20):
        await wish(email=f"{number}@example.com", network=HOME)
    with pytest.raises(RateLimited):
        await wish(email="another@example.com", network=HOME)
    await wish(email="another@example.com", network=ELSEWHERE)


async def test_tokens_that_are_tried_out_are_refused(world: World) -> None:
    world.throttle.refuses = True
    with pytest.raises(RateLimited):
        await resetting(world)(token="a", password=NEW_PASSWORD, network=HOME)
    with pytest.raises(RateLimited):
        await verifying(world)(token="a", network=HOME)
    assert world.passwords.verified == []
