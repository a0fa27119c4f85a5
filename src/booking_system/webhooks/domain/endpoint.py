"""An endpoint: where another program wants to be told, of which events, and how it does."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar, NewType, Self
from uuid import UUID

from booking_system.shared_kernel.aggregate import DomainEvent
from booking_system.shared_kernel.identifiers import ClinicId

EndpointId = NewType("EndpointId", UUID)

PATIENT = "patient_id"
"""How the names of ids end that say who a patient is."""
FAILING_LONGEST = timedelta(hours=72)
"""An endpoint where everything failed for so long is disabled."""
FORMER_SECRET_GOOD_FOR = timedelta(hours=24)
"""So long after a rotation each webhook is signed with both secrets."""
MOST_OF_CLINIC = 50


class EndpointState(StrEnum):
    """Whether an endpoint is told: `paused` by its owner, `disabled` by the program."""

    ENABLED = "enabled"
    PAUSED = "paused"
    DISABLED = "disabled"


class DisabledBecause(StrEnum):
    """Why the program has disabled an endpoint: it said 410, or all failed for three days."""

    GONE = "gone"
    FAILING = "failing"


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookDisabled(DomainEvent):
    """An endpoint is told nothing any more, until somebody enables it again."""

    name: ClassVar[str] = "webhook.disabled"

    webhook_endpoint_id: UUID
    clinic_id: ClinicId | None
    reason: DisabledBecause


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where a clinic, or with `clinic_id` None the platform, wants to be told. Times in UTC.

    `events` are names, `booking.*` or `*`. `with_patients`: ids of patients are told as well, which
    is for staff of the clinic to decide, not for the platform. `failing_since` is the first failure
    behind which nothing has succeeded.
    """

    id: EndpointId
    clinic_id: ClinicId | None
    url: str
    description: str | None
    events: Sequence[str]
    with_patients: bool
    state: EndpointState
    reason: DisabledBecause | None
    state_since: datetime
    failing_since: datetime | None
    version: int
    created_at: datetime
    updated_at: datetime

    def changed(self, changes: Mapping[str, Any], *, by_clinic: bool, now: datetime) -> "Endpoint":
        """Return it with these fields; `by_clinic`: it is staff of the clinic who changes it.

        Who names another address decides on the ids of patients with it. An endpoint that is
        enabled again has not failed yet.
        """
        new = replace(self, **{**changes, "version": self.version + 1, "updated_at": now})
        if new.url != self.url:
            new = replace(new, with_patients=by_clinic)
        if new.state is not self.state:
            new = replace(new, state_since=now, reason=None, failing_since=None)
        return new


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """How an endpoint has done lately; `failures` are those in a row."""

    failures: int = 0
    failing_since: datetime | None = None
    rests_until: datetime | None = None

    def is_failing_too_long(self, now: datetime) -> bool:
        """Say whether all has failed for three days."""
        return self.failing_since is not None and now - self.failing_since >= FAILING_LONGEST

    def after_failure(self, *, now: datetime, rest: timedelta) -> Self:
        """Return it one failure later, when it is to be left alone for `rest` at least."""
        until = now + rest if rest else None
        if self.rests_until is not None and (until is None or self.rests_until > until):
            until = self.rests_until
        return replace(
            self,
            failures=self.failures + 1,
            failing_since=self.failing_since or now,
            rests_until=until,
        )
