"""The statements of searches for slots, each made once."""

from functools import cache
from typing import Any, Literal, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    and_,
    any_,
    cast,
    column,
    func,
    or_,
    select,
    true,
    tuple_,
    union_all,
)
from sqlalchemy.sql.selectable import GenerativeSelect

from booking_system.directory.records.tables import clinics, doctors, services
from booking_system.platform.postgres.phrases import (
    INSTANT,
    an_id,
    asked_singly,
    ids,
    instant,
    instants,
)
from booking_system.platform.postgres.statement import Statement
from booking_system.scheduling.adapters.slot_page import (
    MOST,
    ShownPage,
    in_order,
    page_of,
    page_of_wanted,
)
from booking_system.scheduling.adapters.wanted_slots import Filters, WantedSlots, slots
from booking_system.scheduling.records.slots import slot_columns
from booking_system.scheduling.records.spans import ends_of
from booking_system.scheduling.records.tables import time_slots

CLINIC_ID, DOCTOR_ID, SERVICE_ID = an_id("clinic_id"), an_id("doctor_id"), an_id("service_id")
SLOT_ID, AT, BEHIND = an_id("slot_id"), instant("at"), instant("behind")


@cache
def finding(filters: Filters, *, goes_on: bool, few: int) -> Statement[Any]:
    """Return the statement that finds a page; it `goes_on` behind a slot that was seen."""
    shown = _page(filters, goes_on=goes_on, few=few)
    columns = shown_columns(shown.slot, shown.doctor, shown.clinic, shown.need)
    return Statement(in_order(shown.showing(*columns), shown.slot, MOST))


@cache
def mixing(filters: Filters, *, goes_on: bool, few: int) -> Statement[Any]:
    """Return the statement that mixes the ids and versions of the rows that `finding` finds."""
    wanted, page = _wanted_page(filters, goes_on=goes_on, few=few)
    if wanted.need is None and filters.doctor and not filters.choose_doctors:
        return _mixing_of_a_doctor(page)
    shown = ShownPage(wanted, page)
    versions = shown.showing(shown.slot.c.id, _version_of(shown).label("version"))
    found = in_order(versions, shown.slot, MOST).subquery("found")
    mixed = _hashed(found.c.id, found.c.version)
    return Statement(select(func.count().label("many"), mixed.label("mixed")).select_from(found))


def _mixing_of_a_doctor(page: GenerativeSelect) -> Statement[Any]:
    """The same in one pass, as all slots are of one doctor and clinic: their versions come once.

    It answers the commonest search of all, and takes a third of what joins take.
    """
    d, c, found = doctors.alias("d"), clinics.alias("c"), page.subquery("found")
    whose = func.uuid_hash_extended(d.c.id, d.c.version).bitwise_xor(
        func.uuid_hash_extended(c.c.id, c.c.version)
    )
    theirs = (
        select(whose)
        .select_from(d.join(c, c.c.id == d.c.clinic_id))
        .where(d.c.id == DOCTOR_ID)
        .scalar_subquery()
    )
    return Statement(
        select(
            func.count().label("many"),
            func.coalesce(_hashed(found.c.id, found.c.version), 0)
            .bitwise_xor(theirs)
            .label("mixed"),
        ).select_from(found)
    )


def _hashed(identity: ColumnElement[Any], version: ColumnElement[Any]) -> ColumnElement[int]:
    return func.bit_xor(func.uuid_hash_extended(identity, version), type_=BigInteger())


def _page(filters: Filters, *, goes_on: bool, few: int) -> ShownPage:
    return ShownPage(*_wanted_page(filters, goes_on=goes_on, few=few))


def _wanted_page(
    filters: Filters, *, goes_on: bool, few: int
) -> tuple[WantedSlots, GenerativeSelect]:
    chooses = filters.choose_doctors
    wanted = WantedSlots(filters, by_doctor=chooses)
    if goes_on:
        seen = (BEHIND, an_id("behind_id"))
        # The first says where the index is entered: the second alone would not.
        wanted.of_slot.append(slots.c.starts_at >= BEHIND)
        wanted.of_slot.append(tuple_(slots.c.starts_at, slots.c.id) > tuple_(*seen))
    return wanted, page_of_wanted(wanted, few) if chooses else page_of(wanted)


def _version_of(shown: ShownPage) -> ColumnElement[int]:
    slot, doctor, clinic, need = shown.slot, shown.doctor, shown.clinic, shown.need
    versions = (slot.c.version, doctor.c.version, clinic.c.version)
    if need is None:
        first, second = (cast(one, BigInteger) for one in versions[:2])
        mixed = first.bitwise_lshift(42).bitwise_xor(second.bitwise_lshift(21))
        return mixed.bitwise_xor(versions[2])
    # The last of the slots that are taken may be another by now, and the first as it was.
    all_of_it = func.concat_ws(" ", *versions, need.c.version, ends_of(slot, need))
    return func.hashtextextended(all_of_it, 0, type_=BigInteger())


def _surroundings(doctor: FromClause, clinic: FromClause) -> list[ColumnElement[Any]]:
    return [
        clinic.c.name.label("clinic_name"),
        clinic.c.time_zone,
        doctor.c.full_name.label("doctor_name"),
        doctor.c.title.label("doctor_title"),
        doctor.c.specialty,
        doctor.c.photo_url,
    ]


def shown_columns(
    slot: FromClause, doctor: FromClause, clinic: FromClause, need: FromClause | None
) -> list[ColumnElement[Any]]:
    """What is shown of a slot; where it is known, what the need takes of it and what it costs."""
    names = ("id", "clinic_id", "doctor_id", "starts_at", "ends_at", "mode")
    columns = [*(slot.c[name] for name in names), *_surroundings(doctor, clinic)]
    if need is None:
        return columns
    currency = func.coalesce(need.c.price_currency, clinic.c.currency)
    return [
        *columns,
        ends_of(slot, need).label("service_ends_at"),
        need.c.id.label("service_id"),
        need.c.name.label("service_name"),
        need.c.duration_minutes,
        need.c.price_amount,
        currency.label("price_currency"),
    ]


def _one_slot() -> Statement[Any]:
    s, d, c = slots, doctors.alias("d"), clinics.alias("c")
    joined = s.join(d, d.c.id == s.c.doctor_id).join(c, c.c.id == s.c.clinic_id)
    return Statement(
        select(s.c.id, *slot_columns(s), *_surroundings(d, c))
        .select_from(joined)
        .where(
            s.c.id == SLOT_ID,
            *(one.c.deleted_at.is_(None) for one in (s, d, c)),
        )
    )


SHOWING = _one_slot()

SEVERAL: Statement[Any] = Statement(
    select(*slot_columns(slots))
    .where(slots.c.id == any_(ids("slot_ids")), slots.c.deleted_at.is_(None))
    .order_by(func.array_position(ids("slot_ids"), slots.c.id))
)

PLACE: Statement[Any] = Statement(
    select(time_slots.c.doctor_id, time_slots.c.clinic_id, time_slots.c.starts_at).where(
        time_slots.c.id == SLOT_ID
    )
)
"""Where and when a slot is, also a deleted one."""


class Named(NamedTuple):
    """The ids in a filter, each of which may be None."""

    clinic_id: Any
    doctor_id: Any
    service_id: Any


def _unknown() -> Statement[Named]:
    c, d, v = clinics.alias("c"), doctors.alias("d"), services.alias("v")
    of_clinic = select(c.c.id).where(c.c.deleted_at.is_(None))
    found = {
        "clinic_id": (CLINIC_ID, of_clinic.where(c.c.id == CLINIC_ID)),
        "doctor_id": (
            DOCTOR_ID,
            of_clinic.where(c.c.id == d.c.clinic_id, d.c.id == DOCTOR_ID, d.c.deleted_at.is_(None)),
        ),
        "service_id": (
            SERVICE_ID,
            of_clinic.where(
                c.c.id == v.c.clinic_id, v.c.id == SERVICE_ID, v.c.deleted_at.is_(None)
            ),
        ),
    }
    columns = (
        and_(value.is_not(None), ~query.exists()).label(name)
        for name, (value, query) in found.items()
    )
    return Statement(select(*columns), Named)


UNKNOWN = _unknown()
"""Which of the ids are of nothing that there is."""

Whose = Literal["doctor_id", "clinic_id"]


@cache
def around(filters: Filters, whose: Whose, *, uncovered: bool) -> Statement[Any]:
    """Return the statement for the slots around one in time: of its doctor, or of its clinic.

    `uncovered`: those that an absence would cover are left out.
    """
    wanted, s = WantedSlots(filters), slots
    d, c = doctors.alias("d"), clinics.alias("c")
    need = None if wanted.need is None else wanted.need.need
    joined = s.join(d, d.c.id == s.c.doctor_id).join(c, c.c.id == s.c.clinic_id)
    if need is not None:
        joined = joined.join(need, true())
    conditions = [wanted.is_untaken, wanted.is_in_range, wanted.is_accepted, *wanted.of_slot]
    if wanted.moving is not None:
        conditions.append(_is_elsewhere(wanted))
    if uncovered:
        conditions.append(_is_uncovered(wanted))
    query = select(*shown_columns(s, d, c, need)).select_from(joined)
    query = query.where(*conditions, s.c[whose] == an_id("whose"))
    after = query.where(s.c.starts_at >= AT, s.c.id != SLOT_ID)
    before = query.where(s.c.starts_at < AT)
    found = union_all(
        in_order(after, s, MOST),
        before.order_by(s.c.starts_at.desc(), s.c.id.desc()).limit(MOST),
    ).subquery("around")
    distance = func.greatest(found.c.starts_at - AT, AT - found.c.starts_at)
    return Statement(select(found).order_by(distance, found.c.id).limit(MOST))


def _is_elsewhere(wanted: WantedSlots) -> ColumnElement[bool]:
    """What moves is not offered the place that it has."""
    assert wanted.need is not None, "something moves"
    return or_(
        slots.c.appointment_id.is_distinct_from(wanted.moving),
        slots.c.starts_at != wanted.need.starts_at,
    )


def _is_uncovered(wanted: WantedSlots) -> ColumnElement[bool]:
    """Where no doctor is named, nobody is there: `!=` is unknown then, and what is free decides."""
    own = asked_singly(select(wanted.ends_of(slots).label("until")).correlate(slots))
    lasting = own.subquery("own")
    away = (
        func.unnest(instants("away_since"), instants("away_until"))
        .table_valued(column("since", INSTANT), column("until", INSTANT))
        .render_derived("away")
    )
    met = (
        select(away.c.since)
        .select_from(lasting.join(away, true()))
        .where(slots.c.starts_at < away.c.until, lasting.c.until > away.c.since)
        .correlate_except(lasting, away)
    )
    return or_(an_id("away_doctor_id") != slots.c.doctor_id, ~met.exists())
