"""All about one message, read when it is sent: nothing of it was kept when it was planned."""

from dataclasses import replace
from typing import Any

import asyncpg
from sqlalchemy import ARRAY, Text, and_, case, func, select

from booking_system.booking.domain.lifecycle import AppointmentStatus
from booking_system.directory.records.tables import doctors, services
from booking_system.notifications.adapters.money_facts import money_of, tells_of_money
from booking_system.notifications.adapters.planner import preferences_of
from booking_system.notifications.adapters.planning_statements import PREFERENCES, a, c, p, w, zone
from booking_system.notifications.adapters.recipients import Recipients
from booking_system.notifications.adapters.talk_statements import CHOICES
from booking_system.notifications.application.ledger_ports import Found
from booking_system.notifications.domain.facts import (
    AppointmentFacts,
    ChoiceFacts,
    ClinicFacts,
)
from booking_system.notifications.domain.gate import Due
from booking_system.notifications.domain.message import OF_SEVERAL, QUESTIONS, Channel, Kind
from booking_system.notifications.domain.money import SEPARATOR
from booking_system.notifications.domain.own_channel import OwnSender, scope_of
from booking_system.notifications.domain.planning import PATIENT, Skipped
from booking_system.notifications.records.own_tables import (
    clinic_channels,
    mark_of,
    message_templates,
)
from booking_system.notifications.records.tables import message_ledger, sms_talks
from booking_system.platform.postgres.phrases import an_id
from booking_system.platform.postgres.statement import Statement

m, t, o, y = message_ledger, sms_talks, clinic_channels, message_templates
d, v = doctors.alias("d"), services.alias("v")


def _marks() -> Any:
    """Which versions of its own templates the clinic has for this kind, in all languages."""
    marks = select(mark_of(y)).where(y.c.clinic_id == c.c.id, y.c.kind == m.c.kind)
    return func.array(marks.order_by(y.c.id).correlate(c, m).scalar_subquery(), type_=ARRAY(Text()))


def _facts() -> Any:
    is_for_patient = func.split_part(m.c.recipient_key, SEPARATOR, 1) == PATIENT
    told = case(
        (a.c.status == "cancelled", "cancelled"), (a.c.revision == 1, "booked"), else_="moved"
    )
    return (
        select(
            m.c.kind,
            m.c.channel,
            m.c.revision.label("planned_revision"),
            m.c.not_after,
            m.c.appointment_id,
            m.c.recipient_key,
            a.c.revision,
            a.c.status,
            a.c.starts_at,
            a.c.ends_at,
            a.c.created_at,
            a.c.mode,
            a.c.pay_by,
            a.c.due_first_amount,
            a.c.price_amount,
            a.c.price_currency,
            v.c.name.label("service_name"),
            d.c.full_name.label("doctor_name"),
            d.c.title.label("doctor_title"),
            c.c.id.label("clinic_id"),
            c.c.name.label("clinic_name"),
            c.c.time_zone,
            c.c.locale.label("clinic_locale"),
            c.c.address,
            c.c.phone.label("clinic_phone"),
            c.c.email.label("clinic_email"),
            case((is_for_patient, p.c.id)).label("recipient_id"),
            case((is_for_patient, p.c.full_name), else_=c.c.name).label("recipient_name"),
            case((is_for_patient, p.c.email), else_=c.c.email).label("email"),
            case((is_for_patient, p.c.phone)).label("phone"),
            case((is_for_patient, func.coalesce(p.c.locale, c.c.locale)), else_=c.c.locale).label(
                "locale"
            ),
            case((is_for_patient, p.c.deleted_at), else_=c.c.deleted_at)
            .is_not(None)
            .label("is_gone"),
            told.label("told"),
            select(t.c.message_id).where(t.c.message_id == m.c.id).exists().label("is_asked"),
            o.c.id.label("own_id"),
            o.c.version.label("own_version"),
            o.c.sender.label("own_sender"),
            _marks().label("own_words"),
            zone().label("zone"),
            *PREFERENCES,
        )
        .select_from(
            m.join(a, a.c.id == m.c.appointment_id)
            .join(c, c.c.id == a.c.clinic_id)
            .join(d, d.c.id == a.c.doctor_id)
            .join(p, p.c.id == a.c.patient_id)
            .outerjoin(v, v.c.id == a.c.service_id)
            .outerjoin(w, w.c.patient_id == p.c.id)
            .outerjoin(o, and_(o.c.clinic_id == c.c.id, o.c.channel == m.c.channel))
        )
        .where(m.c.id == an_id("id"))
    )


FACTS = Statement(_facts())


async def facts_of(
    connection: asyncpg.Connection, message_id: Any, recipients: Recipients
) -> Found:
    """Read them; the addresses go to nobody but the provider."""
    row = await FACTS.fetchrow(connection, id=message_id)
    assert row is not None, "a message of an appointment has one, and that its clinic"
    channel = Channel(row["channel"])
    address = row["email"] if channel is Channel.EMAIL else row["phone"]
    blocked = None
    scope = None if row["own_id"] is None else scope_of(row["clinic_id"])
    if address is not None:
        blocked = await recipients.blocked(connection, channel, address, scope=scope)
    found = _found(row, channel, address, blocked)
    if tells_of_money(row):
        money_due, money = await money_of(connection, row)
        found = replace(found, due=replace(found.due, money=money_due), money=money)
    if found.due.kind not in OF_SEVERAL or found.due.is_over:
        return found
    choices = await CHOICES.fetch(connection, id=message_id)
    return replace(found, choices=[ChoiceFacts(**one) for one in choices])


def _found(
    row: asyncpg.Record, channel: Channel, address: str | None, blocked: Skipped | None
) -> Found:
    return Found(
        due=Due(
            kind=Kind(row["kind"]),
            channel=channel,
            planned_revision=row["planned_revision"],
            not_after=row["not_after"],
            revision=row["revision"],
            status=AppointmentStatus(row["status"]),
            address=address,
            blocked=blocked,
            is_gone=row["is_gone"],
            zone=row["zone"],
            preferences=preferences_of(row),
            is_over=row["kind"] in QUESTIONS and not row["is_asked"],
            has_own_channel=row["own_id"] is not None,
        ),
        clinic=ClinicFacts(
            id=row["clinic_id"],
            name=row["clinic_name"],
            time_zone=row["time_zone"],
            locale=row["clinic_locale"],
            address=row["address"],
            phone=row["clinic_phone"],
            email=row["clinic_email"],
        ),
        appointment=AppointmentFacts(
            id=row["appointment_id"],
            revision=row["revision"],
            starts_at=row["starts_at"],
            ends_at=row["ends_at"],
            booked_at=row["created_at"],
            mode=row["mode"],
            service_name=row["service_name"],
            doctor_name=row["doctor_name"],
            doctor_title=row["doctor_title"],
        ),
        recipient_id=row["recipient_id"],
        recipient_name=row["recipient_name"],
        recipient_email=row["email"],
        recipient_locale=row["locale"],
        told=row["told"],
        own=_own(row),
        own_words=row["own_words"],
    )


def _own(row: asyncpg.Record) -> OwnSender | None:
    if row["own_id"] is None:
        return None
    return OwnSender(row["own_id"], row["own_version"], row["own_sender"])
