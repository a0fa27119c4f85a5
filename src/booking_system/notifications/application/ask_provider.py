"""A provider is asked about SMS whose answer was lost, before they are given up."""

from dataclasses import dataclass
from datetime import timedelta

from booking_system.notifications.application.ledger_ports import Found, Ledger, Unsettled
from booking_system.notifications.application.letters import Letters
from booking_system.notifications.application.sending_ports import (
    AnswerableSmsCarrier,
    SmsCarrier,
    TakenSms,
)
from booking_system.notifications.domain.sending import NoWordError

SKEW = timedelta(minutes=1)
"""So far our clock and the provider's may be apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskProvider:
    """Found means sent. Not found means planned again, once the provider has had time to list it.

    A message is known by its number, its text and the time. Where the provider has another one of
    ours to the same number of that time that the ledger does not know, nobody can tell.
    """

    ledger: Ledger
    letters: Letters
    carrier: SmsCarrier | None

    async def __call__(self) -> bool:
        """Ask about all; False: the provider did not say, so it is asked again soon."""
        if not isinstance(self.carrier, AnswerableSmsCarrier):
            return True
        try:
            for one in await self.ledger.unsettled(self.carrier.name):
                await self._settle(self.carrier, one)
        except NoWordError:
            return False
        return True

    async def _settle(self, carrier: AnswerableSmsCarrier, one: Unsettled) -> None:
        found = await self.ledger.look(one.claim)
        assert isinstance(found, Found), "no SMS is of an account"
        number = found.due.address
        if number is None or not one.is_to_number(number):
            return
        listed = await carrier.taken_for(number, since=one.began_at - SKEW)
        known = await self.ledger.known(
            carrier.name, [each.provider_id for each in listed.messages]
        )
        unknown = [each for each in listed.messages if each.provider_id not in known]
        taken = self._same(one, found, unknown)
        if taken is not None:
            await self.ledger.finish(
                one.claim, provider=carrier.name, provider_id=taken.provider_id
            )
        elif one.is_late and listed.is_complete and not unknown:
            await self.ledger.not_taken(one.claim)

    def _same(self, one: Unsettled, found: Found, listed: list[TakenSms]) -> TakenSms | None:
        """Find it by its text, in front of which a trial account writes some words of its own."""
        text = self.letters.sms(one.claim.id, found).text
        return next((each for each in listed if each.text.endswith(text)), None)
