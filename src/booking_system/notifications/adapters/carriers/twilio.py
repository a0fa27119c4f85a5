"""SMS by Twilio's API (2010-04-01, `Messages.json`)."""

import asyncio
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from booking_system.notifications.adapters.carriers.addresses import TwilioAddress
from booking_system.notifications.adapters.carriers.http_answers import object_in, refuse
from booking_system.notifications.adapters.carriers.http_handover import HttpWay
from booking_system.notifications.adapters.twilio_codes import fault_of
from booking_system.notifications.application.sending_ports import Handover, TakenList, TakenSms
from booking_system.notifications.domain.letter import Sms
from booking_system.notifications.domain.sending import NoWordError

LONGEST_VALIDITY = 36_000
"""Seconds that Twilio keeps a message which it cannot bring at once."""

PAGE = 200
"""Messages that are asked for at once, of one number."""
LATEST = datetime.max.replace(tzinfo=UTC)


class TwilioCarrier:
    """Brings SMS to Twilio. `MaxPrice` is not sent: it has no effect any more."""

    name = "twilio"

    def __init__(
        self,
        address: TwilioAddress,
        *,
        way: HttpWay,
        base: str | None = None,
        callback: str | None = None,
    ) -> None:
        """`base` is another address of the API; to `callback`/<id> Twilio tells what became of it.

        Without a `callback` it tells nobody.
        """
        account = address.account
        origin = base or f"https://{address.host}"
        self._url = f"{origin}/2010-04-01/Accounts/{account}/Messages.json"
        self._address = address
        self._way = way
        self._callback = callback

    def opened(self, sms: Sms) -> AbstractAsyncContextManager[Handover]:
        """Connect."""
        sender = self._address.sender
        is_service = len(sender) == 34 and sender.startswith("MG")
        form = {
            "To": sms.to,
            "MessagingServiceSid" if is_service else "From": sender,
            "Body": sms.text,
            "ValidityPeriod": str(self._validity(sms)),
        }
        if self._callback is not None:
            form["StatusCallback"] = f"{self._callback}/{sms.id}"
        request = self._way.client.build_request("POST", self._url, data=form)
        token = self._address.token.get_secret_value()
        login = httpx.BasicAuth(self._address.account, token)
        request = next(login.auth_flow(request))
        return self._way.handover(request, self._judged)

    async def taken_for(self, number: str, *, since: datetime) -> TakenList:
        """Ask for the messages to a number.

        Not by `DateSent`: what is queued has none yet, and would be sent again.
        """
        client, account = self._way.client, self._address.account
        login = httpx.BasicAuth(account, self._address.token.get_secret_value())
        asked = {"To": number, "PageSize": str(PAGE)}
        try:
            async with asyncio.timeout(self._way.waits.answer):
                response = await client.get(self._url, params=asked, auth=login)
        except (TimeoutError, httpx.HTTPError):
            raise NoWordError from None
        told = object_in(response)
        if not response.is_success or not isinstance(told.get("messages"), list):
            raise NoWordError
        found = [one for one in told["messages"] if isinstance(one, dict) and self._is_ours(one)]
        return TakenList(
            messages=[_taken(one) for one in found if _made_at(one) >= since],
            is_complete=told.get("next_page_uri") is None,
        )

    def _is_ours(self, told: Mapping[str, Any]) -> bool:
        sender = self._address.sender
        is_sent = str(told.get("direction")).startswith("outbound")
        return is_sent and sender in {told.get("from"), told.get("messaging_service_sid")}

    def _validity(self, sms: Sms) -> int:
        left = (sms.not_after - self._way.clock.now()).total_seconds()
        return max(1, min(LONGEST_VALIDITY, int(left)))

    def _judged(self, response: httpx.Response) -> str | None:
        told = object_in(response)
        if response.is_success:
            sid = told.get("sid")
            return sid if isinstance(sid, str) else None
        code = told.get("code")
        known = str(code) if isinstance(code, int) else ""
        raise refuse(response, self._way.clock, fault=fault_of(known), code=known)


def _taken(told: Mapping[str, Any]) -> TakenSms:
    return TakenSms(provider_id=str(told.get("sid")), text=str(told.get("body")))


def _made_at(told: Mapping[str, Any]) -> datetime:
    """Return when Twilio got it; what does not say is taken for new."""
    try:
        made = parsedate_to_datetime(str(told.get("date_created")))
    except ValueError:
        return LATEST
    return made if made.tzinfo is not None else made.replace(tzinfo=UTC)
