"""Who wants no SMS from Amazon's account any more: it is asked, since it tells nobody."""

import re
from collections.abc import AsyncIterator, Sequence
from html import unescape
from urllib.parse import urlencode

import httpx

from booking_system.notifications.adapters.carriers.addresses import SnsAddress, amazon_origin
from booking_system.notifications.adapters.carriers.amazon import AmazonWay
from booking_system.notifications.adapters.carriers.amazon_keys import AmazonKeys
from booking_system.notifications.adapters.carriers.http_handover import HttpWay
from booking_system.notifications.adapters.carriers.sns import CODE, VERSION

MEMBER = re.compile(r"<member>\s*(\+\d{5,15})\s*</member>")
NEXT = re.compile(r"<nextToken>([^<]+)</nextToken>")
MOST_PAGES = 2_000
"""Of a hundred numbers each."""


class SnsOptOuts:
    """Reads Amazon's list, which is of the whole account in one region."""

    def __init__(
        self,
        address: SnsAddress,
        *,
        way: HttpWay,
        keys: AmazonKeys | None = None,
        base: str | None = None,
    ) -> None:
        """`base` is another address of the API."""
        self._amazon = AmazonWay(
            way=way,
            service="sns",
            region=address.region,
            url=f"{base or amazon_origin('sns', address.region)}/",
            keys=keys or AmazonKeys(),
        )

    async def pages(self) -> AsyncIterator[Sequence[str]]:
        """Return all numbers, page by page, in E.164 form.

        Raises `NotSentError` and `OutcomeUnknownError` where Amazon does not answer.
        """
        token: str | None = None
        for _ in range(MOST_PAGES):
            text = await self._asked(token)
            yield MEMBER.findall(text)
            found = NEXT.search(text)
            if found is None:
                return
            token = unescape(found[1])

    async def _asked(self, token: str | None) -> str:
        form = {"Action": "ListPhoneNumbersOptedOut", "Version": VERSION}
        if token is not None:
            form["nextToken"] = token
        body = urlencode(form).encode("ascii")
        kind = "application/x-www-form-urlencoded; charset=utf-8"
        async with self._amazon.handover(body, kind, self._judged) as asking:
            await asking.write()
            return await asking.answer() or ""

    def _judged(self, response: httpx.Response) -> str:
        if response.is_success:
            return response.text
        found = CODE.search(response.text)
        raise self._amazon.refusal(response, found[1] if found else "")
