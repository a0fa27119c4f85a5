"""What Amazon's mail and SMS have in common: signed requests, and what refusals mean."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import httpx

from booking_system.notifications.adapters.carriers.amazon_keys import AmazonKeys
from booking_system.notifications.adapters.carriers.http_answers import refuse
from booking_system.notifications.adapters.carriers.http_handover import (
    HttpHandover,
    HttpWay,
    Judge,
)
from booking_system.notifications.domain.sending import Fault, NotSentError

CODE = re.compile(r"[A-Za-z][A-Za-z0-9.]{0,60}", re.ASCII)
FAULTS = {
    "AccountSuspendedException": Fault.REFUSED,
    "BadRequestException": Fault.POLICY,
    "ConcurrentModificationException": Fault.TEMPORARY,
    "EndpointDisabled": Fault.RECIPIENT,
    "InternalError": Fault.TEMPORARY,
    "InternalFailure": Fault.TEMPORARY,
    "LimitExceededException": Fault.TEMPORARY,
    "MailFromDomainNotVerifiedException": Fault.REFUSED,
    "MessageRejected": Fault.POLICY,
    "NotFoundException": Fault.REFUSED,
    "OptedOut": Fault.OPTED_OUT,
    "RequestThrottled": Fault.TEMPORARY,
    "SendingPausedException": Fault.REFUSED,
    "ServiceUnavailable": Fault.TEMPORARY,
    "Throttled": Fault.TEMPORARY,
    "Throttling": Fault.TEMPORARY,
    "ThrottlingException": Fault.TEMPORARY,
    "TooManyRequestsException": Fault.TEMPORARY,
    "UserErrorException": Fault.POLICY,
    "ValidationError": Fault.POLICY,
}
"""By the code of an error, without `Exception` where there is none in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AmazonWay:
    """How requests get to one service in one region."""

    way: HttpWay
    service: str
    region: str
    url: str
    keys: AmazonKeys = field(default_factory=AmazonKeys)

    @asynccontextmanager
    async def handover(
        self, body: bytes, content_type: str, judge: Judge
    ) -> AsyncIterator[HttpHandover]:
        """Find the keys, sign and connect. Raises `NotSentError`."""
        async with AsyncExitStack() as stack:
            try:
                async with asyncio.timeout(self.way.waits.opening):
                    headers = await asyncio.to_thread(
                        self.keys.signed,
                        self.service,
                        self.region,
                        self.url,
                        body,
                        {"Content-Type": content_type},
                    )
                    request = self.way.client.build_request(
                        "POST", self.url, content=body, headers=headers
                    )
                    handover = await stack.enter_async_context(self.way.handover(request, judge))
            except TimeoutError:
                raise NotSentError(Fault.TEMPORARY, "timeout") from None
            yield handover

    def refusal(
        self, response: httpx.Response, code: str, *, fault: Fault | None = None
    ) -> NotSentError:
        """Return what an error with this code means. Raises as `refuse` does."""
        known = code if CODE.fullmatch(code) else ""
        fault = fault or FAULTS.get(known)
        if fault is Fault.TEMPORARY:
            return NotSentError(fault, f"{response.status_code} {known}")
        return refuse(response, self.way.clock, fault=fault, code=known)
