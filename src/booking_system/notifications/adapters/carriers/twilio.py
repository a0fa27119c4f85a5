"""SMS by Twilio's API (2010-04-01, `Messages.json`)."""

from contextlib import AbstractAsyncContextManager

import httpx

from booking_system.notifications.adapters.carriers.addresses import TwilioAddress
from booking_system.notifications.adapters.carriers.http_answers import object_in, refuse
from booking_system.notifications.adapters.carriers.http_handover import HttpWay
from booking_system.notifications.adapters.twilio_codes import fault_of
from booking_system.notifications.application.sending_ports import Handover
from booking_system.notifications.domain.letter import Sms

LONGEST_VALIDITY = 36_000
"""Seconds that Twilio keeps a message which it cannot bring at once."""


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
