"""Use case: an administrator has a message sent to themselves, to see whether an account works."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass
from uuid import UUID

from booking_system.identity.domain.actor import Actor
from booking_system.notifications.application.own_channel_ports import (
    ChannelStore,
    Person,
    TryCarriers,
)
from booking_system.notifications.application.own_channels import REST, may_set
from booking_system.notifications.application.sending_ports import Handover
from booking_system.notifications.domain.letter import Email, Mailbox, Sms
from booking_system.notifications.domain.message import Channel
from booking_system.notifications.domain.own_channel import (
    UNREADABLE,
    OwnChannel,
    OwnSender,
    Provider,
    UnreadableChannelError,
)
from booking_system.notifications.domain.sending import NotSentError, OutcomeUnknownError
from booking_system.notifications.domain.trial_words import (
    outcome_in_words,
    trial_html,
    trial_words,
)
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.errors import Invalid, NotFound, TooMany
from booking_system.shared_kernel.identifiers import ClinicId


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What came of it: whether the provider took the message, its code, and the same in words."""

    is_taken: bool
    provider: Provider
    sent_to: str
    code: str | None
    told: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TryChannel:
    """Sends one message through a clinic's account; nothing of it is in the ledger.

    `elsewhere` says that the task waits for another machine.
    """

    store: ChannelStore
    carriers: TryCarriers
    clock: Clock
    elsewhere: Callable[[], AbstractContextManager[None]]

    async def __call__(
        self,
        *,
        clinic_id: ClinicId,
        channel: Channel,
        number: str | None,
        message_id: UUID,
        actor: Actor,
    ) -> Tried:
        """An e-mail goes to the caller's own address, an SMS to `number`, else to their own.

        Raises `NotFound`, `NotPermitted`, `Invalid`, `TooMany`.
        """
        await may_set(self.store, clinic_id, actor)
        own = await self.store.of(clinic_id, channel)
        person = await self.store.person(actor.user_id, clinic_id)
        if own is None or person is None:
            raise NotFound
        to = person.email if channel is Channel.EMAIL else number or person.phone
        if to is None:
            raise Invalid.field("/number", "is needed: your account has no number", "missing")
        if not await self.store.begin_try(own.id, now=self.clock.now(), rest=REST):
            raise TooMany(retry_after=int(REST.total_seconds()))
        return await self._tried(own, person, to, message_id)

    async def _tried(self, own: OwnChannel, person: Person, to: str, message_id: UUID) -> Tried:
        failure: str | None = None
        code: str | None = None
        try:
            with self.elsewhere():
                opened = await self._opened(own, person, to, message_id)
                async with opened as handover:
                    await handover.write()
                    await handover.answer()
            told = outcome_in_words(None)
        except NotSentError as error:
            code = failure = error.code
            told = outcome_in_words(error)
        except OutcomeUnknownError as error:
            code, told = error.code, outcome_in_words(error)
        except UnreadableChannelError:
            code = failure = UNREADABLE
            told = outcome_in_words(UNREADABLE)
        if code is None or failure is not None:
            sender = OwnSender(own.id, own.version, own.account.sender)
            await self.store.note(sender, failure=failure, now=self.clock.now())
        return Tried(
            is_taken=code is None,
            provider=own.account.provider,
            sent_to=to,
            code=code,
            told=told,
        )

    async def _opened(
        self, own: OwnChannel, person: Person, to: str, message_id: UUID
    ) -> AbstractAsyncContextManager[Handover]:
        subject, text = trial_words(person.clinic_name, person.locale)
        if own.channel is Channel.SMS:
            sms = Sms(id=message_id, to=to, text=subject, not_after=self.clock.now() + REST * 60)
            return (await self.carriers.sms(own)).opened(sms)
        assert own.account.sender is not None, "an e-mail has a sender"
        email = Email(
            id=message_id,
            sender=Mailbox(address=own.account.sender, name=person.clinic_name),
            reply_to=None,
            to=Mailbox(address=to, name=person.name),
            subject=subject,
            text=text,
            html=trial_html(text),
        )
        return (await self.carriers.email(own)).opened(email)
