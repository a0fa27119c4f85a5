"""What Amazon's mail and SMS have in common: keys, signatures, and what refusals mean.

Keys are found, and requests signed, by botocore: an extra, loaded when the first message goes.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

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


def origin(service: str, region: str) -> str:
    """Return where a service of Amazon's is, such as `email` or `sns`."""
    suffix = ".cn" if region.startswith("cn-") else ""
    return f"https://{service}.{region}.amazonaws.com{suffix}"


class AmazonKeys:
    """The keys of this machine, found as all of Amazon's tools do, and renewed where they end."""

    def __init__(self) -> None:
        self._found: Any = None

    def signed(
        self, service: str, region: str, url: str, body: bytes, headers: Mapping[str, str]
    ) -> dict[str, str]:
        """Return the fields of the head with a signature (SigV4). It may ask another machine.

        Raises `NotSentError` where there are no keys.
        """
        from botocore.auth import SigV4Auth  # noqa: PLC0415  (an extra, and slow to load)
        from botocore.awsrequest import AWSRequest  # noqa: PLC0415
        from botocore.exceptions import BotoCoreError  # noqa: PLC0415
        from botocore.session import get_session  # noqa: PLC0415

        try:
            if self._found is None:
                self._found = get_session().get_credentials()
            keys = self._found and self._found.get_frozen_credentials()
        except BotoCoreError:
            raise NotSentError(Fault.TEMPORARY, "no_keys") from None
        if not keys:
            raise NotSentError(Fault.REFUSED, "no_keys")
        request = AWSRequest(method="POST", url=url, data=body, headers=dict(headers))
        SigV4Auth(keys, service, region).add_auth(request)
        return dict(request.headers.items())


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
