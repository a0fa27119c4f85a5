"""What one page is told: round by round, and through the real server."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from booking_system.integrations.adapters import live_pages, live_slots, tail
from booking_system.integrations.adapters.live_pages import Here, Told
from booking_system.integrations.adapters.live_slots import LiveSlots
from booking_system.integrations.domain.feed import FeedEvent
from booking_system.integrations.domain.live_slots import SlotState, Void, Wanted, hint_of
from booking_system.platform.clock import SystemClock
from booking_system.platform.http import event_stream
from booking_system.platform.http.mailbox import TooSlowError
from booking_system.platform.postgres.feed import Relay
from booking_system.shared_kernel.identifiers import ClinicId
from booking_system.shared_kernel.period import Period
from tests.api import START, Api, Person, code_of
from tests.integrations.reading import Reader
from tests.platform.real_server import RealServer, real_server
from tests.stage import Stage

Made = dict[str, Any]
ALL = Period(START - timedelta(days=1), START + timedelta(days=3))


class Rounds:
    """A page whose rounds a test does itself: what comes between two of them it decides."""

    def __init__(self, api: Api, clinic: Made, **wanted: Any) -> None:
        self.api = api
        self.live: LiveSlots = api.container.integrations.live_slots()
        self.wanted = Wanted(
            clinic_id=ClinicId(UUID(clinic["id"])),
            doctor_id=wanted.get("doctor_id"),
            service_id=wanted.get("service_id"),
            period=wanted.get("period", ALL),
        )
        self._stream: Any = None

    async def opens(self, after: int | None = None) -> list[tuple[Told, int | None]]:
        """What it is told up to its place."""
        self._stream = self.live.follow(self.wanted, after)
        told = [await anext(self._stream)]
        while not isinstance(told[-1][0], Here):
            told.append(await anext(self._stream))
        return told

    async def round(self) -> list[tuple[Told, int | None]]:
        """What it is told by the next round."""
        api = self.api
        await Relay(database=api.container.database()).once()
        await api.container.integrations.tail().once()
        await self.live.once()
        (page,) = self.live._pages[self.wanted.clinic_id]
        told: list[tuple[Told, int | None]] = []
        while page.box._items:
            told.append(await anext(self._stream))
            while told[-1][1] is None:
                told.append(await anext(self._stream))
        return told

    async def end(self) -> None:
        await self._stream.aclose()


Rounding = Callable[..., Rounds]


@pytest.fixture
async def rounds(api: Api) -> AsyncIterator[Rounding]:
    """Makes pages, each of which has ended when the test has."""
    opened: list[Rounds] = []

    def of(clinic: Made, **wanted: Any) -> Rounds:
        opened.append(Rounds(api, clinic, **wanted))
        return opened[-1]

    yield of
    for one in opened:
        await one.end()
    assert api.container.integrations.live_slots()._waiting is None
    assert not api.container.integrations.tail()._sinks


def states(told: Sequence[tuple[Told, int | None]]) -> dict[str, bool]:
    return {str(one.id): one.is_open for one, _ in told if isinstance(one, SlotState)}


async def clinic_with(api: Api, slots: int = 3) -> tuple[Made, list[Made]]:
    clinic = await api.clinic()
    doctor = await api.doctor(clinic)
    return clinic, await api.slots(doctor, slots)


async def hold(api: Api, slot: Made, by: Person) -> str:
    made = await api.made("/v1/holds", {"time_slot_id": slot["id"]}, by)
    return str(made["id"])


async def test_a_slot_that_was_taken_and_given_back_between_two_rounds_is_told(
    api: Api, rounds: Rounding
) -> None:
    """Somebody who read the list meanwhile has it not, and would never hear of it again."""
    clinic, (slot, other, _) = await clinic_with(api)
    patient = await api.patient()
    page = rounds(clinic)
    await page.opens()
    hold_id = await hold(api, slot, patient)
    assert states(await page.round())[slot["id"]] is False
    await api.send("DELETE", f"/v1/holds/{hold_id}", patient)
    assert states(await page.round()) == {slot["id"]: True}
    hold_id = await hold(api, slot, patient)
    await api.send("DELETE", f"/v1/holds/{hold_id}", patient)
    assert states(await page.round()) == {slot["id"]: True}
    await api.book(other, patient)
    assert states(await page.round()) == {other["id"]: False}


async def test_a_hold_that_runs_out_is_told_without_an_event(api: Api, rounds: Rounding) -> None:
    clinic, (slot, *_) = await clinic_with(api)
    page = rounds(clinic)
    await page.opens()
    hold_id = await hold(api, slot, await api.patient())
    assert states(await page.round())[slot["id"]] is False
    assert states(await page.round()) == {}
    async with api.container.database().reading() as connection:
        await connection.execute(
            "UPDATE time_slots SET held_until = clock_timestamp() WHERE hold_id = $1", UUID(hold_id)
        )
    assert states(await page.round()) == {slot["id"]: True}
    assert states(await page.round()) == {}


async def test_what_comes_too_near_is_gone_without_an_event(api: Api, rounds: Rounding) -> None:
    now = api.container.clock().now()
    clinic = await api.clinic(policy={"min_notice_minutes": 60, "horizon_days": 10})
    doctor = await api.doctor(clinic)
    (near,) = await api.slots(doctor, start=now + timedelta(minutes=61))
    (far,) = await api.slots(doctor, start=now + timedelta(days=10, minutes=1))
    page = rounds(clinic, period=Period(now, now + timedelta(days=20)))
    await Relay(database=api.container.database()).once()
    await page.opens()
    assert states(await page.round()) == {}
    kept = page.live._clock
    try:
        page.live._clock = _Later(timedelta(minutes=2))
        page.live._looks = _with_clock(page.live._looks, page.live._clock)
        assert states(await page.round()) == {near["id"]: False, far["id"]: True}
    finally:
        page.live._clock = kept
        page.live._looks = _with_clock(page.live._looks, kept)


class _Later:
    """A clock that goes ahead of the machine's."""

    def __init__(self, by: timedelta) -> None:
        self._by = by

    def now(self) -> Any:
        return SystemClock().now() + self._by


def _with_clock(looks: Any, clock: Any) -> Any:
    return replace(looks, clock=clock)


async def test_slots_that_a_hand_opens_closes_or_deletes_are_told(
    api: Api, rounds: Rounding
) -> None:
    clinic, (slot, other, _) = await clinic_with(api)
    page = rounds(clinic)
    await page.opens()
    await page.round()
    await api.post(f"/v1/slots/{slot['id']}/close", None, api.admin)
    assert states(await page.round())[slot["id"]] is False
    await api.post(f"/v1/slots/{slot['id']}/reopen", None, api.admin)
    assert states(await page.round()) == {slot["id"]: True}
    await api.send("DELETE", f"/v1/slots/{other['id']}", api.admin)
    assert states(await page.round()) == {other["id"]: False}
    (new,) = await api.slots({"id": slot["doctor_id"]}, start=START + timedelta(hours=5))
    assert states(await page.round()) == {new["id"]: True}


async def test_a_move_is_told_where_it_left_and_where_it_went(api: Api, rounds: Rounding) -> None:
    clinic, (slot, *_) = await clinic_with(api)
    colleague = await api.doctor(clinic)
    (elsewhere,) = await api.slots(colleague, start=START + timedelta(days=2))
    patient = await api.patient()
    booked = (await api.book(slot, patient)).json()
    page = rounds(clinic)
    await Relay(database=api.container.database()).once()
    await page.opens()
    body = {"time_slot_id": elsewhere["id"]}
    await api.post(f"/v1/bookings/{booked['id']}/reschedule", body, patient)
    told = states(await page.round())
    assert (told[slot["id"]], told[elsewhere["id"]]) == (True, False)


async def test_a_page_that_comes_again_is_told_what_it_missed(api: Api, rounds: Rounding) -> None:
    clinic, (slot, other, _) = await clinic_with(api)
    patient = await api.patient()
    page = rounds(clinic)
    await page.opens()
    hold_id = await hold(api, slot, patient)
    ((_, place),) = [one for one in await page.round() if one[1] is not None]
    await page.end()
    await api.book(other, await api.patient())
    async with api.container.database().reading() as connection:
        await connection.execute(
            "UPDATE time_slots SET held_until = clock_timestamp() WHERE hold_id = $1", UUID(hold_id)
        )
    await Relay(database=api.container.database()).once()
    told = await page.opens(place)
    assert states(told).items() >= {slot["id"]: True, other["id"]: False}.items()
    assert not any(isinstance(one, Void) for one, _ in told)
    # What came behind a place that was told too early would be lost with the connection.
    assert [seq is None for _, seq in told] == [True] * (len(told) - 1) + [False]


async def test_only_the_last_of_what_is_told_together_has_a_place(
    api: Api, rounds: Rounding
) -> None:
    clinic, slots = await clinic_with(api, 4)
    page = rounds(clinic)
    await page.opens()
    await api.book(slots[0], await api.patient())
    told = await page.round()
    assert len(told) > 1
    assert [seq is None for _, seq in told] == [True] * (len(told) - 1) + [False]


async def test_a_page_that_was_away_for_long_or_elsewhere_reads_anew(
    api: Api, rounds: Rounding, monkeypatch: pytest.MonkeyPatch
) -> None:
    clinic, (slot, *_) = await clinic_with(api)
    page = rounds(clinic)
    await api.book(slot, await api.patient())
    await Relay(database=api.container.database()).once()
    ((_, place),) = await page.opens()
    assert place is not None
    await page.end()
    for after in (place + 1_000, 0):
        (void, _), _ = await page.opens(after)
        assert isinstance(void, Void)
        await page.end()
    monkeypatch.setattr(live_slots, "LONGEST_AWAY", timedelta(0))
    (void, _), _ = await page.opens(place)
    assert isinstance(void, Void)


async def test_a_calendar_that_changes_is_read_anew_by_its_pages_alone(
    api: Api, rounds: Rounding
) -> None:
    clinic, (slot, *_) = await clinic_with(api)
    colleague = await api.doctor(clinic)
    await Relay(database=api.container.database()).once()
    period = Period(START + timedelta(days=30), START + timedelta(days=31))
    away = {"starts_at": START.isoformat(), "ends_at": (START + timedelta(hours=4)).isoformat()}
    for wanted, is_told in (
        ({}, True),
        ({"doctor_id": UUID(slot["doctor_id"])}, True),
        ({"doctor_id": UUID(colleague["id"])}, False),
        ({"period": period}, False),
    ):
        page = rounds(clinic, **wanted)
        await page.opens()
        path = f"/v1/doctors/{slot['doctor_id']}/time-off"
        made = await api.made(path, away)
        assert any(isinstance(one, Void) for one, _ in await page.round()) is is_told
        await api.send("DELETE", f"/v1/time-off/{made['id']}", api.admin)
        assert any(isinstance(one, Void) for one, _ in await page.round()) is is_told
        await page.end()


@pytest.mark.parametrize(
    "data", [{}, {"doctor_id": "no id"}, {"starts_at": None}, {"starts_at": "yesterday"}]
)
@pytest.mark.parametrize(
    "name", ["slot.held", "booking.rescheduled", "calendar.changed", "clinic.changed"]
)
def test_an_event_of_another_version_voids_what_was_known_of_its_clinic(
    name: str, data: dict[str, Any]
) -> None:
    clinic_id = ClinicId(uuid4())
    event = FeedEvent(
        seq=1, id=uuid4(), name=name, clinic_id=clinic_id, occurred_at=START, data=data
    )
    assert hint_of(event) == [Void(clinic_id=clinic_id)]
    assert hint_of(replace(event, clinic_id=None)) == []
    assert hint_of(replace(event, name="staff.added")) == []


async def test_pages_of_one_question_cost_one_look(
    api: Api, rounds: Rounding, monkeypatch: pytest.MonkeyPatch
) -> None:
    clinic, (slot, *_) = await clinic_with(api)
    page = rounds(clinic)
    await page.opens()
    others = [page.live.follow(page.wanted, None) for _ in range(5)]
    for one in others:
        await anext(one)
    looks = list[object]()
    kept = type(page.live._looks).states

    async def counted(self: Any, *about: Any, **more: Any) -> Any:
        looks.append(about)
        return await kept(self, *about, **more)

    monkeypatch.setattr(type(page.live._looks), "states", counted)
    await api.book(slot, await api.patient())
    relay = Relay(database=api.container.database())
    await relay.once()
    await api.container.integrations.tail().once()
    await page.live.once()
    for one in others:
        told, _ = await anext(one)
        assert isinstance(told, SlotState)
        await one.aclose()
    assert len(looks) == 1


async def test_events_that_are_lost_to_the_reader_make_every_page_read_anew(
    api: Api, rounds: Rounding, monkeypatch: pytest.MonkeyPatch
) -> None:
    clinic, (slot, *_) = await clinic_with(api)
    page = rounds(clinic)
    await page.opens()
    monkeypatch.setattr(live_pages, "MOST_WAITING", 0)
    await api.book(slot, await api.patient())
    ((void, seq),) = await page.round()
    assert isinstance(void, Void)
    assert seq is not None
    monkeypatch.undo()
    await api.post(f"/v1/slots/{slot['id']}/close", None, api.admin)


async def test_what_could_not_be_looked_at_is_looked_at_again(
    api: Api, rounds: Rounding, monkeypatch: pytest.MonkeyPatch
) -> None:
    clinic, (slot, *_) = await clinic_with(api)
    page = rounds(clinic)
    await page.opens()
    await api.book(slot, await api.patient())
    kept = type(page.live._looks).states
    calls = list[object]()

    async def fails_behind(self: Any, *about: Any, **more: Any) -> Any:
        calls.append(await kept(self, *about, **more))
        raise LookupError("no answer")

    monkeypatch.setattr(type(page.live._looks), "states", fails_behind)
    with pytest.raises(LookupError, match="no answer"):
        await page.round()
    monkeypatch.setattr(type(page.live._looks), "states", kept)
    assert states(await page.round())[slot["id"]] is False


async def test_a_page_that_does_not_read_is_let_go(
    api: Api, rounds: Rounding, monkeypatch: pytest.MonkeyPatch
) -> None:
    clinic, (slot, *_) = await clinic_with(api)
    page = rounds(clinic)
    await page.opens()
    (one,) = page.live._pages[page.wanted.clinic_id]
    monkeypatch.setattr(one.box, "_most_bytes", 1)
    await api.book(slot, await api.patient())
    await Relay(database=api.container.database()).once()
    await api.container.integrations.tail().once()
    await page.live.once()
    with pytest.raises(TooSlowError):
        await anext(page._stream)


@pytest.fixture
async def server(
    database_url: str, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[RealServer]:
    for module in (live_slots, tail):
        monkeypatch.setattr(module, "PAUSE_SECONDS", 0.02)
    monkeypatch.setattr(event_stream, "FIRST_SECONDS", 0.05)
    async with real_server(stage) as server:
        yield server


async def test_strangers_follow_and_learn_nothing_of_anybody(server: RealServer) -> None:
    api = server.api
    _, (slot, other, _) = await clinic_with(api)
    patient = await api.patient()
    await Relay(database=api.container.database()).once()
    params = {"doctor_id": slot["doctor_id"], "from": START.isoformat()}
    async with api.client.stream("GET", "/v1/slots/stream", params=params) as answer:
        assert answer.status_code == 200
        reader = Reader(answer)
        place = await reader.next()
        assert (place.name, place.data) == ("place", {})
        await api.book(slot, patient)
        await Relay(database=api.container.database()).once()
        told = await reader.next()
        while told.data["id"] != slot["id"]:
            told = await reader.next()
    assert told.name == "slot"
    assert told.data == {
        "id": slot["id"],
        "doctor_id": slot["doctor_id"],
        "starts_at": slot["starts_at"],
        "ends_at": slot["ends_at"],
        "status": "gone",
    }
    await api.book(other, await api.patient())
    await Relay(database=api.container.database()).once()
    again = params | {"last_event_id": place.id}
    async with api.client.stream("GET", "/v1/slots/stream", params=again) as answer:
        reader = Reader(answer)
        seen = dict[str, str]()
        while (told := await reader.next()).name == "slot":
            seen[told.data["id"]] = told.data["status"]
        assert told.name == "place"
        assert seen.items() >= {slot["id"]: "gone", other["id"]: "gone"}.items()
        server.drain()
        assert (await reader.next()).name == "end"


async def test_what_names_nothing_is_refused(api: Api) -> None:
    clinic = await api.clinic()
    nothing = str(uuid4())
    for params in (
        {},
        {"service_id": nothing},
        {"clinic_id": nothing},
        {"doctor_id": nothing},
        {"clinic_id": clinic["id"], "service_id": nothing},
        {"clinic_id": clinic["id"], "doctor_id": nothing},
        {"clinic_id": clinic["id"], "from": START.isoformat(), "to": START.isoformat()},
        {"clinic_id": clinic["id"], "to": (START + timedelta(days=90)).isoformat()},
    ):
        answer = await api.get("/v1/slots/stream", None, **params)
        assert code_of(answer) == (422, "validation_error"), params
