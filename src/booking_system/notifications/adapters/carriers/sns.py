"""SMS by Amazon SNS (`Publish` to a number)."""

import re
from contextlib import AbstractAsyncContextManager
from urllib.parse import urlencode

import httpx

from booking_system.notifications.adapters.carriers.addresses import SnsAddress, amazon_origin
from booking_system.notifications.adapters.carriers.amazon import AmazonWay
from booking_system.notifications.adapters.carriers.amazon_keys import AmazonKeys
from booking_system.notifications.adapters.carriers.http_handover import HttpWay
from booking_system.notifications.application.sending_ports import Handover
from booking_system.notifications.domain.letter import Sms
from booking_system.notifications.domain.sending import Fault

VERSION = "2010-03-31"
MESSAGE = re.compile(r"<MessageId>([^<]{1,100})</MessageId>")
NUMBER = re.compile("phone ?number", re.IGNORECASE)
CODE = re.compile(r"<Code>([^<]{1,100})</Code>")


class SnsCarrier:
    """Brings SMS to SNS, which takes no id of ours and reports by no HTTP."""

    name = "sns"

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
        self._attributes = _attributes(address)

    def opened(self, sms: Sms) -> AbstractAsyncContextManager[Handover]:
        """Sign and connect."""
        form = {"Action": "Publish", "Version": VERSION, "PhoneNumber": sms.to, "Message": sms.text}
        for n, (name, (kind, value)) in enumerate(self._attributes.items(), start=1):
            entry = f"MessageAttributes.entry.{n}"
            form[f"{entry}.Name"] = name
            form[f"{entry}.Value.DataType"] = kind
            form[f"{entry}.Value.StringValue"] = value
        return self._amazon.handover(
            urlencode(form).encode("ascii"),
            "application/x-www-form-urlencoded; charset=utf-8",
            self._judged,
        )

    def _judged(self, response: httpx.Response) -> str | None:
        if response.is_success:
            found = MESSAGE.search(response.text)
            return found and found[1]
        found = CODE.search(response.text)
        code = found[1] if found else ""
        is_number = code == "InvalidParameter" and NUMBER.search(response.text)
        raise self._amazon.refusal(response, code, fault=Fault.RECIPIENT if is_number else None)


def _attributes(address: SnsAddress) -> dict[str, tuple[str, str]]:
    given = {"AWS.SNS.SMS.SMSType": ("String", "Transactional")}
    if address.sender is not None:
        is_number = address.sender.startswith("+")
        name = "AWS.MM.SMS.OriginationNumber" if is_number else "AWS.SNS.SMS.SenderID"
        given[name] = ("String", address.sender)
    if address.max_price is not None:
        given["AWS.SNS.SMS.MaxPrice"] = ("Number", address.max_price)
    return given
