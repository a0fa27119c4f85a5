"""What the API takes and gives of references, for contexts above as well."""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Self
from uuid import UUID

from fastapi import Query
from pydantic import AfterValidator, BaseModel, Field, StringConstraints

from booking_system.directory.domain.references import MOST_KEYS, References
from booking_system.platform.http.input import Change
from booking_system.shared_kernel.errors import Invalid

NOTED = {"external_id", "metadata"}
"""The fields of a body about something new that are noted apart from it."""
KEY = re.compile(r"[a-zA-Z0-9_.-]{1,40}")
EXAMPLE = {"pms_branch": "north"}


def _with_short_keys(noted: dict[str, Any]) -> dict[str, Any]:
    if not all(map(KEY.fullmatch, noted)):
        message = "has a key that is not 1 to 40 letters, digits, dots, hyphens or underscores"
        raise ValueError(message)
    return noted


ExternalId = Annotated[
    str,
    StringConstraints(pattern=r"^[!-~]{1,128}$", max_length=128),
    Field(
        description="What another system calls it: 1 to 128 visible ASCII characters, unique in"
        " the clinic among things of its kind. Shown to the clinic's staff alone",
        examples=["pms-10442"],
    ),
]
Note = Annotated[str, StringConstraints(max_length=200)]
Metadata = Annotated[
    dict[str, Note],
    Field(max_length=MOST_KEYS),
    AfterValidator(_with_short_keys),
    Field(
        description="Up to 20 notes of another system: keys of up to 40 letters, digits, `_`, `.`"
        " and `-`, values of up to 200 characters. Shown to the clinic's staff alone",
        examples=[EXAMPLE],
    ),
]
MetadataChange = Annotated[
    dict[str, Note | None],
    Field(max_length=2 * MOST_KEYS),
    AfterValidator(_with_short_keys),
    Field(
        description="Keys to set, and by null to remove; others stay. 20 remain at most",
        examples=[{"pms_branch": "south", "old_note": None}],
    ),
]


SoughtId = Annotated[
    str | None,
    Query(
        min_length=1,
        max_length=128,
        pattern=r"^[!-~]+$",
        description="What another system calls it; with `clinic_id`, for the clinic's staff alone",
        examples=["pms-10442"],
    ),
]
"""What a list is asked for."""


class Listable(StrEnum):
    """What lists show beside each item."""

    REFERENCES = "references"


ExpandItems = Annotated[
    list[Listable] | None,
    Query(
        max_length=1,
        description="Show `references` of each item in its `expanded`: what another system calls"
        " it, and notes about it. For the clinic's staff alone",
        examples=[["references"]],
    ),
]


def check_clinic(asked: object, clinic_id: UUID | None, *, name: str = "external_id") -> None:
    """Raise `Invalid` where something of a clinic's other system is asked for in no clinic."""
    if asked is not None and clinic_id is None:
        wrong = {"pointer": "/clinic_id", "detail": f"is needed with {name}"}
        raise Invalid(errors=[wrong | {"code": "combination", "in": "query"}])


def noted_of(external_id: str | None, metadata: Mapping[str, str] | None) -> dict[str, Any] | None:
    """Return what a new record is noted with; None: nothing."""
    if external_id is None and not metadata:
        return None
    return {"external_id": external_id, "metadata": metadata or {}}


class ReferencesIn(Change):
    """What changes of the references; what is absent stays as it is."""

    external_id: ExternalId | None = None
    metadata: MetadataChange = Field(default={})


class ReferencesOut(BaseModel):
    """What another system calls it and notes about it, for the clinic's staff alone."""

    external_id: str | None = Field(examples=["pms-10442"])
    metadata: dict[str, str] = Field(examples=[EXAMPLE])

    @classmethod
    def of(cls, references: References) -> Self:
        """Show them."""
        return cls(external_id=references.external_id, metadata=dict(references.metadata))


class ExpandedItemOut(BaseModel):
    """What was asked for by `expand` about an item of a list."""

    references: ReferencesOut | None = Field(
        description="With `expand=references`; null: of a patient whom the clinic does not know"
    )
