"""Addresses that are let be, in SQL: they are there by keyed names only."""

from datetime import timedelta
from typing import Any

from sqlalchemy import (
    ARRAY,
    LargeBinary,
    and_,
    bindparam,
    case,
    delete,
    func,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from booking_system.notifications.domain.reach import LIFTED
from booking_system.notifications.records.tables import recipient_blocks
from booking_system.platform.postgres.phrases import a_text, given, instant, texts
from booking_system.platform.postgres.statement import Statement

ANY_SENDER = ""
SECOND_WITHIN = timedelta(days=30)
UNLISTED_FOR = timedelta(hours=1)
"""So long a number has to be missing in its provider's list: pages are not of one moment."""

b = recipient_blocks
_hashes = bindparam("hashes", type_=ARRAY(LargeBinary()))


def _blocked() -> Any:
    is_in_force = or_(b.c.until.is_(None), b.c.until > instant("now"))
    return (
        select(b.c.reason, b.c.until)
        .where(
            b.c.channel == a_text("channel"),
            b.c.recipient_hash == func.any(_hashes),
            b.c.sender.in_([literal(ANY_SENDER), a_text("sender")]),
            is_in_force,
        )
        .order_by(b.c.reason != "opted_out")
    )


def _blocking() -> Any:
    names = ("channel", "recipient_hash", "sender", "reason", "since")
    new = insert(b).values(
        {**{name: given(b.c[name]) for name in names}, "until": given(b.c.until)}
    )
    is_again = and_(
        b.c.reason == "bounced",
        new.excluded.reason == "bounced",
        b.c.since > new.excluded.since - literal(SECOND_WITHIN),
        b.c.since < new.excluded.since,
    )
    # What somebody asked for is not weakened by what went wrong since.
    stays = and_(b.c.until.is_(None), b.c.reason.in_(["opted_out", "complained"]))
    return new.on_conflict_do_update(
        index_elements=["channel", "recipient_hash", "sender"],
        set_={
            "reason": case((stays, b.c.reason), else_=new.excluded.reason),
            "since": new.excluded.since,
            "until": case((or_(stays, is_again), None), else_=new.excluded.until),
            "times": b.c.times + 1,
        },
    )


BLOCKED = Statement(_blocked())
BLOCK = Statement(_blocking())
UNBLOCK = Statement(
    delete(b).where(
        b.c.channel == a_text("channel"),
        b.c.recipient_hash == func.any(_hashes),
        b.c.sender == a_text("sender"),
        b.c.reason == "opted_out",
    )
)


_is_such = and_(
    b.c.channel == a_text("channel"),
    b.c.recipient_hash == func.any(_hashes),
    or_(texts("senders").is_(None), b.c.sender == func.any(texts("senders"))),
    or_(b.c.until.is_(None), b.c.until > instant("now")),
)
HINDRANCES = Statement(select(b.c.reason, b.c.since, b.c.until).where(_is_such))
LIFT = Statement(
    update(b)
    .where(_is_such, b.c.reason.in_([one.value for one in LIFTED]))
    .values(until=instant("now"))
)
"""It stays known: a second bounce within a month is still the second one."""


def _listing() -> Any:
    whose = func.unnest(_hashes).column_valued("whose")
    names = ["channel", "recipient_hash", "sender", "reason", "since", "listed_at"]
    now = instant("now")
    rows = select(a_text("channel"), whose, a_text("sender"), literal("opted_out"), now, now)
    new = insert(b).from_select(names, rows)
    return new.on_conflict_do_update(
        index_elements=["channel", "recipient_hash", "sender"],
        set_={
            "reason": "opted_out",
            "until": None,
            "listed_at": func.greatest(b.c.listed_at, new.excluded.listed_at),
        },
    )


LISTED = Statement(_listing())
UNLISTED = Statement(
    delete(b).where(
        b.c.channel == a_text("channel"),
        b.c.sender == a_text("sender"),
        b.c.reason == "opted_out",
        b.c.listed_at < instant("now") - literal(UNLISTED_FOR),
    )
)
"""What was never in a list stays."""
