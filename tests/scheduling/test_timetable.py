"""What rules and exceptions want, and what becomes of a calendar that follows them."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from booking_system.platform.http.fields import time_zones
from booking_system.scheduling.domain.availability import AvailabilityRule, Hours, horizon_of
from booking_system.scheduling.domain.local_time import span_of, whole_days
from booking_system.scheduling.domain.refusals import (
    AvailabilityOverlap,
    NonexistentLocalTime,
    PlanTooLarge,
)
from booking_system.scheduling.domain.slot_plan import PresentSlot, WishedSlot, missing, plan
from booking_system.scheduling.domain.time_slot import ClosedBecause
from booking_system.scheduling.domain.timetable import (
    MOST_SLOTS,
    WINDOW_DAYS,
    WINDOW_SLOTS,
    AvailabilityException,
    Timetable,
)
from booking_system.shared_kernel.errors import Invalid
from booking_system.shared_kernel.identifiers import (
    AppointmentId,
    ClinicId,
    DoctorId,
    RuleId,
    SlotId,
)
from booking_system.shared_kernel.mode import Mode
from booking_system.shared_kernel.period import Period

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"]
CLINIC, DOCTOR = ClinicId(UUID(int=1)), DoctorId(UUID(int=2))
MONDAY = date(2027, 3, 22)
"""The clocks of Europe change on the Sunday behind it."""
NOW = datetime(2027, 3, 21, 12, tzinfo=UTC)


def hours(**about: Any) -> Hours:
    usual: dict[str, Any] = {
        "weekdays": frozenset(range(1, 8)),
        "start_minute": 540,
        "end_minute": 720,
        "slot": 60 * MINUTE,
        "gap": timedelta(0),
        "valid_from": MONDAY,
        "valid_until": None,
        "mode": Mode.IN_PERSON,
    }
    return Hours(**usual | about)


def rule(one: Hours, number: int = 10) -> AvailabilityRule:
    return AvailabilityRule(
        id=RuleId(UUID(int=number)),
        clinic_id=CLINIC,
        doctor_id=DOCTOR,
        hours=one,
        created_at=NOW,
        updated_at=NOW,
    )


def on(day: date, *about: Hours, replaces: bool = True, number: int = 20) -> AvailabilityException:
    return AvailabilityException(
        id=RuleId(UUID(int=number)),
        clinic_id=CLINIC,
        doctor_id=DOCTOR,
        day=day,
        replaces=replaces,
        hours=[replace(one, valid_from=day, valid_until=day) for one in about],
        created_at=NOW,
    )


def clocks(wishes: Iterable[WishedSlot]) -> list[str]:
    return [f"{wish.period.starts_at:%d %H:%M}" for wish in wishes]


WEEK = Period(datetime(2027, 3, 22, tzinfo=UTC), datetime(2027, 3, 25, tzinfo=UTC))


def test_an_exception_replaces_the_hours_of_its_date_or_adds_to_them() -> None:
    table = Timetable(time_zone="UTC", rules=[rule(hours())])
    tuesday = MONDAY + DAY
    assert len(table.wishes(WEEK)) == 9

    instead = table.with_exception(on(tuesday, hours(start_minute=600, slot=30 * MINUTE)))
    assert clocks(instead.wishes(WEEK))[3:7] == ["23 10:00", "23 10:30", "23 11:00", "23 11:30"]
    assert len(instead.wishes(WEEK)) == 10
    none = table.with_exception(on(tuesday))
    assert [one[:2] for one in clocks(none.wishes(WEEK))] == ["22"] * 3 + ["24"] * 3
    more = table.with_exception(
        on(tuesday, hours(start_minute=780, end_minute=840), replaces=False)
    )
    assert clocks(more.wishes(WEEK))[3:7] == ["23 09:00", "23 10:00", "23 11:00", "23 13:00"]
    assert more.without(RuleId(UUID(int=20))).wishes(WEEK) == table.wishes(WEEK)


def test_hours_that_hold_at_one_hour_of_one_date_are_refused() -> None:
    table = Timetable(time_zone="UTC", rules=[rule(hours())])
    late = hours(start_minute=780, end_minute=840)
    with pytest.raises(AvailabilityOverlap):
        table.check_exception(on(MONDAY, hours(start_minute=660), replaces=False))
    table.check_exception(on(MONDAY, hours(start_minute=660)))
    table.check_exception(on(MONDAY, late, replaces=False))
    added = table.with_exception(on(MONDAY, late, replaces=False))
    for again in (on(MONDAY, late, replaces=False), on(MONDAY, late)):
        with pytest.raises(AvailabilityOverlap):
            added.check_exception(again)
    added.check_exception(on(MONDAY + DAY, late, replaces=False))
    with pytest.raises(AvailabilityOverlap):
        table.with_exception(on(MONDAY)).check_exception(on(MONDAY, hours()))
    with pytest.raises(AvailabilityOverlap):
        added.check_rule(rule(hours(start_minute=810, end_minute=900), 11))
    added.check_rule(rule(hours(start_minute=840, end_minute=900), 11))


def test_too_many_slots_are_counted_without_making_them() -> None:
    horizon = horizon_of(NOW, 730)
    nothing = Timetable(time_zone="UTC")
    half_hours = nothing.with_rule(rule(hours(start_minute=0, end_minute=1440, slot=30 * MINUTE)))
    half_hours.check_size(horizon, before=nothing)
    minutes = nothing.with_rule(rule(hours(start_minute=0, end_minute=1440, slot=MINUTE)))
    with pytest.raises(PlanTooLarge, match=str(MOST_SLOTS)):
        minutes.check_size(horizon, before=nothing)
    # What was allowed once may shrink.
    less = nothing.with_rule(rule(hours(start_minute=0, end_minute=1430, slot=MINUTE)))
    less.check_size(horizon, before=minutes)
    many = replace(nothing, exceptions=[on(MONDAY + n * DAY, number=n + 99) for n in range(501)])
    with pytest.raises(PlanTooLarge):
        many.check_size(horizon, before=nothing)


def test_an_exception_has_hours_that_can_be() -> None:
    today = MONDAY
    wrong = [
        (on(MONDAY - DAY, hours()), "/date"),
        (on(MONDAY, replaces=False), "/hours"),
        (on(MONDAY, hours(), hours(start_minute=600)), "/hours/1"),
        (on(MONDAY, hours(), hours(start_minute=800, end_minute=780)), "/hours/1/end_time"),
    ]
    for exception, pointer in wrong:
        with pytest.raises(Invalid) as refused:
            exception.check("UTC", today=today)
        assert refused.value.extras["errors"][0]["pointer"] == pointer


ANY_HOURS = st.builds(
    lambda weekdays, bounds, slot, gap, mode: hours(
        weekdays=frozenset(weekdays),
        start_minute=min(bounds),
        end_minute=max(bounds),
        slot=slot * MINUTE,
        gap=gap * MINUTE,
        mode=mode,
    ),
    st.sets(st.integers(1, 7), min_size=1),
    st.lists(st.integers(0, 1440), min_size=2, max_size=2, unique=True),
    st.integers(1, 200),
    st.integers(0, 60),
    st.sampled_from(Mode),
)


@st.composite
def timetables(draw: st.DrawFn, zones: list[str] = ZONES) -> Timetable:
    table = Timetable(time_zone=draw(st.sampled_from(zones)))
    for number, one in enumerate(draw(st.lists(ANY_HOURS, max_size=3))):
        made = rule(one, 10 + number)
        try:
            table.check_rule(made)
        except AvailabilityOverlap:
            continue
        table = table.with_rule(made)
    for number, one in enumerate(draw(st.lists(ANY_HOURS, max_size=3))):
        day = MONDAY + draw(st.integers(0, 7)) * DAY
        whole = replace(one, weekdays=frozenset(range(1, 8)))
        which = draw(st.sampled_from(["instead", "none", "extra"]))
        given = [] if which == "none" else [whole]
        made_one = on(day, *given, replaces=which != "extra", number=20 + number)
        try:
            table.check_exception(made_one)
        except AvailabilityOverlap:
            continue
        table = table.with_exception(made_one)
    return table


@settings(max_examples=80)
@given(table=timetables(sorted(time_zones())), days=st.integers(1, 60))
def test_windows_follow_one_another_and_want_together_what_the_whole_wants(
    table: Timetable, days: int
) -> None:
    whole = horizon_of(NOW, days)
    windows = [window.period for window in table.windows(whole)]

    assert (windows[0].starts_at, windows[-1].ends_at) == (whole.starts_at, whole.ends_at)
    for one, other in pairwise(windows):
        assert one.ends_at == other.starts_at
    parts = [table.wishes(window) for window in windows]
    assert [wish for part in parts for wish in part] == table.wishes(whole)
    for window, part in zip(windows, parts, strict=True):
        # A day that is longer than others has some more, and a day by itself is never cut.
        assert len(part) <= max(WINDOW_SLOTS * 1.1, 1500)
        assert window.length <= (WINDOW_DAYS + 1) * DAY


@settings(max_examples=80)
@given(table=timetables(sorted(time_zones())), shift=st.integers(-30, 30))
def test_a_wish_is_found_by_arithmetic_where_it_is_among_all(table: Timetable, shift: int) -> None:
    wished = {(wish.period, wish.mode): wish for wish in table.wishes(horizon_of(NOW, 12))}
    for period, mode in list(wished)[:60]:
        assert table.wish_for(period, mode) in [w for w in wished.values() if w.period == period]
        moved = Period(period.starts_at + shift * MINUTE, period.ends_at + shift * MINUTE)
        assert (table.wish_for(moved, mode) is not None) == ((moved, mode) in wished) or not (
            NOW <= moved.starts_at < NOW + 12 * DAY
        )
    counted = sum(table.counts(MONDAY - DAY, MONDAY + 13 * DAY).values())
    assert counted >= len(wished) * 0.9 - 70


class World:
    """A calendar in memory that follows a timetable, with somebody who does things to it."""

    def __init__(self, table: Timetable) -> None:
        self.table = table
        self.slots: list[PresentSlot] = []
        self.deleted: list[PresentSlot] = []
        self.whole = horizon_of(NOW, 9)

    def follow(self) -> None:
        for window in self.table.windows(self.whole):
            wished = self.table.wishes(window.period)
            reach = Period(window.period.starts_at, window.period.ends_at + DAY)
            met = [s for s in self.slots + self.deleted if s.period.overlaps(reach)]
            planned = plan(met, wished, within=window.period)
            gone = {slot.id for slot in planned.withdrawn}
            left = {slot.id for slot in planned.left}
            regained = {slot.id: wish for slot, wish in planned.regained}
            kept = []
            for slot in self.slots:
                if slot.id in left:
                    kept.append(replace(slot, is_outside=True))
                elif slot.id in regained:
                    wish = regained[slot.id]
                    kept.append(replace(slot, is_outside=False, rule_id=wish.rule_id))
                elif slot.id not in gone:
                    kept.append(slot)
            self.slots = kept
            self.open(planned.opened)

    def open(self, wishes: Iterable[WishedSlot]) -> None:
        self.slots += [
            PresentSlot(
                id=SlotId(uuid4()), period=wish.period, mode=wish.mode, rule_id=wish.rule_id
            )
            for wish in wishes
        ]

    def refill(self, freed: PresentSlot) -> None:
        if freed.is_outside and freed.may_go:
            self.slots.remove(freed)
        self.open(missing(self.slots + self.deleted, self.table.wishes(self.whole)))

    def change(self, place: int, **about: Any) -> PresentSlot:
        place %= len(self.slots)
        self.slots[place] = replace(self.slots[place], **about)
        return self.slots[place]

    def let_go_of_everything(self) -> None:
        for slot in [one for one in self.slots if one.is_outside or not one.may_go]:
            place = self.slots.index(slot)
            self.refill(self.change(place, appointment_id=None, is_held=False, closed_because=None))


@settings(max_examples=120)
@given(
    tables=st.lists(timetables(["UTC"]), min_size=2, max_size=4),
    deeds=st.lists(
        st.tuples(st.sampled_from(["book", "hold", "close", "delete", "free"]), st.integers(0)),
        max_size=12,
    ),
)
def test_when_everybody_has_let_go_the_calendar_is_what_the_hours_want(
    tables: list[Timetable], deeds: list[tuple[str, int]]
) -> None:
    """However hours changed meanwhile: minus the time that was deleted by hand."""
    world = World(tables[0])
    world.follow()
    for number, (deed, place) in enumerate(deeds):
        if world.slots and deed == "book":
            world.change(place, appointment_id=AppointmentId(uuid4()))
        elif world.slots and deed == "hold":
            world.change(place, is_held=True)
        elif world.slots and deed == "close":
            world.change(place, closed_because=ClosedBecause.BY_HAND)
        elif world.slots and deed == "free":
            world.refill(world.change(place, appointment_id=None, is_held=False))
        elif world.slots and deed == "delete":
            slot = world.slots[place % len(world.slots)]
            if slot.may_go and not slot.is_outside:
                world.slots.remove(slot)
                world.deleted.append(replace(slot, is_deleted=True))
        if number % 3 == 2:
            world.table = tables[number // 3 % len(tables)]
            world.follow()
        for one, other in pairwise(sorted(world.slots, key=lambda s: s.period.starts_at)):
            assert one.period.ends_at <= other.period.starts_at

    world.let_go_of_everything()

    wanted = missing(world.deleted, world.table.wishes(world.whole))
    assert {(s.period, s.mode) for s in world.slots} == {(w.period, w.mode) for w in wanted}
    assert not any(slot.is_outside for slot in world.slots)


def test_time_that_was_deleted_by_hand_stays_free_whatever_the_grid() -> None:
    half_past = Period(NOW + DAY, NOW + DAY + 30 * MINUTE)
    deleted = PresentSlot(
        id=SlotId(uuid4()), period=half_past, mode=Mode.IN_PERSON, is_deleted=True
    )
    shifted = [
        WishedSlot(
            rule_id=RuleId(uuid4()),
            period=Period(NOW + DAY + n * MINUTE, NOW + DAY + (n + 15) * MINUTE),
            mode=Mode.IN_PERSON,
        )
        for n in (-15, 0, 15, 30)
    ]
    assert missing([deleted], shifted) == [shifted[0], shifted[3]]


@settings(max_examples=300)
@given(
    zone=st.sampled_from(sorted(time_zones())), day=st.dates(date(2000, 1, 1), date(2099, 12, 30))
)
def test_every_local_day_of_every_zone_is_a_stretch_of_time_or_none_at_all(
    zone: str, day: date
) -> None:
    spans = [span for n in range(3) if (span := span_of(day + n * DAY, zone)) is not None]
    assert len(spans) >= 2
    for one, other in pairwise(spans):
        assert one.ends_at == other.starts_at
    assert whole_days([spans[0]], zone)[0].starts_at == spans[0].starts_at


@pytest.mark.parametrize("zone", ["Pacific/Apia", "Pacific/Fakaofo"])
def test_a_day_that_was_skipped_is_none_at_all(zone: str) -> None:
    assert span_of(date(2011, 12, 30), zone) is None
    hole = span_of(date(2011, 12, 29), zone), span_of(date(2011, 12, 31), zone)
    assert hole[0] is not None
    assert hole[1] is not None
    both = whole_days([Period(hole[0].starts_at, hole[1].ends_at)], zone)
    assert both[0].starts_at == hole[0].starts_at
    assert len(both) == 1
    with pytest.raises(NonexistentLocalTime):
        on(date(2011, 12, 30), replaces=True).check(zone, today=date(2011, 1, 1))
