"""Where links of mails lead, and who makes them: the pages are of identity and the directory."""

from booking_system.directory.adapters.http_invitations import ACCEPT_PAGE
from booking_system.identity.adapters.http_links import RESET_PAGE, VERIFICATION_PAGE
from booking_system.notifications.application.account_links import AccountLinks, MakeLink


def accept_page(public_url: str) -> str:
    """Return the address of the page on which an invitation is accepted."""
    return f"{public_url}{ACCEPT_PAGE}"


def mail_links(
    public_url: str, reset: MakeLink, verification: MakeLink, invitation: MakeLink
) -> AccountLinks:
    """Return the links of accounts, each made by the context that honours it."""
    return AccountLinks(
        public_url=public_url,
        reset_page=RESET_PAGE,
        verification_page=VERIFICATION_PAGE,
        invitation_page=ACCEPT_PAGE,
        make_reset=reset,
        make_verification=verification,
        make_invitation=invitation,
    )
