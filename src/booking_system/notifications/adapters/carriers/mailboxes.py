"""Addresses of mail as the wire wants them."""

from email.headerregistry import Address

import idna

from booking_system.notifications.domain.letter import Mailbox
from booking_system.notifications.domain.sending import Fault, NotSentError


def ascii_domain(address: str) -> str:
    """Return the domain of an address in ASCII (RFC 5890). Raises `NotSentError`."""
    domain = address.rpartition("@")[2]
    try:
        return domain if domain.isascii() else idna.encode(domain, uts46=True).decode("ascii")
    except idna.IDNAError:
        raise NotSentError(Fault.RECIPIENT, "unusable_address") from None


def on_the_wire(address: str) -> str:
    """Return the address with its domain in ASCII; what stands before the @ may still not be."""
    return f"{address.rpartition('@')[0]}@{ascii_domain(address)}"


def one_line(text: str) -> str:
    """Return the text without line ends, which would begin another field of the head."""
    return " ".join(text.split())


def shown(mailbox: Mailbox) -> Address:
    """Return an address for a field of the head, with its name. Raises `NotSentError`."""
    try:
        return Address(
            display_name=one_line(mailbox.name or ""),
            username=mailbox.address.rpartition("@")[0],
            domain=ascii_domain(mailbox.address),
        )
    except ValueError:
        raise NotSentError(Fault.RECIPIENT, "unusable_address") from None
