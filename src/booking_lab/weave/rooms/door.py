"""Doctors let patients in while appointments change: who may be in a call, judged by commits."""

from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple
from uuid import NAMESPACE_OID, UUID, uuid5

import asyncpg

from booking_lab.weave.background import Does, Feeding
from booking_lab.weave.deeds import Deed
from booking_lab.weave.people import NothingToDo
from booking_lab.weave.records import OK, Record
from booking_lab.weave.scene import CLERK, OWNERS, PATIENTS
from booking_lab.weave.seen import Row, Seen
from booking_lab.weave.service import Service
from booking_system.consultations.adapters.rows import room_of
from booking_system.consultations.adapters.statements import LOOK
from booking_system.consultations.domain.room import Room
from booking_system.consultations.domain.seat import Party, Seat
from booking_system.shared_kernel.identifiers import AppointmentId

OPEN_ROOMS = (
    "UPDATE time_slots SET mode = 'online'",
    "UPDATE services SET mode = 'online'",
    "UPDATE clinics SET consultation_opens_minutes = 10000",
)
LATEST = "SELECT id FROM appointments WHERE patient_id = $1 ORDER BY id DESC LIMIT 1"
SEQ = "SELECT id, seq FROM consultation_rooms ORDER BY id"
ENTRIES = """SELECT room_id, seq, kind, about, reason, client_id
 FROM consultation_entries ORDER BY room_id, seq"""
TAKES_PLACE = frozenset({"confirmed", "checked_in", "completed"})
SAYS = frozenset({"admitted", "held"})
WORDS = SAYS | {"ended"}
"""By which a page knows whether its patient is in."""


class Watched(NamedTuple):
    """What is stored of rooms at one moment; `entries` by room, in their order."""

    seen: Seen
    seqs: Mapping[UUID, int]
    entries: Mapping[UUID, Sequence[Row]]
    rooms: Mapping[UUID, Room]


class Door:
    """What befalls rooms in a run. `follow` is what each process does that looks at its rooms."""

    workers = frozenset({"follow"})

    def __init__(self, service: Service, eyes: asyncpg.Connection, _: Feeding) -> None:
        """`eyes` is a connection that looks, and is no part of a run."""
        self._service, self._eyes = service, eyes
        of = service.container.consultations
        self._admit, self._say, self._end = of.admit(), of.say(), of.end()
        self._follow = of.follow()
        self._told = list[Watched]()
        self._words = dict[UUID, frozenset[int]]()
        self._rooms = dict[str, UUID]()
        self._said = dict[str, UUID]()
        self._heard = set[UUID]()
        self.deeds: Mapping[str, Does] = {
            "open rooms": self.open_rooms,
            "let in": self.let_in,
            "put back": self.let_in,
            "say": self.say,
            "end room": self.end,
            "follow": self.follow,
        }

    def begin(self) -> None:
        """Forget the run before."""
        self._told.clear()
        self._words.clear()
        self._rooms.clear()
        self._said.clear()
        self._heard.clear()

    async def open_rooms(self, *_: object) -> None:
        """The clinic's appointments are online, and its rooms are open long before."""
        for statement in OPEN_ROOMS:
            await self._eyes.execute(statement)

    async def let_in(self, deed: Deed, mark: str) -> None:
        """The doctor lets the patient in, or puts them back into the waiting room."""
        party = await self._doctor(deed, mark)
        await self._admit(party, of=Seat.PATIENT, is_admitted=deed.what == "let in")

    async def say(self, deed: Deed, mark: str) -> None:
        """The patient writes; with a key it is the same message each time."""
        room_id = await self._room(deed, mark)
        owner = OWNERS[deed.patient]
        party = Party(
            room_id=room_id,
            seat=Seat.PATIENT,
            user_id=owner.user_id,
            subject_id=PATIENTS[deed.patient],
            session_id=None,
        )
        self._said[mark] = uuid5(NAMESPACE_OID, mark)
        await self._say(party, client_id=self._said[mark], text="Hello")

    async def end(self, deed: Deed, mark: str) -> None:
        """The doctor ends it for all."""
        await self._end.by_party(await self._doctor(deed, mark))

    async def follow(self, deed: Deed, mark: str) -> None:
        """A process notes in the room what the appointment has decided."""
        await self._follow(await self._room(deed, mark))

    async def sees(self, seen: Seen, record: Record) -> list[str]:
        """Judge what a deed has committed."""
        before = self._told[-1] if self._told else None
        now = await self._watched(seen)
        self._told.append(now)
        if record.deed.what == "say" and record.answer == OK and record.mark in self._said:
            self._heard.add(self._said[record.mark])
        return [*self._new(before, now, record), *_wrong(now), *self._in_it(now, record)]

    async def wrong_in_the_end(self) -> AsyncIterator[str]:
        """Let a process look at each room, twice, and yield what is wrong then."""
        for one in (await self._look()).rooms:
            await self._follow(AppointmentId(one))
        once = await self._look()
        for one in once.rooms:
            await self._follow(AppointmentId(one))
        twice = await self._look()
        if once.entries != twice.entries:
            yield "a room that is followed again has something new"
        for room_id, room in twice.rooms.items():
            entries = twice.entries.get(room_id, [])
            words = [row["kind"] for row in entries if row["kind"] in WORDS]
            is_in = words[-1:] == ["admitted"]
            if _may_signal(room, twice.seen) and not is_in:
                yield "somebody is in a call, and the room's entries do not say so"
            if is_in and not room.is_admitted:
                yield "somebody is told that they are in, and they are not"
            if not room.visit.takes_place and not any(row["kind"] == "ended" for row in entries):
                yield "nobody is told that the appointment will not be"
        stored = Counter(row["client_id"] for rows in twice.entries.values() for row in rows)
        for one in self._heard:
            if stored[one] != 1:
                yield f"a message is there {stored[one]} times"

    async def rows(self) -> list[str]:
        """Return a line for each entry."""
        told = await self._look()
        return [
            f"room {number}: {row['seq']} {row['kind']} {row['about']} {row['reason']}"
            for number, rows in enumerate(told.entries.values())
            for row in rows
        ]

    def _new(self, before: Watched | None, now: Watched, record: Record) -> Iterator[str]:
        """Judge entries that this deed has stored, and remember for which time they were said."""
        for room_id, rows in now.entries.items():
            known = 0 if before is None else len(before.entries.get(room_id, []))
            for row in rows[known:]:
                if row["kind"] == "admitted":
                    self._words[room_id] = self._revisions(room_id, record)
                elif row["kind"] in {"held", "ended"}:
                    self._words[room_id] = frozenset()
                if row["kind"] in {"admitted", "chat"} and not self._ever(room_id, record):
                    yield f"{row['kind']} in a room whose appointment did not take place any more"

    def _in_it(self, now: Watched, record: Record) -> Iterator[str]:
        for room_id, room in now.rooms.items():
            is_meant = room.visit.revision in self._words.get(room_id, frozenset())
            if _may_signal(room, now.seen) and not is_meant:
                yield "somebody is in a call at a time for which no doctor has let them in"
        meant = self._rooms.get(record.mark)
        if record.deed.what == "let in" and record.answer == OK and meant is not None:
            doctors = {one.visits[meant]["doctor_id"] for one in self._during(record)}
            if record.deed.doctor_id not in doctors:
                yield "a doctor has let in whose appointment it is not"

    def _during(self, record: Record) -> list[Seen]:
        """What was so when the deed began, and since."""
        # The first commit that is known here is the second of the run.
        return [one.seen for one in self._told[max(record.begun - 1, 0) :]]

    def _revisions(self, room_id: UUID, record: Record) -> frozenset[int]:
        during = self._during(record)
        return frozenset(one.visits[room_id]["revision"] for one in during if room_id in one.visits)

    def _ever(self, room_id: UUID, record: Record) -> bool:
        during = [one.visits[room_id] for one in self._during(record) if room_id in one.visits]
        return any(row["status"] in TAKES_PLACE for row in during)

    async def _room(self, deed: Deed, mark: str) -> AppointmentId:
        found = await self._eyes.fetchval(LATEST, PATIENTS[deed.patient])
        if found is None:
            raise NothingToDo
        self._rooms[mark] = found
        return AppointmentId(found)

    async def _doctor(self, deed: Deed, mark: str) -> Party:
        return Party(
            room_id=await self._room(deed, mark),
            seat=Seat.DOCTOR,
            user_id=CLERK,
            subject_id=deed.doctor_id,
            session_id=None,
        )

    async def _look(self) -> Watched:
        return await self._watched(self._told[-1].seen)

    async def _watched(self, seen: Seen) -> Watched:
        seqs: dict[UUID, int] = {row["id"]: row["seq"] for row in await self._eyes.fetch(SEQ)}
        entries: dict[UUID, list[Any]] = {}
        for row in await self._eyes.fetch(ENTRIES):
            entries.setdefault(row["room_id"], []).append(row)
        rows = await LOOK.fetch(self._eyes, room_ids=list(seqs))
        rooms = {row["id"]: room_of(row) for row in sorted(rows, key=lambda one: one["id"])}
        return Watched(seen, seqs, entries, rooms)


def _may_signal(room: Room, seen: Seen) -> bool:
    """As the program decides it for the patient."""
    return room.is_open(seen.now) and room.is_admitted


def _wrong(now: Watched) -> Iterator[str]:
    """What holds of entries at each moment."""
    for room_id, rows in now.entries.items():
        if [row["seq"] for row in rows] != [*range(1, now.seqs[room_id] + 1)]:
            yield "the entries of a room are not numbered without a gap"
        words = [row["kind"] for row in rows if row["kind"] in WORDS]
        if any(one == other and one in SAYS for one, other in pairwise(words)):
            yield "somebody is let in, or put back, twice"
        clients = Counter(row["client_id"] for row in rows if row["kind"] == "chat")
        if max(clients.values(), default=0) > 1:
            yield "a message is stored twice"
