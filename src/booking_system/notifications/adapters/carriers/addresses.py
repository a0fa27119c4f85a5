"""Addresses of mail servers and providers, as an operator writes them: `smtp://user:pass@host`."""

import re
from dataclasses import dataclass
from importlib.util import find_spec
from ipaddress import ip_address
from urllib.parse import SplitResult, unquote, urlsplit

from pydantic import SecretStr

OUTBOX = "outbox:"
REGION = re.compile(r"[a-z]{2}(-[a-z]+){1,3}-\d{1,2}", re.ASCII)
SID = re.compile(r"AC[0-9a-fA-F]{32}", re.ASCII)
NUMBER = re.compile(r"\+[1-9]\d{5,14}", re.ASCII)
TWILIO_SENDER = re.compile(
    rf"{NUMBER.pattern}|MG[0-9a-fA-F]{{32}}|(?=.*[A-Za-z])[A-Za-z0-9 ]{{1,11}}|[1-9]\d{{2,7}}",
    re.ASCII,
)
SNS_SENDER = re.compile(rf"{NUMBER.pattern}|(?=.*[A-Za-z])[A-Za-z0-9-]{{1,11}}", re.ASCII)
PRICE = re.compile(r"\d{1,3}(\.\d{1,5})?", re.ASCII)
TOPIC = re.compile(r"arn:aws(-[a-z]+)*:sns:([a-z0-9-]+):\d{12}:[A-Za-z0-9_-]{1,256}", re.ASCII)
"""The ARN of a topic of Amazon SNS; the second group is its region."""
NAME = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?", re.ASCII)


class WrongAddressError(ValueError):
    """It is no address of a provider; the sentence never quotes it, for it may hold a secret."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpAddress:
    """`smtp://user:password@host:587?starttls=required`, or `smtps://` for TLS from the start.

    STARTTLS is used where it is offered. It is required by `starttls=required`, and where there is
    a login and the server is not this machine, unless by `starttls=offered`.
    """

    host: str
    port: int
    user: str | None
    password: SecretStr | None
    is_tls: bool
    needs_starttls: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SendGridAddress:
    """`sendgrid://KEY@api.sendgrid.com`."""

    host: str
    key: SecretStr


@dataclass(frozen=True, slots=True, kw_only=True)
class TwilioAddress:
    """`twilio://SID:TOKEN@api.twilio.com?from=+4915…`.

    `from` is a number, a short code, a name, or the SID of a messaging service.
    """

    host: str
    account: str
    token: SecretStr
    sender: str

    @property
    def can_be_answered(self) -> bool:
        """Say whether somebody can answer: a name is no number."""
        is_service = len(self.sender) == 34
        return is_service or self.sender.removeprefix("+").isdigit()


@dataclass(frozen=True, slots=True, kw_only=True)
class SesAddress:
    """`ses://eu-central-1?configuration_set=name`; the keys are found as Amazon's tools do."""

    region: str
    configuration_set: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SnsAddress:
    """`sns://eu-central-1?from=Clinic&max_price=0.20`; `from` is a name, or a number of ours.

    `max_price` in USD: what costs more is not sent.
    """

    region: str
    sender: str | None
    max_price: str | None

    @property
    def can_be_answered(self) -> bool:
        """Say whether somebody can answer: a name is no number, and ours has to be known."""
        return self.sender is not None and self.sender.startswith("+")


EmailAddress = SmtpAddress | SendGridAddress | SesAddress
SmsAddress = TwilioAddress | SnsAddress


def amazon_origin(service: str, region: str) -> str:
    """Return where a service of Amazon's is, such as `email` or `sns`."""
    suffix = ".cn" if region.startswith("cn-") else ""
    return f"https://{service}.{region}.amazonaws.com{suffix}"


def email_address(url: str) -> EmailAddress | None:
    """Return what carries e-mails; None is the outbox. Raises `WrongAddressError`."""
    if url == OUTBOX:
        return None
    parts = _parts(url)
    match parts.scheme:
        case "smtp" | "smtps":
            return _smtp(parts)
        case "sendgrid":
            _options(parts)
            key = _secret(parts.username)
            if key is None or parts.password is not None:
                raise WrongAddressError("it must be like sendgrid://KEY@api.sendgrid.com")
            return SendGridAddress(host=_host(parts), key=key)
        case "ses":
            given = _options(parts, "configuration_set")
            return SesAddress(
                region=_region(parts), configuration_set=_fitting(given, "configuration_set", NAME)
            )
    raise WrongAddressError(
        "it must be outbox:, or begin with smtp://, smtps://, sendgrid:// or ses://"
    )


def sms_address(url: str) -> SmsAddress | None:
    """Return what carries SMS; None is the outbox. Raises `WrongAddressError`."""
    if url == OUTBOX:
        return None
    parts = _parts(url)
    match parts.scheme:
        case "twilio":
            return _twilio(parts)
        case "sns":
            given = _options(parts, "from", "max_price")
            return SnsAddress(
                region=_region(parts),
                sender=_fitting(given, "from", SNS_SENDER),
                max_price=_fitting(given, "max_price", PRICE),
            )
    raise WrongAddressError("it must be outbox:, or begin with twilio:// or sns://")


def _smtp(parts: SplitResult) -> SmtpAddress:
    given = _options(parts, "starttls")
    starttls = _fitting(given, "starttls", re.compile("required|offered"))
    host, user, password = _host(parts), parts.username, parts.password
    if bool(user) is not bool(password):
        raise WrongAddressError("user and password belong together")
    is_tls = parts.scheme == "smtps"
    if is_tls and starttls is not None:
        raise WrongAddressError("smtps:// has TLS from the start, so it knows no starttls=")
    usual = 465 if is_tls else 587 if user else 25
    return SmtpAddress(
        host=host,
        port=parts.port or usual,
        user=unquote(user) if user else None,
        password=_secret(password),
        is_tls=is_tls,
        needs_starttls=starttls == "required"
        or (starttls is None and bool(user) and not is_tls and not _is_here(host)),
    )


def _twilio(parts: SplitResult) -> TwilioAddress:
    sender = _fitting(_options(parts, "from"), "from", TWILIO_SENDER)
    account, token = unquote(parts.username or ""), _secret(parts.password)
    if sender is None or token is None or not SID.fullmatch(account):
        raise WrongAddressError("it must be like twilio://SID:TOKEN@api.twilio.com?from=+4915…")
    return TwilioAddress(host=_host(parts), account=account, token=token, sender=sender)


def _parts(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018  (it is read to be refused)
    except ValueError:
        raise WrongAddressError("it is no address") from None
    if parts.netloc and (parts.path not in {"", "/"} or parts.fragment):
        raise WrongAddressError(
            "nothing but ? and options follows the host, and signs like / or # in a password "
            "are written as %2F and %23"
        )
    return parts


def _options(parts: SplitResult, *known: str) -> dict[str, str]:
    """Return what follows the question mark. A plus is one: it begins a number."""
    pairs = [one.partition("=") for one in parts.query.split("&") if one]
    given = {name: unquote(value) for name, _, value in pairs}
    if not given.keys() <= set(known):
        raise WrongAddressError(
            f"behind the question mark it knows {', '.join(known)}"
            if known
            else "it has no options"
        )
    return given


def _fitting(given: dict[str, str], name: str, pattern: re.Pattern[str]) -> str | None:
    value = given.get(name)
    if value is not None and not pattern.fullmatch(value):
        raise WrongAddressError(f"its {name}= cannot be used")
    return value


def _secret(quoted: str | None) -> SecretStr | None:
    return SecretStr(unquote(quoted)) if quoted else None


def _host(parts: SplitResult) -> str:
    host = parts.hostname or ""
    if not HOST.fullmatch(host) and ":" not in host:
        raise WrongAddressError("it names no host")
    return host


def _region(parts: SplitResult) -> str:
    region = parts.netloc
    if not REGION.fullmatch(region):
        raise WrongAddressError(f"it must be like {parts.scheme}://eu-central-1")
    if find_spec("botocore") is None:
        raise WrongAddressError("it needs the package botocore: pip install 'booking-system[aws]'")
    return region


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
