"""What is to be booked: a service as it is offered now, or an appointment as it was agreed.

A statement about either reads `need` and `need_doctors` in front, so that what is asked of each
slot is answered by a few rows that are read once. What was agreed comes as values: the owner of the
appointments says it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, auto
from typing import Any, Self

from sqlalchemy import (
    CTE,
    ColumnElement,
    FromClause,
    Text,
    case,
    null,
    select,
    true,
    union,
)

from booking_system.directory.records.tables import doctors, service_doctors, services
from booking_system.platform.postgres.phrases import (
    a_number,
    a_text,
    an_id,
    array_of,
    during,
    instant,
    materialized,
)
from booking_system.scheduling.domain.search import SlotFilter
from booking_system.scheduling.records.appointment_times import no_appointment
from booking_system.scheduling.records.spans import (
    blocked_from,
    blocked_until,
    ends_of,
    is_one_slot,
    is_untaken,
    no_hold,
    span_of,
)

MINUTE = timedelta(minutes=1)
NOW = instant("now")


class Needed(Enum):
    """By what it is known what is to be booked."""

    SERVICE = auto()
    AGREEMENT = auto()

    @classmethod
    def by(cls, wanted: SlotFilter) -> "Needed | None":
        """Return it; None where nothing says what is to be booked."""
        if wanted.moves is not None:
            return cls.AGREEMENT
        return None if wanted.service_id is None else cls.SERVICE


@dataclass(frozen=True, slots=True)
class Need:
    """The parts of a statement that know what is to be booked.

    `need` is one row, `moving` the appointment that is looked at as if it were not there.
    """

    need: FromClause
    need_doctors: CTE
    moving: ColumnElement[Any] | None

    @classmethod
    def of(cls, known_by: Needed) -> Self:
        """Return the parts, for the values that `values_of` gives."""
        if known_by is Needed.SERVICE:
            return cls(
                materialized("need", _of_service()).alias("v"),
                materialized("need_doctors", _doctors_of_service()),
                None,
            )
        return cls(
            materialized("need", _as_agreed()).alias("v"),
            materialized("need_doctors", _doctors_as_agreed()),
            an_id("moving"),
        )

    @property
    def clinic_id(self) -> ColumnElement[Any]:
        """The clinic of what is to be booked."""
        return self._told("clinic_id")

    @property
    def starts_at(self) -> ColumnElement[Any]:
        """When the appointment that moves begins today."""
        return self._told("starts_at")

    @property
    def doctor_ids(self) -> ColumnElement[Any]:
        """The array of the doctors who offer it."""
        offering = select(self.need_doctors.c.doctor_id).correlate_except(self.need_doctors)
        return array_of(offering)

    def ends_of(self, slot: FromClause) -> ColumnElement[Any]:
        """Return when a booking that begins in the slot ends."""
        v = self.need
        return select(ends_of(slot, v)).select_from(v).correlate_except(v).scalar_subquery()

    def could_begin_in(self, slot: FromClause) -> ColumnElement[bool]:
        """Return the condition that what is needed could begin in an untaken slot.

        Its doctor offers it, and enough time is free in a row. What fits into one slot, as most do,
        costs no more than a look at it.
        """
        v, offering = self.need, self.need_doctors
        whole = span_of(slot, v, is_free=lambda n: is_untaken(n, NOW, but=self.moving)).lateral("t")
        around = during(blocked_from(slot, v), blocked_until(whole, v))
        of_several = (
            select(whole.c.is_whole)
            .where(
                whole.c.is_whole,
                whole.c.is_free,
                no_appointment(slot.c.doctor_id, around, but=self.moving),
                no_hold(slot.c.doctor_id, around, NOW),
            )
            .correlate_except(whole)
        )
        their = select(offering.c.doctor_id).correlate_except(offering)
        return (
            select(v.c.id)
            .where(
                v.c.mode == slot.c.mode,
                slot.c.doctor_id.in_(their),
                case((is_one_slot(slot, v), true()), else_=of_several.exists()),
            )
            .correlate_except(v)
            .exists()
        )

    def _told(self, column: str) -> ColumnElement[Any]:
        return select(self.need.c[column]).correlate_except(self.need).scalar_subquery()


def values_of(wanted: SlotFilter) -> Mapping[str, Any]:
    """Return the values of the parts that `Need.of` makes for this filter."""
    agreed = wanted.moves
    if agreed is None:
        return {} if wanted.service_id is None else {"service_id": wanted.service_id}
    price = agreed.price
    return {
        "moving": agreed.appointment_id,
        "agreed_service_id": agreed.service_id,
        "agreed_clinic_id": agreed.clinic_id,
        "agreed_doctor_id": agreed.doctor_id,
        "agreed_mode": agreed.mode,
        "agreed_minutes": agreed.duration // MINUTE,
        "agreed_minutes_before": agreed.before // MINUTE,
        "agreed_minutes_after": agreed.after // MINUTE,
        "agreed_amount": None if price is None else price.amount,
        "agreed_currency": None if price is None else price.currency,
        "agreed_version": agreed.version,
        "agreed_starts_at": agreed.starts_at,
    }


def _of_service() -> Any:
    """The service; its price is in the currency of its clinic."""
    v = services.alias("v")
    return select(
        v.c.id,
        v.c.name,
        v.c.clinic_id,
        v.c.mode,
        v.c.duration_minutes,
        v.c.buffer_before_minutes,
        v.c.buffer_after_minutes,
        v.c.price_amount,
        null().cast(Text).label("price_currency"),
        v.c.version,
    ).where(v.c.id == an_id("service_id"), v.c.deleted_at.is_(None))


def _doctors_of_service() -> Any:
    o = service_doctors.alias("o")
    return select(o.c.doctor_id).where(o.c.service_id == an_id("service_id"))


def _as_agreed() -> Any:
    """What was agreed, even if the service has changed since; and when it begins today."""
    v = services.alias("v")
    name = select(v.c.name).where(v.c.id == an_id("agreed_service_id")).scalar_subquery()
    return select(
        an_id("agreed_service_id").label("id"),
        name.label("name"),
        an_id("agreed_clinic_id").label("clinic_id"),
        a_text("agreed_mode").label("mode"),
        a_number("agreed_minutes").label("duration_minutes"),
        a_number("agreed_minutes_before").label("buffer_before_minutes"),
        a_number("agreed_minutes_after").label("buffer_after_minutes"),
        a_number("agreed_amount").label("price_amount"),
        a_text("agreed_currency").label("price_currency"),
        a_number("agreed_version").label("version"),
        instant("agreed_starts_at").label("starts_at"),
    )


def _doctors_as_agreed() -> Any:
    """Its own, and who offers its service; of one without a service, all of the clinic."""
    o, d, service_id = service_doctors.alias("o"), doctors.alias("d"), an_id("agreed_service_id")
    return union(
        select(an_id("agreed_doctor_id").label("doctor_id")),
        select(o.c.doctor_id).where(o.c.service_id == service_id),
        select(d.c.id).where(
            d.c.clinic_id == an_id("agreed_clinic_id"),
            d.c.deleted_at.is_(None),
            service_id.is_(None),
        ),
    )
