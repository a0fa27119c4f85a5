"""What was wrong with the input, said without repeating any of it but plain names of fields."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from booking_system.shared_kernel.errors import Invalid, Refusal

Value = TypeVar("Value")
REFUSED = "refused"
"""The type of an error that is a refusal of the domain."""

OURS = {
    "missing": ("is required", "required"),
    "uuid_parsing": ("must be a UUID", "uuid"),
    "uuid_type": ("must be a UUID", "uuid"),
    "uuid_version": ("must be a UUID", "uuid"),
    "int_parsing": ("must be an integer", "integer"),
    "int_type": ("must be an integer", "integer"),
    "int_from_float": ("must be an integer", "integer"),
    "int_parsing_size": ("is out of range", "out_of_range"),
    "bool_parsing": ("must be true or false", "boolean"),
    "bool_type": ("must be true or false", "boolean"),
    "string_type": ("must be text", "text"),
    "string_pattern_mismatch": ("does not have the expected form", "pattern"),
    "forbidden_text": ("contains a character that is not allowed", "forbidden_text"),
    "list_type": ("must be a list", "list"),
    "dict_type": ("must be an object", "object"),
    "model_type": ("must be an object", "object"),
    "model_attributes_type": ("must be an object", "object"),
    "date_type": ("must be a date like 2027-03-01", "date"),
    "date_parsing": ("must be a date like 2027-03-01", "date"),
    "date_from_datetime_parsing": ("must be a date like 2027-03-01", "date"),
    "date_from_datetime_inexact": ("must be a date like 2027-03-01", "date"),
    "time_type": ("must be a time like 09:00", "time"),
    "time_parsing": ("must be a time like 09:00", "time"),
    "datetime_type": ("must be an RFC 3339 date-time with an offset", "date_time"),
    "datetime_parsing": ("must be an RFC 3339 date-time with an offset", "date_time"),
    "datetime_from_date_parsing": ("must be an RFC 3339 date-time with an offset", "date_time"),
    "timezone_aware": ("must be an RFC 3339 date-time with an offset", "date_time"),
}
BOUNDS = {
    "too_short": ("has fewer than {min_length} entries", "too_short"),
    "too_long": ("has more than {max_length} entries", "too_long"),
    "string_too_short": ("is shorter than {min_length} characters", "too_short"),
    "string_too_long": ("is longer than {max_length} characters", "too_long"),
    "greater_than": ("must be greater than {gt}", "out_of_range"),
    "greater_than_equal": ("must be at least {ge}", "out_of_range"),
    "less_than": ("must be less than {lt}", "out_of_range"),
    "less_than_equal": ("must be at most {le}", "out_of_range"),
    "enum": ("must be one of: {expected}", "choice"),
    "literal_error": ("must be one of: {expected}", "choice"),
}
MOST = 20
PLAIN = re.compile(r"[A-Za-z0-9_.-]{1,64}")
"""Names that may be told back to the sender: no text of a person hides in a misspelt one."""


def judged(check: Callable[[Value], Value]) -> AfterValidator:
    """Return a validator that tells a refusal of the domain together with all other errors."""

    def judge(value: Value) -> Value:
        try:
            return check(value)
        except Refusal as refusal:
            raise PydanticCustomError(REFUSED, REFUSED, {REFUSED: refusal}) from None

    return AfterValidator(judge)


def refusal_of(errors: Sequence[Mapping[str, Any]]) -> Refusal:
    """Return what answers a request with these errors of pydantic.

    A refusal of the domain that is alone keeps its own code; among others it is one of the errors.
    """
    wrong = described(errors)
    if len(errors) == 1 and errors[0]["type"] == REFUSED:
        refusal: Refusal = errors[0]["ctx"][REFUSED]
        refusal.extras["errors"] = wrong
        return refusal
    return Invalid(errors=wrong)


def described(errors: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Return `{pointer, detail, code, in}` for each error of pydantic, at most twenty.

    pydantic's own texts may quote the input, so only texts from these tables, numbers from our
    own schema and messages of our own validators go out. The name of an unknown field is input
    too: it is told only where it is plain, else the pointer names what contains it.
    """
    return [_one(error) for error in errors[:MOST]]


def unknown_parameters(names: Iterable[str]) -> list[dict[str, str]]:
    """Return an entry for each parameter of the query that is not known, at most twenty."""
    return [_unknown("query", [name]) for name in list(names)[:MOST]]


def _unknown(where: str, path: list[str]) -> dict[str, str]:
    thing = "parameter" if where == "query" else "field"
    entry = {"detail": "is not known here", "code": f"unknown_{thing}", "in": where}
    if not PLAIN.fullmatch(path[-1]):
        path = path[:-1]
        entry["detail"] = f"has a {thing} that is not known here"
    return {"pointer": _pointer(path), **entry}


def _pointer(path: Sequence[str]) -> str:
    return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in path)


def _one(error: Mapping[str, Any]) -> dict[str, str]:
    kind, place = error["type"], [str(part) for part in error["loc"]]
    where, path = place[0], place[1:]
    if kind == "extra_forbidden":
        return _unknown(where, path)
    context = error.get("ctx", {})
    if kind == "value_error":
        detail, code = str(context.get("error", "is not valid")), "invalid"
    elif kind == REFUSED:
        detail, code = context[REFUSED].detail, context[REFUSED].code
    elif kind in BOUNDS:
        pattern, code = BOUNDS[kind]
        detail = pattern.format_map(context)
    else:
        detail, code = OURS.get(kind, ("is not valid", "invalid"))
    return {"pointer": _pointer(path), "detail": detail, "code": code, "in": where}
