"""The codes of single mistakes in a request: a closed list, for clients to branch on."""

from typing import Any

FIELD_CODES = {
    "address_not_allowed": "The address is not one of the public network.",
    "boolean": "It is neither true nor false.",
    "choice": "It is none of the values that there are.",
    "combination": "It goes with another field, or not with a field that is there.",
    "currency_differs": "The clinic takes another currency.",
    "date": "It is no date.",
    "date_time": "It is no RFC 3339 date-time with an offset.",
    "duplicate_key": "The same name is there twice.",
    "encryption_needed": "Without TLS nothing is sent there.",
    "ends_too_early": "It ends before it begins.",
    "etag": "It is no ETag, or several.",
    "forbidden_text": "It has a character that is not allowed.",
    "fragment_in_url": "The address has a fragment.",
    "https_needed": "The address does not begin with https://.",
    "in_past": "It is over.",
    "in_use": "Something depends on it as it is.",
    "integer": "It is no whole number.",
    "invalid": "It is not valid; `detail` says why.",
    "invalid_host": "The address names no host.",
    "invalid_url": "It is no address.",
    "language_without_words": "There are no words in this language.",
    "list": "It is no list.",
    "missing": "It is needed together with what is there.",
    "not_allowed": "It may not be this here.",
    "not_movable": "It cannot be moved.",
    "not_offered": "It is not offered.",
    "number_out_of_range": "The number is larger than JSON readers agree on, or none.",
    "object": "It is no object.",
    "one_of": "One of several is needed, or one too many is there.",
    "other_account": "It belongs to another account.",
    "other_clinic": "It belongs to another clinic.",
    "other_mode": "It is for tests where the other is for real, or the other way round.",
    "other_slot": "It is of another time slot.",
    "out_of_range": "It is smaller or larger than it may be.",
    "overlaps": "It overlaps another one.",
    "password_too_weak": "The password is too easy to guess.",
    "pattern": "It does not have the expected form.",
    "port_not_allowed": "Nothing is sent to this port.",
    "price_missing": "There is no price to pay.",
    "provider_not_available": "The provider did not answer; try again later.",
    "required": "It is required.",
    "same": "It is the same as another one.",
    "slot_in_past": "The time slot has begun already.",
    "slot_overlap": "The time slot overlaps another one.",
    "taken": "Somebody has it already.",
    "template_fault": "The template cannot be filled; `detail` says where.",
    "text": "It is no text.",
    "time": "It is no time of day.",
    "too_deep": "It is nested too deeply.",
    "too_long": "It is longer than it may be.",
    "too_many_bookings": "More bookings are concerned than one request may change.",
    "too_many_slots": "More time slots are concerned than one request may change.",
    "too_short": "It is shorter than it may be.",
    "unknown": "It names nothing that there is.",
    "unknown_field": "The field is not known here.",
    "unknown_parameter": "The parameter is not known here.",
    "userinfo_in_url": "The address has a user name or a password.",
    "uuid": "It is no UUID.",
}
"""By the code, what it says of the field."""


def type_field_codes(schemas: dict[str, Any]) -> None:
    """Write the list into the document's schema of a single mistake."""
    code = schemas["FieldProblem"]["properties"]["code"]
    code["enum"] = list(FIELD_CODES)
    code["description"] = "Stable, from a closed list:\n\n" + "\n".join(
        f"- `{name}`: {text}" for name, text in FIELD_CODES.items()
    )
