"""Kinds of text that come in again and again, checked once and brought to one form."""

import re
from functools import cache
from typing import Annotated
from urllib.parse import urlsplit
from zoneinfo import available_timezones

import phonenumbers
from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, Field, Strict, StringConstraints

from booking_system.shared_kernel.money import CURRENCIES

ORIGIN = re.compile(r"https://[a-z0-9.-]+(:\d{1,5})?|http://(localhost|127\.0\.0\.1)(:\d{1,5})?")
NO_PLACE = {"localtime", "Factory", "posixrules", "leapseconds"}


def _email(value: str) -> str:
    try:
        return validate_email(value, check_deliverability=False).normalized
    except EmailNotValidError:
        message = "must be an e-mail address"
        raise ValueError(message) from None


def _phone(value: str) -> str:
    try:
        number = phonenumbers.parse(value, None)
    except phonenumbers.NumberParseException:
        number = None
    if number is None or not phonenumbers.is_possible_number(number):
        message = "must be a telephone number in international form, like +49301234567"
        raise ValueError(message)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


@cache
def time_zones() -> frozenset[str]:
    """Return the names of all zones of the pinned `tzdata` package."""
    return frozenset(available_timezones() - NO_PLACE)


def _time_zone(value: str) -> str:
    if value not in time_zones():
        message = "must be the IANA name of a time zone, like Europe/Berlin"
        raise ValueError(message)
    return value


def _currency(value: str) -> str:
    if value not in CURRENCIES:
        message = "must be an ISO 4217 currency, like EUR"
        raise ValueError(message)
    return value


def _url(value: str) -> str:
    try:
        parts = urlsplit(value)
        fine = parts.scheme == "https" and bool(parts.hostname) and parts.username is None
    except ValueError:
        fine = False
    if not fine or any(character.isspace() for character in value):
        message = "must be an https:// address"
        raise ValueError(message)
    return value


def _origin(value: str) -> str:
    if not ORIGIN.fullmatch(value):
        message = "must be an origin, like https://www.example.com"
        raise ValueError(message)
    return value


Whole = Annotated[int, Strict()]
YesOrNo = Annotated[bool, Strict()]
Email = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=3, max_length=254),
    AfterValidator(_email),
    Field(json_schema_extra={"format": "email"}, examples=["patient@example.com"]),
]
Phone = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=4, max_length=40),
    AfterValidator(_phone),
    Field(examples=["+49301234567"]),
]
TimeZoneName = Annotated[
    str,
    StringConstraints(max_length=60),
    AfterValidator(_time_zone),
    Field(
        description="Time zone (IANA name), by which local times are told",
        examples=["Europe/Berlin"],
    ),
]
Locale = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?$"),
    Field(
        description="Language tag (BCP 47) that messages and pages are written in",
        examples=["de-DE"],
    ),
]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}$"), Field(examples=["de"])]
Currency = Annotated[
    str,
    StringConstraints(max_length=3),
    AfterValidator(_currency),
    Field(description="Currency (ISO 4217); amounts are in its minor units", examples=["EUR"]),
]
Slug = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=63),
    Field(description="Names the clinic in addresses", examples=["example-clinic"]),
]
Url = Annotated[
    str,
    StringConstraints(max_length=2000),
    AfterValidator(_url),
    Field(json_schema_extra={"format": "uri"}, examples=["https://example.com/photo.jpg"]),
]
Origin = Annotated[
    str,
    StringConstraints(max_length=300),
    AfterValidator(_origin),
    Field(examples=["https://www.example.com"]),
]
