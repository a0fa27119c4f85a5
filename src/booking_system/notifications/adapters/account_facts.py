"""All about a message of an account, read when it is sent; its link is nowhere before."""

from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import ColumnElement, Uuid, and_, case, cast, func, or_, select

from booking_system.directory.records.tables import clinics, invitations
from booking_system.identity.records.tables import users
from booking_system.notifications.adapters.recipients import Recipients
from booking_system.notifications.application.ledger_ports import FoundAccount
from booking_system.notifications.domain.account_planning import INVITATION, USER
from booking_system.notifications.domain.gate import Due, against_accounts
from booking_system.notifications.domain.message import Channel, Kind
from booking_system.notifications.domain.preferences import Preferences
from booking_system.notifications.records.tables import message_ledger
from booking_system.platform.postgres.phrases import an_id
from booking_system.platform.postgres.statement import Statement

LANGUAGE, ZONE = "en", "UTC"
"""Of an account whose owner has said nothing; times are told with the zone's name."""

m = message_ledger
u, i, c = users.alias("u"), invitations.alias("i"), clinics.alias("c")


def _named(prefix: str) -> ColumnElement[Any]:
    """Return the id in the recipient's key; null where it is another kind of recipient."""
    is_such = func.starts_with(m.c.recipient_key, prefix)
    return case((is_such, cast(func.substr(m.c.recipient_key, len(prefix) + 1), Uuid)))


def _account_facts() -> Any:
    is_proved = and_(m.c.kind == Kind.EMAIL_VERIFICATION.value, u.c.email_verified_at.is_not(None))
    is_over = or_(is_proved, i.c.accepted_at.is_not(None), i.c.revoked_at.is_not(None))
    is_gone = or_(
        and_(u.c.id.is_(None), i.c.id.is_(None)),
        u.c.deleted_at.is_not(None),
        c.c.deleted_at.is_not(None),
    )
    return (
        select(
            m.c.kind,
            m.c.channel,
            m.c.revision.label("planned_revision"),
            m.c.not_after,
            func.coalesce(u.c.id, i.c.id).label("recipient_id"),
            func.coalesce(u.c.full_name, i.c.full_name).label("recipient_name"),
            func.coalesce(u.c.email, i.c.email).label("email"),
            func.coalesce(u.c.locale, c.c.locale).label("locale"),
            func.coalesce(u.c.time_zone, c.c.time_zone).label("time_zone"),
            c.c.name.label("clinic_name"),
            i.c.role,
            is_over.label("is_over"),
            is_gone.label("is_gone"),
        )
        .select_from(
            m.outerjoin(u, u.c.id == _named(USER))
            .outerjoin(i, i.c.id == _named(INVITATION))
            .outerjoin(c, c.c.id == i.c.clinic_id)
        )
        .where(m.c.id == an_id("id"))
    )


ACCOUNT_FACTS = Statement(_account_facts())


async def account_facts_of(
    connection: asyncpg.Connection, message_id: UUID, recipients: Recipients
) -> FoundAccount:
    """Read them; the address goes to nobody but the provider."""
    row = await ACCOUNT_FACTS.fetchrow(connection, id=message_id)
    assert row is not None, "a message that is claimed, or was reported, is in the ledger"
    channel, address = Channel(row["channel"]), row["email"]
    blocks = [] if address is None else await recipients.blocks(connection, channel, address)
    zone = row["time_zone"] or ZONE
    return FoundAccount(
        due=Due(
            kind=Kind(row["kind"]),
            channel=channel,
            planned_revision=row["planned_revision"],
            not_after=row["not_after"],
            revision=None,
            status=None,
            address=address,
            blocked=against_accounts(blocks),
            is_gone=row["is_gone"],
            zone=zone,
            preferences=Preferences(),
            is_over=bool(row["is_over"]),
        ),
        recipient_id=row["recipient_id"],
        recipient_name=row["recipient_name"],
        recipient_locale=row["locale"] or LANGUAGE,
        time_zone=zone,
        clinic_name=row["clinic_name"],
        role=row["role"],
    )
