"""The statements of rooms: what they are, what is stored in them, and who sits where."""

from datetime import timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Interval,
    and_,
    any_,
    bindparam,
    case,
    delete,
    exists,
    func,
    insert,
    literal,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert

from booking_system.booking.records.tables import appointments
from booking_system.consultations.domain.seat import Seat
from booking_system.consultations.records.tables import (
    consultation_entries,
    consultation_guests,
    consultation_instances,
    consultation_rooms,
    consultation_sittings,
)
from booking_system.directory.records.tables import clinics
from booking_system.platform.postgres.phrases import INSTANT, an_id, given, how_many, ids
from booking_system.platform.postgres.statement import Statement

r, e, s = consultation_rooms, consultation_entries, consultation_sittings
g, i = consultation_guests, consultation_instances
a, c = appointments, clinics

ROOM_ID = an_id("room_id")
NOW: Any = func.now(type_=INSTANT)
"""Of the database: instances compare each other's leases by one clock."""


def _number(name: str) -> Any:
    return bindparam(name, type_=BigInteger())


oa, ra, rs, ri = a.alias("oa"), r.alias("ra"), s.alias("rs"), i.alias("ri")
HALF_A_DAY = timedelta(hours=12)
DOCTOR_IS_ELSEWHERE = (
    select(oa.c.id)
    .select_from(
        oa.join(ra, ra.c.id == oa.c.id)
        .join(rs, and_(rs.c.room_id == oa.c.id, rs.c.seat == Seat.DOCTOR.value))
        .join(ri, ri.c.id == rs.c.instance_id)
    )
    .where(
        oa.c.doctor_id == a.c.doctor_id,
        oa.c.id != a.c.id,
        # Of the same day: an index has the doctor's times.
        oa.c.starts_at.between(a.c.starts_at - HALF_A_DAY, a.c.starts_at + HALF_A_DAY),
        ra.c.admitted_revision == oa.c.revision,
        rs.c.gone_at.is_(None),
        rs.c.left_at.is_(None),
        ri.c.alive_until > NOW,
    )
    .correlate(a)
    .exists()
)
"""The doctor sits in another room, and has let its patient in."""

LOOK: Statement[Any] = Statement(
    select(
        a.c.id,
        a.c.clinic_id,
        a.c.doctor_id,
        a.c.patient_id,
        a.c.status,
        a.c.mode,
        a.c.revision,
        a.c.starts_at,
        a.c.ends_at,
        c.c.consultation_opens_minutes,
        c.c.consultation_closes_minutes,
        c.c.consultation_relay_only,
        func.coalesce(r.c.seq, 0).label("seq"),
        r.c.admitted_revision,
        r.c.extended_revision,
        r.c.ended_revision,
        r.c.end_reason,
        r.c.late_revision,
        func.coalesce(r.c.late_minutes, 0).label("late_minutes"),
        DOCTOR_IS_ELSEWHERE.label("doctor_is_elsewhere"),
    )
    .select_from(a.join(c, c.c.id == a.c.clinic_id).outerjoin(r, r.c.id == a.c.id))
    .where(a.c.id == any_(ids("room_ids")))
)
"""A room that nobody was in has no row yet."""

SITTINGS: Statement[Any] = Statement(
    select(
        s,
        i.c.alive_until,
        g.c.name,
        g.c.is_admitted,
        NOW.label("read_at"),
    )
    .select_from(
        s.outerjoin(i, i.c.id == s.c.instance_id).outerjoin(
            g, and_(s.c.seat == Seat.GUEST.value, g.c.id == s.c.person_id)
        )
    )
    .where(s.c.room_id == any_(ids("room_ids")), g.c.removed_at.is_(None))
    .order_by(s.c.room_id, s.c.seat)
)
"""A guest who was removed sits nowhere."""

MAKE: Statement[Any] = Statement(
    upsert(r)
    .from_select(["id", "created_at"], select(a.c.id, NOW).where(a.c.id == ROOM_ID))
    .on_conflict_do_nothing()
)
LOCK: Statement[Any] = Statement(select(r.c.id).where(r.c.id == ROOM_ID).with_for_update())
SAVE: Statement[Any] = Statement(
    update(r)
    .where(r.c.id == ROOM_ID)
    .values(
        {
            name: given(r.c[name])
            for name in (
                "admitted_revision",
                "extended_revision",
                "ended_revision",
                "end_reason",
                "late_revision",
                "late_minutes",
            )
        }
    )
)

ENTRY = (
    e.c.seq,
    e.c.kind,
    e.c.seat,
    e.c.sender_id,
    e.c.client_id,
    e.c.text,
    e.c.file_id,
    e.c.file_name,
    e.c.file_kind,
    e.c.file_size,
    e.c.about,
    e.c.reason,
    e.c.at,
)
SAID: Statement[Any] = Statement(
    select(*ENTRY).where(
        e.c.room_id == ROOM_ID,
        e.c.sender_id == an_id("sender_id"),
        e.c.client_id == an_id("client_id"),
    )
)


def _store(*conditions: Any) -> Statement[Any]:
    number = update(r).where(r.c.id == ROOM_ID, *conditions).values(seq=r.c.seq + 1)
    numbered = number.returning(r.c.seq).cte("numbered")
    names = ["kind", "seat", "sender_id", "client_id", "text", "about", "reason", "at"]
    names += ["file_id", "file_name", "file_kind", "file_size"]
    values = [given(e.c[name]) for name in names]
    row = select(ROOM_ID, numbered.c.seq, *values)
    return Statement(insert(e).from_select(["room_id", "seq", *names], row).returning(e.c.seq))


STORE = _store()
"""The number comes from the room's row, which is locked until the transaction ends."""

SAY: Statement[Any] = _store(
    r.c.ended_revision.is_not_distinct_from(given(r.c.ended_revision)),
    exists().where(
        a.c.id == ROOM_ID, a.c.revision == given(a.c.revision), a.c.status == given(a.c.status)
    ),
    ~exists().where(
        e.c.room_id == ROOM_ID,
        e.c.sender_id == given(e.c.sender_id),
        e.c.client_id == given(e.c.client_id),
    ),
)
"""The same where neither the room nor its appointment is another than it was when it was looked at,
and the sender has not stored this before."""

ENTRIES: Statement[Any] = Statement(
    select(*ENTRY)
    .where(e.c.room_id == ROOM_ID, e.c.seq > _number("after"))
    .order_by(e.c.seq)
    .limit(how_many("most"))
)
CHAT: Statement[Any] = Statement(
    select(*ENTRY)
    .where(e.c.room_id == ROOM_ID, e.c.seq > _number("after"), e.c.kind == "chat")
    .order_by(e.c.seq)
    .limit(how_many("most"))
)

ADMIT_GUEST: Statement[Any] = Statement(
    update(g)
    .where(
        g.c.room_id == ROOM_ID,
        g.c.removed_at.is_(None),
        g.c.used_at.is_not(None),
        g.c.is_admitted != given(g.c.is_admitted),
    )
    .values(is_admitted=given(g.c.is_admitted))
    .returning(g.c.id)
)

NEXT_EPOCH: Statement[Any] = Statement(
    update(r).where(r.c.id == ROOM_ID).values(epoch=r.c.epoch + 1).returning(r.c.epoch)
)


def _sit() -> Statement[Any]:
    names = ["room_id", "seat", "person_id", "epoch", "client", "instance_id", "mic"]
    names += ["camera", "screen"]
    taking = upsert(s).values({name: given(s.c[name]) for name in names} | {"since": NOW})
    new = taking.excluded
    is_same = s.c.person_id == new.person_id
    stayed = and_(is_same, s.c.left_at.is_(None))
    changes = {name: new[name] for name in names[2:]}
    return Statement(
        taking.on_conflict_do_update(
            index_elements=[s.c.room_id, s.c.seat],
            set_=changes
            | {
                "delivered_seq": _where(is_same, s.c.delivered_seq, literal(0)),
                "read_seq": _where(is_same, s.c.read_seq, literal(0)),
                "since": _where(stayed, s.c.since, new.since),
                "gone_at": None,
                "left_at": None,
            },
        )
    )


def _where(condition: Any, then: Any, otherwise: Any) -> Any:
    return case((condition, then), else_=otherwise)


SIT = _sit()
_mine = and_(s.c.room_id == ROOM_ID, s.c.seat == given(s.c.seat), s.c.epoch == _number("own_epoch"))
SET_MEDIA: Statement[Any] = Statement(
    update(s).where(_mine).values({name: given(s.c[name]) for name in ("mic", "camera", "screen")})
)
_stored = select(r.c.seq).where(r.c.id == ROOM_ID).scalar_subquery()
_has = func.greatest(s.c.delivered_seq, func.least(_number("delivered"), _stored))
MARK: Statement[Any] = Statement(
    update(s)
    .where(_mine)
    .values(
        delivered_seq=_has,
        read_seq=func.greatest(s.c.read_seq, func.least(_number("read"), _stored)),
    )
)
GO: Statement[Any] = Statement(update(s).where(_mine, s.c.gone_at.is_(None)).values(gone_at=NOW))
LEAVE: Statement[Any] = Statement(
    update(s).where(_mine, s.c.left_at.is_(None)).values(gone_at=NOW, left_at=NOW)
)

LEASE = timedelta(seconds=12)
"""A process renews it every four seconds: who died with it is seen within fifteen."""
_until = NOW + literal(LEASE, Interval())
LIVE_ON: Statement[Any] = Statement(
    upsert(i)
    .values(id=an_id("instance_id"), alive_until=_until)
    .on_conflict_do_update(index_elements=[i.c.id], set_={"alive_until": _until})
)
DIE: Statement[Any] = Statement(delete(i).where(i.c.id == an_id("instance_id")))
"""A process that ends in order has no connections any more."""
