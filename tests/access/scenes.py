"""What the rows of the table are tried on, made anew whenever it was used up."""

from datetime import timedelta
from itertools import count
from uuid import UUID, uuid4

from booking_system.consultations.adapters.page.assets import read_assets
from booking_system.shared_kernel.identifiers import UserId
from tests.access.world import ANONYMOUS, PASSWORD, Aim, Made, World
from tests.api import Person

DEAD_MESSAGE = """INSERT INTO message_ledger (id, revision, kind, offset_minutes, channel,
 recipient_key, lane, planned_at, due_at, not_after, state, ended_at) VALUES ($1, 1,
 'password_reset', 0, 'email', $1::uuid::text, 0, now(), now(), now() + interval '1 hour', 'failed',
 now())"""
DEAD_EVENT = """INSERT INTO dead_events (consumer, seq, id, name, payload, occurred_at, error,
 died_at) VALUES ('messages', $1, gen_random_uuid(), 'booking.created', '{}', now(), 'Example',
 now())"""
OWN_CHANNELS = """INSERT INTO clinic_channels (id, clinic_id, channel, provider, sender, target,
 options, sealed, key_id, hint, version, changed_at, changed_by)
 SELECT gen_random_uuid(), $1, channel, provider, 'x', target::jsonb, '{"webhook_keys": []}', '',
 '', '', 1, now(), $2 FROM (VALUES ('email', 'sendgrid', '{"host": "api.sendgrid.com"}'),
 ('sms', 'twilio', '{"account": "AC"}')) given (channel, provider, target)
 ON CONFLICT (clinic_id, channel) DO UPDATE SET tried_at = NULL"""
OWN_TEMPLATES = """INSERT INTO message_templates (id, clinic_id, kind, language, subject, version,
 changed_at, changed_by) VALUES (gen_random_uuid(), $1, 'reminder', 'en', 'Soon', 1, now(), $2)
 ON CONFLICT DO NOTHING"""
OWN_ACCOUNTS = (
    "UPDATE clinic_payment_accounts SET removed_at = now() WHERE clinic_id = $1 AND $2::uuid <> $1",
    """INSERT INTO clinic_payment_accounts (id, clinic_id, provider, name, is_live, options, sealed,
 key_id, hints, version, created_at, changed_at, changed_by)
 SELECT gen_random_uuid(), $1, provider, gen_random_uuid()::text, false, '{}', '', '', '["9f3a"]',
 1, now(), now(), $2 FROM (VALUES ('stripe'), ('paypal')) given (provider)""",
)
PRICED = """UPDATE appointments SET price_amount = 5000, price_currency = 'EUR',
 payment_status = 'unpaid', late_cancel_minutes = 0, late_cancel_percent = 0, no_show_percent = 0
 WHERE id = $1"""
MATTER = """INSERT INTO payment_quarantine (id, payment_id, appointment_id, clinic_id, kind, about,
 amount, currency, found_at) SELECT gen_random_uuid(), id, appointment_id, clinic_id,
 'refund_by_hand', $2, 100, 'EUR', now() FROM payments WHERE id = $1 RETURNING id"""
ONLINE = "UPDATE appointments SET mode = 'online' WHERE id = $1"
OPEN_EARLY = "UPDATE clinics SET consultation_opens_minutes = 525600 WHERE id = $1"
NUMBERS = count(1000)


async def nothing(_world: World, _name: str) -> Aim:
    return Aim({})


async def unsubscribe_link(world: World, _name: str) -> Aim:
    """The link of a mail to a patient: whoever has it may follow it."""
    patient = world.person("patient")
    assert patient.patient_id is not None
    links = world.api.container.notifications.links()
    return Aim({"token": links.link(patient.patient_id).rpartition("/")[2]})


async def calendar_feed(world: World, _name: str) -> Aim:
    """A link of the patient's to their own appointments."""
    return Aim({"feed_id": (await _calendar_feed(world))["id"]})


async def calendar_link(world: World, _name: str) -> Aim:
    """The address of one: its holder may read the calendar."""
    url = str((await _calendar_feed(world))["secret_url"])
    return Aim({"token": url.rpartition("/")[2].removesuffix(".ics")})


async def _calendar_feed(world: World) -> Made:
    return await world.api.made("/v1/calendar-feeds", {"scope": "patient"}, world.person("patient"))


async def dead_message(world: World, _name: str) -> Aim:
    message_id = uuid4()
    await world.sql(DEAD_MESSAGE, message_id)
    return Aim({"message_id": str(message_id)})


async def dead_event(world: World, _name: str) -> Aim:
    seq = next(NUMBERS)
    await world.sql(DEAD_EVENT, seq)
    return Aim({"consumer": "messages", "seq": str(seq)})


async def webhook_endpoint(world: World, _name: str) -> Aim:
    """An endpoint of the clinic."""
    body = {"url": "https://93.184.215.14/hook", "clinic_id": world.here["id"]}
    made = await world.api.made("/v1/webhook-endpoints", body, world.person("clinic_admin"))
    return Aim({"endpoint_id": made["id"]})


async def webhook_delivery(world: World, name: str) -> Aim:
    """A delivery to one, which was given up."""
    aim = await webhook_endpoint(world, name)
    path = f"/v1/webhook-endpoints/{aim.values['endpoint_id']}/ping"
    answer = await world.api.post(path, by=world.person("clinic_admin"))
    assert answer.status_code == 202, answer.text
    delivery_id = answer.json()["id"]
    failed = "UPDATE webhook_deliveries SET state = 'failed' WHERE id = $1"
    await world.sql(failed, UUID(delivery_id))
    return Aim(aim.values | {"delivery_id": delivery_id})


async def own_channels(world: World, _name: str) -> Aim:
    """Accounts of the clinic whose secrets nobody can open: trying them asks nobody."""
    admin = world.person("clinic_admin").user_id
    await world.sql(OWN_CHANNELS, UUID(world.here["id"]), admin)
    return Aim({"clinic_id": world.here["id"]})


async def own_accounts(world: World, _name: str) -> Aim:
    """Accounts of the clinic at providers of payments, whose keys nobody can open."""
    admin = world.person("clinic_admin").user_id
    for statement in OWN_ACCOUNTS:
        await world.sql(statement, UUID(world.here["id"]), admin)
    return Aim({"clinic_id": world.here["id"]})


async def own_templates(world: World, _name: str) -> Aim:
    """What the clinic says in its own words."""
    admin = world.person("clinic_admin").user_id
    await world.sql(OWN_TEMPLATES, UUID(world.here["id"]), admin)
    return Aim({"clinic_id": world.here["id"], "kind": "reminder", "language": "en"})


async def bounced_patient(world: World, name: str) -> Aim:
    """The patient of the table, with an address; whether it has bounced does not matter."""
    aim = await patient(world, name)
    await world.sql(
        "UPDATE patients SET email = 'patient@example.com' WHERE id = $1 AND email IS NULL",
        UUID(aim.values["patient_id"]),
    )
    return Aim(aim.values | {"channel": "email"}, aim.people)


async def asset(_world: World, _name: str) -> Aim:
    return Aim({"name": "favicon.png"})


async def consultation_page(_world: World, _name: str) -> Aim:
    return Aim({"booking_id": str(uuid4())})


async def consultation_asset(_world: World, _name: str) -> Aim:
    return Aim({"version": read_assets().version, "folder": "call", "name": "room.js"})


async def code(_world: World, _name: str) -> Aim:
    return Aim({"code": "not_found"})


async def clinic(world: World, _name: str) -> Aim:
    return Aim({"clinic_id": world.here["id"], "slug": f"clinic-{uuid4().hex[:12]}"})


async def new_clinic(world: World, _name: str) -> Aim:
    return Aim({"clinic_id": (await world.api.clinic())["id"]})


async def removed_clinic(world: World, name: str) -> Aim:
    return await _removed(world, f"/v1/clinics/{(await world.api.clinic())['id']}", "clinic_id")


async def doctor(world: World, _name: str) -> Aim:
    """The doctor of the table, with an hour to offer."""
    starts_at = world.hour()
    return Aim(
        {
            "doctor_id": world.doctor["id"],
            "starts_at": starts_at.isoformat(),
            "ends_at": (starts_at + timedelta(minutes=30)).isoformat(),
        }
    )


async def hours(world: World, _name: str) -> Aim:
    """The doctor of the table, with a day of weekly hours that no horizon reaches."""
    return Aim({"doctor_id": world.doctor["id"], "day": next(world.days)})


async def rule(world: World, _name: str) -> Aim:
    return Aim({"rule_id": await made_rule(world)})


async def made_rule(world: World, doctor: Made | None = None) -> str:
    day = next(world.days)
    body = {
        "weekdays": [1, 2, 3, 4, 5, 6, 7],
        "start_time": "09:00",
        "end_time": "10:00",
        "slot_minutes": 30,
        "valid_from": day,
        "valid_until": day,
    }
    path = f"/v1/doctors/{(doctor or world.doctor)['id']}/availability"
    return str((await world.api.made(path, body))["id"])


async def exception(world: World, _name: str) -> Aim:
    return Aim({"exception_id": await made_exception(world)})


async def made_exception(world: World, doctor: Made | None = None) -> str:
    hours = [{"start_time": "09:00", "end_time": "10:00", "slot_minutes": 30}]
    body = {"date": next(world.days), "hours": hours, "replaces": True}
    path = f"/v1/doctors/{(doctor or world.doctor)['id']}/availability-exceptions"
    return str((await world.api.made(path, body))["id"])


async def time_off(world: World, _name: str) -> Aim:
    return Aim({"time_off_id": await made_time_off(world)})


async def made_time_off(world: World, doctor: Made | None = None) -> str:
    starts_at = world.hour()
    ends_at = starts_at + timedelta(minutes=30)
    body = {"starts_at": starts_at.isoformat(), "ends_at": ends_at.isoformat()}
    path = f"/v1/doctors/{(doctor or world.doctor)['id']}/time-off"
    return str((await world.api.made(path, body))["id"])


async def clinic_day(world: World, _name: str) -> Aim:
    return Aim({"clinic_id": world.here["id"], "day": next(world.days)})


async def closure(world: World, _name: str) -> Aim:
    return Aim({"clinic_id": world.here["id"], "closure_id": await made_closure(world)})


async def made_closure(world: World, clinic: Made | None = None) -> str:
    path = f"/v1/clinics/{(clinic or world.here)['id']}/closures"
    made = await world.api.made(path, {"dates": [next(world.days)]})
    return str(made["items"][0]["id"])


async def new_doctor(world: World, _name: str) -> Aim:
    return Aim({"doctor_id": (await world.api.doctor(world.here))["id"]})


async def removed_doctor(world: World, _name: str) -> Aim:
    one = await world.api.doctor(world.here)
    return await _removed(world, f"/v1/doctors/{one['id']}", "doctor_id")


async def service(world: World, _name: str) -> Aim:
    return Aim({"service_id": (await world.api.service(world.here))["id"]})


async def removed_service(world: World, _name: str) -> Aim:
    one = await world.api.service(world.here)
    return await _removed(world, f"/v1/services/{one['id']}", "service_id")


async def open_slot(world: World, _name: str) -> Aim:
    return Aim({"slot_id": (await world.slot())["id"]})


async def closed_slot(world: World, _name: str) -> Aim:
    slot = await world.slot()
    answer = await world.api.post(f"/v1/slots/{slot['id']}/close", by=world.api.admin)
    assert answer.status_code == 200
    return Aim({"slot_id": slot["id"]})


async def slot_for_the_patient(world: World, _name: str) -> Aim:
    return await _wish(world, world.doctor)


async def slot_elsewhere_for_the_patient(world: World, _name: str) -> Aim:
    return await _wish(world, world.doctor_elsewhere)


async def slot_for_a_newcomer(world: World, _name: str) -> Aim:
    """Who holds nothing yet; whoever asks as `patient` is this one."""
    one = await newcomer(world)
    wish = await _wish(world, world.doctor)
    return Aim(wish.values | {"patient_id": str(one.patient_id)}, people={"patient": one})


async def hold(world: World, _name: str) -> Aim:
    """A newcomer's; whoever asks as `patient` is this one."""
    one, slot = await newcomer(world), await world.slot()
    made = await world.api.made("/v1/holds", {"time_slot_id": slot["id"]}, one)
    return Aim({"hold_id": made["id"]}, people={"patient": one})


async def booking(world: World, _name: str) -> Aim:
    return Aim({"booking_id": (await world.booking())["id"]})


async def payable_booking(world: World, _name: str) -> Aim:
    """It costs something, and nothing is paid."""
    made = await world.booking()
    await world.sql(PRICED, UUID(made["id"]))
    return Aim({"booking_id": made["id"]})


async def desk_payment(world: World, _name: str) -> Aim:
    """Money that the desk took."""
    made = (await payable_booking(world, _name)).values["booking_id"]
    path = f"/v1/bookings/{made}/desk-payments"
    paid = await world.api.made(path, {"method": "cash"}, world.person("receptionist"))
    return Aim({"payment_id": paid["id"]})


async def receipt(world: World, name: str) -> Aim:
    """What was written of money that the desk took."""
    paid = (await desk_payment(world, name)).values["payment_id"]
    path = f"/v1/payments/{paid}/receipts"
    (one,) = (await world.api.get(path, world.person("receptionist"))).json()["items"]
    return Aim({"receipt_id": one["id"]})


async def payment_matter(world: World, name: str) -> Aim:
    """Something about a payment that people have to see to."""
    paid = (await desk_payment(world, name)).values["payment_id"]
    (row,) = await world.sql(MATTER, UUID(paid), str(uuid4()))
    return Aim({"matter_id": str(row["id"])})


async def payment_result(world: World, name: str) -> Aim:
    """The address that a payer comes back to: its holder may look."""
    made = (await payable_booking(world, name)).values["booking_id"]
    link = world.api.container.payments.links().link(UUID(made))
    return Aim({"token": link.rpartition("/")[2]})


async def pay_link(world: World, name: str) -> Aim:
    """The address that a message names which asks for money: its holder may pay."""
    made = (await payable_booking(world, name)).values["booking_id"]
    link = world.api.container.payments.pay_links().link(UUID(made))
    return Aim({"token": link.rpartition("/")[2], "provider": "sandbox"})


async def sandbox_checkout(world: World, name: str) -> Aim:
    """The address of a checkout: its holder may pay."""
    made = (await payable_booking(world, name)).values["booking_id"]
    path, body = f"/v1/bookings/{made}/payments", {"provider": "sandbox"}
    begun = await world.api.made(path, body, world.person("patient"))
    return Aim({"reference": begun["checkout_url"].rpartition("/")[2], "deed": "decline"})


async def online_booking(world: World, _name: str) -> Aim:
    """Its room is open: the clinic lets people in long before."""
    made = await world.booking()
    await world.sql(ONLINE, UUID(made["id"]))
    await world.sql(OPEN_EARLY, UUID(world.here["id"]))
    return Aim({"booking_id": made["id"], "room_id": made["id"]})


async def consultation_guest(world: World, name: str) -> Aim:
    """A further party, and the link that they came by."""
    room_id = (await online_booking(world, name)).values["room_id"]
    made = await world.api.made(
        f"/v1/consultations/{room_id}/guests",
        {"kind": "other", "name": "Example Guest"},
        world.person("doctor"),
    )
    return Aim({"room_id": room_id, "guest_id": made["id"], "link_token": made["link_token"]})


async def booking_and_slot(world: World, _name: str) -> Aim:
    """And another slot of the same doctor."""
    made, slot = await world.booking(), await world.slot()
    return Aim({"booking_id": made["id"], "slot_id": slot["id"]})


async def begun_booking(world: World, _name: str) -> Aim:
    """It began long ago, at an hour of its own as well."""
    made = await world.booking()
    await world.sql(
        "UPDATE appointments SET starts_at = starts_at - interval '1000 days',"
        " ends_at = ends_at - interval '1000 days',"
        " blocked_from = blocked_from - interval '1000 days',"
        " blocked_until = blocked_until - interval '1000 days' WHERE id = $1",
        UUID(made["id"]),
    )
    return Aim({"booking_id": made["id"]})


async def missed_booking(world: World, name: str) -> Aim:
    aim = await begun_booking(world, name)
    path = f"/v1/bookings/{aim.values['booking_id']}/no-show"
    answer = await world.api.post(path, by=world.person("receptionist"))
    assert answer.status_code == 200
    return aim


async def member(world: World, _name: str) -> Aim:
    """Somebody who works here."""
    one = await world.api.receptionist(world.here["id"])
    return Aim({"clinic_id": world.here["id"], "user_id": str(one.user_id)})


async def invitation(world: World, _name: str) -> Aim:
    """An open invitation to work here."""
    staff = {"email": f"{uuid4()}@example.com", "full_name": "Example Person"}
    made = await world.api.made(
        f"/v1/clinics/{world.here['id']}/staff",
        staff | {"role": "receptionist"},
        world.person("clinic_admin"),
    )
    return Aim(
        {
            "clinic_id": world.here["id"],
            "invitation_id": made["id"],
            "invitation_token": made["accept_url"].partition("#")[2],
        }
    )


async def offer(world: World, name: str) -> Aim:
    """The same, and somebody who is nothing yet: the others stay as they are."""
    aim = await invitation(world, name)
    keeps = name in {ANONYMOUS, "platform_admin"}
    return Aim(aim.values, {} if keeps else {name: await world.api.person()})


async def member_session(world: World, _name: str) -> Aim:
    """A session of somebody who works here."""
    one = await world.api.receptionist(world.here["id"])
    there = {"clinic_id": world.here["id"], "user_id": str(one.user_id)}
    return Aim({**there, "session_id": str(await world.session_id(one))})


async def account(world: World, name: str) -> Aim:
    """Somebody's own account, signed in once more; the table's patient for the anonymous."""
    person = world.people[name] or world.person("patient")
    (row,) = await world.sql("SELECT email FROM users WHERE id = $1", person.user_id)
    return Aim({"email": row["email"], "password": PASSWORD})


async def lost_password(world: World, _name: str) -> Aim:
    """A link for a new password of somebody who is nothing else."""
    one = await world.api.person()
    link = await world.api.container.identity.reset_link()(UserId(one.user_id))
    assert link is not None
    return Aim({"link_token": link.token})


async def unproved_address(world: World, _name: str) -> Aim:
    """A link that proves the address of somebody who is nothing else."""
    one = await world.api.person()
    link = await world.api.container.identity.verification_link()(UserId(one.user_id))
    assert link is not None
    return Aim({"link_token": link.token})


async def own_password(world: World, name: str) -> Aim:
    """Somebody in the caller's place: nobody of the table gets another password."""
    if name == ANONYMOUS:
        return Aim({})
    one = await world.api.person()
    await world.sql(
        "UPDATE users SET password_hash = (SELECT password_hash FROM users WHERE id = $2)"
        " WHERE id = $1",
        one.user_id,
        world.person("nobody").user_id,
    )
    return Aim({}, {name: one})


async def device(world: World, name: str) -> Aim:
    """The caller, on a device of its own."""
    if name == ANONYMOUS:
        return Aim({})
    return Aim({}, people={name: await world.session(world.person(name))})


async def session(world: World, _name: str) -> Aim:
    """One of the patient's."""
    other = await world.session(world.person("patient"))
    return Aim({"session_id": str(await world.session_id(other))})


async def patient(world: World, _name: str) -> Aim:
    return Aim({"patient_id": str(world.person("patient").patient_id)})


async def patient_of_the_clinic(world: World, name: str) -> Aim:
    aim = await patient_without_account(world, name)
    return Aim(aim.values | {"clinic_id": world.here["id"]})


async def patient_without_account(world: World, _name: str) -> Aim:
    return Aim({"patient_id": await registered(world)})


async def patient_of_two_clinics(world: World, _name: str) -> Aim:
    patient_id = await registered(world)
    await world.sql(
        "INSERT INTO clinic_patients (clinic_id, patient_id, known_since, known_because)"
        " VALUES ($1, $2, now(), 'taken_on')",
        UUID(world.elsewhere["id"]),
        UUID(patient_id),
    )
    return Aim({"patient_id": patient_id})


async def two_records(world: World, _name: str) -> Aim:
    return Aim({"patient_id": await registered(world), "duplicate_id": await registered(world)})


async def two_records_of_two_clinics(world: World, name: str) -> Aim:
    """The other clinic knows the duplicate, too."""
    duplicate = (await patient_of_two_clinics(world, name)).values["patient_id"]
    return Aim({"patient_id": await registered(world), "duplicate_id": duplicate})


async def caller(world: World, _name: str) -> Aim:
    """A patient with an account whom no clinic knows, and what they say on the telephone."""
    one, email = await world.api.patient(), f"{uuid4().hex}@example.com"
    await world.sql(
        "UPDATE patients SET email = $2 WHERE id = $1 RETURNING 1", one.patient_id, email
    )
    return Aim({"clinic_id": world.here["id"], "patient_id": str(one.patient_id), "email": email})


async def removed_patient(world: World, _name: str) -> Aim:
    patient_id = await registered(world)
    desk = world.person("receptionist")
    return await _removed(world, f"/v1/patients/{patient_id}", "patient_id", desk)


async def new_patient(world: World, _name: str) -> Aim:
    """With an account, and known here; whoever asks as `patient` is this one."""
    one = await newcomer(world)
    return Aim({"patient_id": str(one.patient_id)}, people={"patient": one})


async def new_removed_patient(world: World, _name: str) -> Aim:
    one = await newcomer(world)
    path = f"/v1/patients/{one.patient_id}"
    aim = await _removed(world, path, "patient_id", one)
    return Aim(aim.values, people={"patient": one})


async def _wish(world: World, doctor: Made) -> Aim:
    return Aim(
        {
            "slot_id": (await world.slot(doctor))["id"],
            "service_id": world.services[doctor["clinic_id"]],
            "patient_id": str(world.person("patient").patient_id),
        }
    )


async def newcomer(world: World) -> Person:
    one = await world.api.patient()
    assert one.patient_id is not None
    await world.sql(
        "INSERT INTO clinic_patients (clinic_id, patient_id, known_since, known_because)"
        " VALUES ($1, $2, now(), 'taken_on')",
        UUID(world.here["id"]),
        one.patient_id,
    )
    return one


async def registered(world: World) -> str:
    body = {"clinic_id": world.here["id"], "full_name": "Example Patient"}
    made = await world.api.made("/v1/patients", body, world.person("receptionist"))
    return str(made["id"])


async def _removed(world: World, path: str, name: str, by: Person | None = None) -> Aim:
    gone = await world.api.send("DELETE", path, by or world.api.admin)
    assert gone.status_code == 204, gone.text
    return Aim({name: path.rpartition("/")[2]})
