"""What answers of SMTP servers mean (RFC 5321, and RFC 3463 where they say more)."""

import re
from enum import Enum

from booking_system.notifications.domain.sending import Fault, NotSentError

ENHANCED = re.compile(r"([245])\.(\d{1,3})\.(\d{1,3})(?=\s|$)")


class Step(Enum):
    """What was asked: the same code means another thing at another step."""

    GREETING = "greeting"
    LOGIN = "login"
    SENDER = "sender"
    RECIPIENT = "recipient"
    CONTENT = "content"


# Where a server says more than three digits, this decides at every step.
BY_DETAIL = {
    "1.1": Fault.RECIPIENT,
    "1.2": Fault.RECIPIENT,
    "1.3": Fault.RECIPIENT,
    "1.4": Fault.RECIPIENT,
    "1.6": Fault.RECIPIENT,
    "1.7": Fault.REFUSED,
    "1.8": Fault.REFUSED,
    "1.10": Fault.RECIPIENT,
    "2.0": Fault.RECIPIENT,
    "2.1": Fault.RECIPIENT,
    "2.2": Fault.RECIPIENT,
    "2.3": Fault.POLICY,
    "3.4": Fault.POLICY,
    "4.1": Fault.RECIPIENT,
    "4.4": Fault.RECIPIENT,
    "6.7": Fault.RECIPIENT,
    "7.0": Fault.POLICY,
    "7.1": Fault.POLICY,
    "7.3": Fault.REFUSED,
    "7.8": Fault.REFUSED,
    "7.9": Fault.REFUSED,
    "7.13": Fault.RECIPIENT,
    "7.14": Fault.REFUSED,
    "7.25": Fault.REFUSED,
}
"""Subject and detail of a 5.x.y."""
BY_SUBJECT = {"1": Fault.RECIPIENT, "2": Fault.RECIPIENT, "5": Fault.REFUSED, "6": Fault.POLICY}
OF_ALL_OURS = {500, 501, 502, 503, 504, 530, 534, 535, 538}
"""The server does not speak with us, or not without another login."""
BY_STEP = {
    Step.GREETING: Fault.REFUSED,
    Step.LOGIN: Fault.REFUSED,
    Step.SENDER: Fault.REFUSED,
    Step.RECIPIENT: Fault.RECIPIENT,
    Step.CONTENT: Fault.POLICY,
}
AT_RECIPIENT = {552: Fault.POLICY, 554: Fault.POLICY}


def refusal(step: Step, code: int, text: str) -> NotSentError:
    """Return what an answer that is no yes means. Its sentence stays behind: it may quote."""
    enhanced = ENHANCED.match(text)
    told = str(code) if enhanced is None else f"{code} {enhanced[0]}"
    if not 500 <= code <= 599:
        return NotSentError(Fault.TEMPORARY, told)
    return NotSentError(_permanent(step, code, enhanced), told)


def _permanent(step: Step, code: int, enhanced: re.Match[str] | None) -> Fault:
    if step in {Step.GREETING, Step.LOGIN} or code in OF_ALL_OURS:
        return Fault.REFUSED
    if enhanced is not None and enhanced[1] == "5":
        subject, detail = enhanced[2], enhanced[3]
        fault = BY_DETAIL.get(f"{subject}.{detail}") or BY_SUBJECT.get(subject)
        if fault is not None:
            return _by_sender(fault) if step is Step.SENDER else fault
    return AT_RECIPIENT.get(code, Fault.RECIPIENT) if step is Step.RECIPIENT else BY_STEP[step]


def _by_sender(fault: Fault) -> Fault:
    # Where the sender is refused, no recipient was named yet.
    return Fault.REFUSED if fault is Fault.RECIPIENT else fault
