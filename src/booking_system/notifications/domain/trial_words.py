"""What a message says that is sent to see whether an account works, and what came of it."""

from html import escape

from booking_system.notifications.domain.own_channel import UNREADABLE
from booking_system.notifications.domain.sending import Fault, NotSentError, OutcomeUnknownError

WORDS = {
    "en": (
        "{clinic}: this is a test message",
        """This is a test message of {clinic}.

Appointment messages to patients will come this way. You asked for it; there is nothing to do.
""",
    ),
    "de": (
        "{clinic}: das ist eine Testnachricht",
        """Das ist eine Testnachricht von {clinic}.

Nachrichten zu Terminen erreichen Patientinnen und Patienten auf diesem Weg. Sie haben sie
angefordert; es ist nichts zu tun.
""",
    ),
}
TAKEN = "The provider has taken the message. Look whether it arrives."
BY_CODE = {
    UNREADABLE: "The stored secret cannot be opened any more. Set it anew.",
    "blocked_address": "The host leads to an address that is not on the public internet.",
    "dns": "The name of the host is not known.",
    "no_connection": "No connection to the host was possible.",
    "timeout": "The provider did not answer in time.",
    "tls_failed": "No encrypted connection was possible: look at the port and the certificate.",
    "not_supported": "The server offers no encryption, or no way to sign in.",
}
BY_FAULT = {
    Fault.TEMPORARY: "The provider does not take the message now. Try again later.",
    Fault.RECIPIENT: "The provider says that it cannot bring messages to your address or number.",
    Fault.OPTED_OUT: "Your address or number has said to the provider that it wants no messages.",
    Fault.POLICY: "The provider refuses this message: look at the sender and at its rules.",
    Fault.REFUSED: "The provider refuses the account: look at the login, the key and the sender.",
}


def trial_words(clinic: str, locale: str | None) -> tuple[str, str]:
    """Return a subject, which is an SMS as well, and a text; `locale` is a language tag."""
    language = (locale or "en").partition("-")[0].lower()
    subject, text = WORDS.get(language, WORDS["en"])
    name = " ".join(clinic.split())
    return subject.replace("{clinic}", name), text.replace("{clinic}", name)


def trial_html(text: str) -> str:
    """Return the same as HTML."""
    paragraphs = (f"<p>{escape(one)}</p>" for one in text.strip().split("\n\n"))
    return f"<!doctype html><html><body>{''.join(paragraphs)}</body></html>"


def outcome_in_words(error: NotSentError | OutcomeUnknownError | str | None) -> str:
    """Say what came of a message: taken (None), or what went wrong, with the provider's code."""
    if error is None:
        return TAKEN
    if isinstance(error, str):
        return BY_CODE[error]
    if isinstance(error, OutcomeUnknownError):
        return f"The message went out, and no answer came ({error.code}). It may have been taken."
    return f"{BY_CODE.get(error.code) or BY_FAULT[error.fault]} ({error.code})"
