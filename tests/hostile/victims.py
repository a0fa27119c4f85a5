"""A fresh object for each hostile request: rows cloned from one that the API made."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import chain, count, repeat
from typing import Any
from uuid import UUID, uuid4

from booking_system.booking.records.tables import appointments
from booking_system.shared_kernel.identifiers import SessionId, UserId
from tests.access import file_scenes, scenes
from tests.access.table import Row
from tests.access.world import PASSWORD, Aim, Scene, World
from tests.api import START, Person
from tests.files.sending import PDF

HALF_HOUR = timedelta(minutes=30)
Values = dict[str, str]
Pool = Callable[["Victims"], Awaitable[list[Values]]]


@dataclass
class Victims:
    """Hands out values for the placeholders of a row of the access table."""

    world: World
    most: int
    """So many of each, which has to last for all that one operation is tried with."""
    people: list[Person] = field(default_factory=list)
    _weeks: Iterator[int] = field(default_factory=lambda: count(2))
    _half_hours: Iterator[int] = field(default_factory=lambda: count(1))

    async def of(self, row: Row, name: str) -> tuple[Iterator[Values], Person | None]:
        """Values without end for `row`, as the caller `name`; and who that is."""
        aim = await row.on(self.world, name)
        pool = POOLS.get(row.on)
        many = await pool(self) if pool else []
        return self._values(aim, many), aim.people.get(name) or self.world.people[name]

    def _values(self, aim: Aim, many: list[Values]) -> Iterator[Values]:
        for values in chain(many, repeat(dict[str, str]())):
            yield aim.values | self._hour() | {"slug": "MARK", "password": PASSWORD} | values

    def _hour(self) -> Values:
        at = START + timedelta(days=1) + next(self._half_hours) * HALF_HOUR
        return {"starts_at": at.isoformat(), "ends_at": (at + HALF_HOUR).isoformat()}

    async def clones(
        self, table: str, which: str, changes: str, *values: object, key: str = "id"
    ) -> list[UUID]:
        """Clone the row whose id is `which`; `changes` is what differs, `n` counts."""
        rows = await self.world.sql(
            f"INSERT INTO {table} SELECT c.* FROM {table} t, generate_series(1, {self.most}) n,"
            f" jsonb_populate_record(t, jsonb_build_object('n', n, {changes})) c WHERE t.id = $1"
            f" RETURNING {key}",
            UUID(which),
            *values,
        )
        return [row[0] for row in rows]

    async def slots(self) -> tuple[dict[str, Any], list[UUID]]:
        """Slots of a new doctor, half an hour each, in weeks of their own."""
        doctor = await self.world.api.doctor(self.world.here)
        start = START + timedelta(weeks=3 * next(self._weeks))
        (first,) = await self.world.api.slots(doctor, start=start)
        times = (
            "'starts_at', t.starts_at + n * interval '30 minutes',"
            " 'ends_at', t.ends_at + n * interval '30 minutes'"
        )
        return doctor, await self.clones("time_slots", first["id"], f"{NEW_ID}, {times}")


STORED = [column.name for column in appointments.c if column.computed is None]
NEW_ID = "'id', gen_random_uuid()"
REMOVED = "'deleted_at', now()"


OVER_BY_THE_NEXT = (
    """CREATE OR REPLACE FUNCTION end_older_holds() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
     UPDATE time_slots SET held_until = now() - interval '1 second' WHERE held_by = NEW.held_by
      AND held_for IS NOT NULL AND hold_id <> NEW.hold_id AND held_until > now();
     RETURN NULL; END $$""",
    """CREATE OR REPLACE TRIGGER end_older_holds AFTER UPDATE OF hold_id ON time_slots FOR EACH ROW
     WHEN (NEW.held_by IS NOT NULL AND NEW.hold_id IS DISTINCT FROM OLD.hold_id)
     EXECUTE FUNCTION end_older_holds()""",
)


def _named(name: str, found: list[UUID]) -> list[Values]:
    return [{name: str(one)} for one in found]


async def _clinics(victims: Victims, more: str = "") -> list[Values]:
    slug = "'slug', 'clone-' || gen_random_uuid()"
    here = victims.world.here["id"]
    return _named("clinic_id", await victims.clones("clinics", here, f"{NEW_ID}, {slug}{more}"))


async def _removed_clinics(victims: Victims) -> list[Values]:
    return await _clinics(victims, f", {REMOVED}")


async def _doctors(victims: Victims, more: str = "") -> list[Values]:
    one = victims.world.doctor["id"]
    return _named("doctor_id", await victims.clones("doctors", one, NEW_ID + more))


async def _removed_doctors(victims: Victims) -> list[Values]:
    return await _doctors(victims, f", {REMOVED}")


async def _services(victims: Victims, more: str = "") -> list[Values]:
    one = victims.world.services[victims.world.here["id"]]
    return _named("service_id", await victims.clones("services", one, NEW_ID + more))


async def _removed_services(victims: Victims) -> list[Values]:
    return await _services(victims, f", {REMOVED}")


async def _open_slots(victims: Victims) -> list[Values]:
    return _named("slot_id", (await victims.slots())[1])


async def _closed_slots(victims: Victims) -> list[Values]:
    found = (await victims.slots())[1]
    await victims.world.sql(
        "UPDATE time_slots SET closed_because = 'by_hand' WHERE id = ANY($1)", found
    )
    return _named("slot_id", found)


async def _slots_to_book(victims: Victims) -> list[Values]:
    doctor, found = await victims.slots()
    service = victims.world.services[doctor["clinic_id"]]
    await victims.world.sql(
        "INSERT INTO service_doctors (service_id, doctor_id, clinic_id) VALUES ($1, $2, $3)",
        *map(UUID, (service, doctor["id"], doctor["clinic_id"])),
    )
    return _named("slot_id", found)


async def _slots_for_newcomers(victims: Victims) -> list[Values]:
    """Of a patient each: nobody holds more than three. A desk holds ten, so the older are over."""
    for statement in OVER_BY_THE_NEXT:
        await victims.world.sql(statement)
    slots, patients = await _slots_to_book(victims), await _patients(victims)
    return [one | other for one, other in zip(slots, patients, strict=True)]


async def _holds(victims: Victims) -> list[Values]:
    """Of the newcomer who held a slot last, made by hand: so many are nobody's by right."""
    await victims.world.sql("DROP TRIGGER IF EXISTS end_older_holds ON time_slots")
    rows = await victims.world.sql(
        "UPDATE time_slots SET hold_id = gen_random_uuid(), hold_minutes = 10, hold_place = 1,"
        " held_until = now() + interval '1 day', (held_by, held_for) = (SELECT held_by, held_for"
        "  FROM time_slots WHERE held_for IS NOT NULL AND held_until < now() + interval '1 hour'"
        "  ORDER BY hold_id DESC LIMIT 1)"
        " WHERE id = ANY($1) RETURNING hold_id",
        (await victims.slots())[1],
    )
    return _named("hold_id", [row[0] for row in rows])


async def _invitations(victims: Victims) -> list[Values]:
    """Each with a token of its own: it holds once."""
    aim, series = await scenes.invitation(victims.world, ""), uuid4().hex
    token = f"sha256(('{series}-' || n)::bytea)"
    changes = f"{NEW_ID}, 'token_hash', '\\x' || encode({token}, 'hex')"
    found = await victims.clones("invitations", aim.values["invitation_id"], changes)
    return [
        {"invitation_id": str(one), "invitation_token": f"{series}-{n}"}
        for n, one in enumerate(found, 1)
    ]


async def _lost_passwords(victims: Victims) -> list[Values]:
    return await _links(victims, "password_reset")


async def _unproved_addresses(victims: Victims) -> list[Values]:
    return await _links(victims, "email_verification")


async def _links(victims: Victims, purpose: str) -> list[Values]:
    """Each of an account of its own: a used link ends the others."""
    one, series = await victims.world.api.person(), uuid4().hex
    address = f"'{series}-' || n || '@example.com'"
    changes = f"{NEW_ID}, 'email', {address}, 'email_key', {address}"
    found = await victims.clones("users", str(one.user_id), changes)
    await victims.world.sql(
        "INSERT INTO account_links (token_hash, purpose, user_id, expires_at)"
        f" SELECT sha256(('{series}-' || n)::bytea), $1, u, now() + interval '1 hour'"
        " FROM unnest($2::uuid[]) WITH ORDINALITY AS given(u, n)",
        purpose,
        found,
    )
    return [{"link_token": f"{series}-{n}"} for n in range(1, len(found) + 1)]


async def _dead_messages(victims: Victims) -> list[Values]:
    """Each to somebody else, for a message is there once."""
    aim = await scenes.dead_message(victims.world, "")
    changes = f"{NEW_ID}, 'recipient_key', n::text"
    found = await victims.clones("message_ledger", aim.values["message_id"], changes)
    return _named("message_id", found)


async def _bookings(victims: Victims) -> list[Values]:
    """Of a new patient each time: nobody has more open bookings than the clinic allows."""
    _, slots = await victims.slots()
    world = victims.world
    patient = await scenes.newcomer(world)
    found = await world.sql(
        f"INSERT INTO appointments ({', '.join(STORED)})"
        f" SELECT c.{', c.'.join(STORED)} FROM appointments t, unnest($2::uuid[])"
        " WITH ORDINALITY AS u(slot, n), time_slots s, jsonb_populate_record(t, jsonb_build_object("
        "'id', gen_random_uuid(), 'time_slot_id', slot, 'doctor_id', s.doctor_id, 'patient_id',"
        " $3::uuid, 'reference', left(gen_random_uuid()::text, 12), 'starts_at', s.starts_at,"
        " 'ends_at', s.ends_at, 'blocked_from', s.starts_at, 'blocked_until', s.ends_at,"
        " 'time_slot_ids', ARRAY[slot])) c"
        " WHERE t.id = $1 AND s.id = slot RETURNING id",
        UUID((await world.booking())["id"]),
        slots,
        patient.patient_id,
    )
    await world.sql(
        "UPDATE time_slots s SET appointment_id = a.id FROM appointments a"
        " WHERE a.time_slot_id = s.id AND s.id = ANY($1)",
        slots,
    )
    return _named("booking_id", [row[0] for row in found])


async def _bookings_and_slots(victims: Victims) -> list[Values]:
    bookings, slots = await _bookings(victims), await _slots_to_book(victims)
    return [one | other for one, other in zip(bookings, slots, strict=True)]


async def _begun_bookings(victims: Victims, more: str = "") -> list[Values]:
    found = await _bookings(victims)
    await victims.world.sql(
        "UPDATE appointments SET starts_at = starts_at - interval '1000 days',"
        " ends_at = ends_at - interval '1000 days',"
        " blocked_from = blocked_from - interval '1000 days',"
        f" blocked_until = blocked_until - interval '1000 days'{more} WHERE id = ANY($1)",
        [UUID(one["booking_id"]) for one in found],
    )
    return found


async def _missed_bookings(victims: Victims) -> list[Values]:
    return await _begun_bookings(victims, ", status = 'no_show', previous_status = 'confirmed'")


async def _members(victims: Victims) -> list[Values]:
    one = await victims.world.api.receptionist(victims.world.here["id"])
    address = "'email', n || t.email, 'email_key', n || t.email"
    users = await victims.clones("users", str(one.user_id), f"{NEW_ID}, {address}")
    await victims.world.sql(
        "INSERT INTO role_grants SELECT c.* FROM role_grants t, unnest($2::uuid[]) u,"
        " jsonb_populate_record(t, jsonb_build_object('id', gen_random_uuid(), 'user_id', u)) c"
        " WHERE t.user_id = $1",
        one.user_id,
        users,
    )
    return _named("user_id", users)


async def _sessions_of(victims: Victims, person: Person) -> list[UUID]:
    one = await victims.world.session_id(person)
    return await victims.clones("sessions", str(one), NEW_ID)


async def _sessions(victims: Victims) -> list[Values]:
    person = victims.world.person("patient")
    return _named("session_id", await _sessions_of(victims, person))


async def _member_sessions(victims: Victims) -> list[Values]:
    one = await victims.world.api.receptionist(victims.world.here["id"])
    found = await _sessions_of(victims, one)
    return [{"user_id": str(one.user_id), **named} for named in _named("session_id", found)]


async def _devices(victims: Victims) -> list[Values]:
    """Each request of these comes from a session of its own."""
    world, person = victims.world, victims.world.person("platform_admin")
    tokens, now = world.api.container.identity.access_tokens(), datetime.now(START.tzinfo)
    return [
        {"token": tokens.sign(UserId(person.user_id), SessionId(one), now)}
        for one in await _sessions_of(victims, person)
    ]


async def _patients(victims: Victims, more: str = "") -> list[Values]:
    world = victims.world
    found = await victims.clones("patients", await scenes.registered(world), NEW_ID + more)
    await world.sql(
        "INSERT INTO clinic_patients (clinic_id, patient_id, known_since, known_because)"
        " SELECT $1, p, now(), 'registered' FROM unnest($2::uuid[]) p",
        UUID(world.here["id"]),
        found,
    )
    return _named("patient_id", found)


async def _removed_patients(victims: Victims) -> list[Values]:
    return await _patients(victims, f", {REMOVED}")


async def _duplicates(victims: Victims) -> list[Values]:
    return [{"duplicate_id": one["patient_id"]} for one in await _patients(victims)]


async def _days(victims: Victims) -> list[Values]:
    """The last one first: what is opened by mistake and has no end is in nobody's way."""
    return [{"day": day.isoformat()} for day in reversed(_far_days(victims))]


def _far_days(victims: Victims) -> list[date]:
    return [date.fromisoformat(next(victims.world.days)) for _ in range(victims.most)]


async def _busy_doctor(victims: Victims) -> dict[str, Any]:
    """Somebody with more hours than one may have, so that nobody else has too many."""
    return await victims.world.api.doctor(victims.world.here)


async def _rules(victims: Victims) -> list[Values]:
    one, day = await scenes.made_rule(victims.world, await _busy_doctor(victims)), "($2::date[])[n]"
    changes = f"{NEW_ID}, 'valid_from', {day}, 'valid_until', {day}"
    found = await victims.clones("availability_rules", one, changes, _far_days(victims))
    return _named("rule_id", found)


async def _exceptions(victims: Victims) -> list[Values]:
    one = await scenes.made_exception(victims.world, await _busy_doctor(victims))
    changes = f"{NEW_ID}, 'date', ($2::date[])[n]"
    found = await victims.clones("availability_exceptions", one, changes, _far_days(victims))
    return _named("exception_id", found)


async def _time_off(victims: Victims) -> list[Values]:
    one = await scenes.made_time_off(victims.world)
    return _named("time_off_id", await victims.clones("time_off", one, NEW_ID))


async def _closures(victims: Victims) -> list[Values]:
    one = await scenes.made_closure(victims.world)
    changes = f"{NEW_ID}, 'date', ($2::date[])[n]"
    found = await victims.clones("closures", one, changes, _far_days(victims))
    return _named("closure_id", found)


GONE_BY_THE_NEXT = (
    """CREATE OR REPLACE FUNCTION delete_older_endpoints() RETURNS trigger LANGUAGE plpgsql AS $$
     BEGIN UPDATE webhook_endpoints SET deleted_at = now() WHERE id <> NEW.id AND deleted_at IS NULL
      AND description IS NULL AND clinic_id IS NOT DISTINCT FROM NEW.clinic_id;
     RETURN NULL; END $$""",
    """CREATE OR REPLACE TRIGGER delete_older_endpoints AFTER INSERT ON webhook_endpoints
     FOR EACH ROW WHEN (NEW.description IS NULL) EXECUTE FUNCTION delete_older_endpoints()""",
)


async def _webhook_endpoints(victims: Victims) -> list[Values]:
    """Of another clinic: nobody has so many. Those that requests make are gone by the next one."""
    for statement in GONE_BY_THE_NEXT:
        await victims.world.sql(statement)
    one = (await scenes.webhook_endpoint(victims.world, "")).values["endpoint_id"]
    changes = f"{NEW_ID}, 'description', 'clone', 'clinic_id', $2::text"
    elsewhere = victims.world.elsewhere["id"]
    found = await victims.clones("webhook_endpoints", one, changes, elsewhere)
    return _named("endpoint_id", found)


async def _webhook_deliveries(victims: Victims) -> list[Values]:
    endpoint = (await _webhook_endpoints(victims))[0]
    one = (await scenes.webhook_delivery(victims.world, "")).values["delivery_id"]
    changes = f"{NEW_ID}, 'endpoint_id', $2::text"
    found = await victims.clones("webhook_deliveries", one, changes, endpoint["endpoint_id"])
    return [endpoint | one for one in _named("delivery_id", found)]


ALWAYS_THERE = (
    """CREATE OR REPLACE FUNCTION there_again() RETURNS trigger LANGUAGE plpgsql AS $$
     BEGIN EXECUTE format('INSERT INTO %I SELECT ($1).*', TG_TABLE_NAME) USING OLD;
     RETURN NULL; END $$""",
    """CREATE OR REPLACE TRIGGER there_again AFTER DELETE ON clinic_channels
     FOR EACH ROW EXECUTE FUNCTION there_again()""",
    """CREATE OR REPLACE TRIGGER there_again AFTER DELETE ON message_templates
     FOR EACH ROW EXECUTE FUNCTION there_again()""",
    """CREATE OR REPLACE FUNCTION rested() RETURNS trigger LANGUAGE plpgsql AS $$
     BEGIN NEW.tried_at = NULL; RETURN NEW; END $$""",
    """CREATE OR REPLACE TRIGGER rested BEFORE UPDATE ON clinic_channels
     FOR EACH ROW EXECUTE FUNCTION rested()""",
)


ANOTHER_ACCOUNT = (
    """CREATE OR REPLACE FUNCTION another_account() RETURNS trigger LANGUAGE plpgsql AS $$
     BEGIN INSERT INTO clinic_payment_accounts SELECT (jsonb_populate_record(OLD,
      jsonb_build_object('id', gen_random_uuid(), 'name', gen_random_uuid()::text))).*;
     RETURN NULL; END $$""",
    """CREATE OR REPLACE TRIGGER another_account AFTER UPDATE ON clinic_payment_accounts
     FOR EACH ROW WHEN (OLD.removed_at IS NULL AND NEW.removed_at IS NOT NULL
      AND NEW.version > OLD.version) EXECUTE FUNCTION another_account()""",
)


async def _own_accounts(victims: Victims) -> list[Values]:
    """A clinic has one account at each provider, and another one after its removal."""
    for statement in ANOTHER_ACCOUNT:
        await victims.world.sql(statement)
    return []


async def _message_settings(victims: Victims) -> list[Values]:
    """A clinic has one of each: what is deleted is there again, and what was tried has rested."""
    for statement in ALWAYS_THERE:
        await victims.world.sql(statement)
    return []


REVOKED_BY_THE_NEXT = (
    """CREATE OR REPLACE FUNCTION revoke_older_feeds() RETURNS trigger LANGUAGE plpgsql AS $$
     BEGIN UPDATE calendar_feeds SET revoked_at = now() WHERE id <> NEW.id AND revoked_at IS NULL
      AND scope = 'doctor' AND user_id = NEW.user_id; RETURN NULL; END $$""",
    """CREATE OR REPLACE TRIGGER revoke_older_feeds AFTER INSERT ON calendar_feeds
     FOR EACH ROW EXECUTE FUNCTION revoke_older_feeds()""",
)


async def _calendar_feeds(victims: Victims) -> list[Values]:
    """Of a patient: nobody has so many. Those that requests make are revoked by the next one."""
    for statement in REVOKED_BY_THE_NEXT:
        await victims.world.sql(statement)
    one = (await scenes.calendar_feed(victims.world, "")).values["feed_id"]
    token = f"sha256(('{uuid4().hex}-' || n)::bytea)"
    changes = f"{NEW_ID}, 'token_hash', '\\x' || encode({token}, 'hex')"
    return _named("feed_id", await victims.clones("calendar_feeds", one, changes))


async def _payable_bookings(victims: Victims) -> list[Values]:
    found = await _bookings(victims)
    for one in found:
        await victims.world.sql(scenes.PRICED, UUID(one["booking_id"]))
    return found


async def _desk_payments(victims: Victims) -> list[Values]:
    """Of one booking each: what was paid in it is given back bit by bit."""
    world, paid = victims.world, list[Values]()
    for one in await _payable_bookings(victims):
        path = f"/v1/bookings/{one['booking_id']}/desk-payments"
        made = await world.api.made(path, {"method": "cash"}, world.person("receptionist"))
        paid.append({"payment_id": made["id"]})
    return paid


async def _payment_matters(victims: Victims) -> list[Values]:
    (one, *_) = await _desk_payments(victims)
    rows = [
        await victims.world.sql(scenes.MATTER, UUID(one["payment_id"]), str(uuid4()))
        for _ in range(victims.most)
    ]
    return _named("matter_id", [row["id"] for (row,) in rows])


async def _sandbox_checkouts(victims: Victims) -> list[Values]:
    """One is enough: a card can be declined again and again."""
    (one, *_) = await _payable_bookings(victims)
    world, path = victims.world, f"/v1/bookings/{one['booking_id']}/payments"
    desk = world.person("receptionist")
    begun = await world.api.made(path, {"provider": "sandbox"}, desk)
    reference = begun["checkout_url"].rpartition("/")[2]
    return [{"reference": reference, "deed": "decline"}] * victims.most


async def _files(victims: Victims, scene: Scene, served: str) -> list[Values]:
    """Clones of a file of the patient's, with keys of their own; of stored ones nothing else."""
    one = (await scene(victims.world, "patient")).values["file_id"]
    keys = f"'upload_key', 'quarantine/00/' || gen_random_uuid(), 'served_key', {served}"
    return _named("file_id", await victims.clones("files", one, f"{NEW_ID}, {keys}"))


SERVED = "'served/00/' || gen_random_uuid()"


async def _documents(victims: Victims) -> list[Values]:
    return await _files(victims, file_scenes.document, SERVED)


async def _deleted_documents(victims: Victims) -> list[Values]:
    return await _files(victims, file_scenes.deleted_document, SERVED)


async def _sent_documents(victims: Victims) -> list[Values]:
    found = await _files(victims, file_scenes.sent_document, "NULL")
    objects = victims.world.api.container.files.objects()
    for one in found:
        sql = "SELECT upload_key FROM files WHERE id = $1"
        ((key,),) = await victims.world.sql(sql, UUID(one["file_id"]))
        await objects.put(key, PDF)
    return found


ALWAYS_A_GUEST = (
    """CREATE OR REPLACE FUNCTION make_place() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
     UPDATE consultation_guests SET removed_at = now()
      WHERE room_id = NEW.room_id AND removed_at IS NULL;
     RETURN NEW; END $$""",
    """CREATE OR REPLACE TRIGGER make_place BEFORE INSERT ON consultation_guests FOR EACH ROW
     EXECUTE FUNCTION make_place()""",
    """CREATE OR REPLACE FUNCTION keep_link() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
     NEW.used_at = NULL; NEW.return_hash = NULL; RETURN NEW; END $$""",
    """CREATE OR REPLACE TRIGGER keep_link BEFORE UPDATE OF used_at ON consultation_guests
     FOR EACH ROW EXECUTE FUNCTION keep_link()""",
)


async def _guests(victims: Victims) -> list[Values]:
    """One room is enough, where the next guest takes the place of another and links stay good."""
    for statement in ALWAYS_A_GUEST:
        await victims.world.sql(statement)
    return []


POOLS: dict[Scene, Pool] = {
    file_scenes.document: _documents,
    file_scenes.deleted_document: _deleted_documents,
    file_scenes.sent_document: _sent_documents,
    scenes.dead_message: _dead_messages,
    scenes.new_clinic: _clinics,
    scenes.removed_clinic: _removed_clinics,
    scenes.new_doctor: _doctors,
    scenes.removed_doctor: _removed_doctors,
    scenes.service: _services,
    scenes.removed_service: _removed_services,
    scenes.hours: _days,
    scenes.clinic_day: _days,
    scenes.rule: _rules,
    scenes.exception: _exceptions,
    scenes.time_off: _time_off,
    scenes.closure: _closures,
    scenes.open_slot: _open_slots,
    scenes.closed_slot: _closed_slots,
    scenes.slot_for_the_patient: _slots_to_book,
    scenes.slot_for_a_newcomer: _slots_for_newcomers,
    scenes.hold: _holds,
    scenes.booking: _bookings,
    scenes.booking_and_slot: _bookings_and_slots,
    scenes.begun_booking: _begun_bookings,
    scenes.missed_booking: _missed_bookings,
    scenes.member: _members,
    scenes.member_session: _member_sessions,
    scenes.session: _sessions,
    scenes.invitation: _invitations,
    scenes.offer: _invitations,
    scenes.lost_password: _lost_passwords,
    scenes.unproved_address: _unproved_addresses,
    scenes.device: _devices,
    scenes.patient_without_account: _patients,
    scenes.removed_patient: _removed_patients,
    scenes.two_records: _duplicates,
    scenes.own_channels: _message_settings,
    scenes.own_templates: _message_settings,
    scenes.own_accounts: _own_accounts,
    scenes.calendar_feed: _calendar_feeds,
    scenes.payable_booking: _payable_bookings,
    scenes.online_booking: _guests,
    scenes.consultation_guest: _guests,
    scenes.desk_payment: _desk_payments,
    scenes.payment_matter: _payment_matters,
    scenes.sandbox_checkout: _sandbox_checkouts,
    scenes.webhook_endpoint: _webhook_endpoints,
    scenes.webhook_delivery: _webhook_deliveries,
}
"""By what the access table tries a row on. What is not here is tried on one thing all the time."""
