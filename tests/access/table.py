"""Who may do what: one row for each operation. Whoever adds a route adds its row here.

PUBLIC   the thing is nobody's secret: whoever may not do it is told so (403).
PRIVATE  whoever is not among `sees` is told what they would be told of a thing that does not
         exist (404, letter by letter); who sees it but may not do it is told so (403).
OPEN     nobody is asked who they are, not even somebody with a token that does not hold.
PAGE     it says nothing of anybody, so that it does not matter who is asked for.

`may` is everybody for whom it succeeds. `on` makes what it is tried on: the doctor, the patient
and the clinic that the people of `tests.access.world` belong to. `names` is the placeholder of the
thing itself: the last one of the path unless something else is said.
"""

import re
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from tests.access import file_scenes, scenes
from tests.access.file_scenes import BYTES, NEW_FILE, NEW_PICTURE
from tests.access.world import ANONYMOUS, PASSWORD, Scene


class Kind(Enum):
    """How a thing is refused."""

    PUBLIC = auto()
    PRIVATE = auto()
    OPEN = auto()
    PAGE = auto()


PUBLIC, PRIVATE, OPEN, PAGE = Kind

PATIENT = frozenset({"patient"})
PATIENTS = PATIENT | {"other_patient"}
DOCTOR = frozenset({"doctor"})
ADMIN = frozenset({"clinic_admin"})
DESK = ADMIN | {"receptionist"}
PLATFORM = frozenset({"platform_admin"})
NOT_SIGNED_IN = frozenset({ANONYMOUS})
SIGNED_IN = (PATIENT | DOCTOR | DESK | PLATFORM) | {
    "nobody",
    "revoked",
    "invited",
    "with_a_given_password",
    "other_patient",
    "colleague",
    "doctor_elsewhere",
    "receptionist_elsewhere",
    "clinic_admin_elsewhere",
}
EVERYBODY = SIGNED_IN | NOT_SIGNED_IN
NOBODY: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Row:
    """One operation, or a variant of it (`about` says which)."""

    method: str
    path: str
    kind: Kind
    may: frozenset[str]
    on: Scene = scenes.nothing
    body: Any = None
    form: Any = None
    sees: frozenset[str] | None = None
    names: str | None = None
    absent: str = "not_found"
    about: str = ""
    query: str = ""
    knows_anybody: bool = False
    """Whoever has not signed in is told what strangers are told, not that they should sign in."""

    is_stream: bool = False
    """It has no end: who may open it asks for the head only."""

    is_same_for_all: bool = False
    """The page is the same for each address; its scripts ask for what that names."""

    @property
    def thing(self) -> str | None:
        """The placeholder of the thing, None where there is none that could be absent."""
        if self.is_same_for_all:
            return None
        placeholders = re.findall(r"{(\w+)}", self.path)
        return self.names or (placeholders[-1] if placeholders else None)

    @property
    def seen_by(self) -> frozenset[str]:
        return self.may if self.sees is None else self.sees

    def __str__(self) -> str:
        return " ".join(filter(None, [self.method, self.path, self.about]))


BOOK = {
    "time_slot_id": "{slot_id}",
    "patient_id": "{patient_id}",
    "service_id": "{service_id}",
    "reason": "First visit",
}
KEEP = {"time_slot_id": "{slot_id}"}
MOVE = {"time_slot_id": "{slot_id}", "reason": "First visit"}
OFFER = {"slots": [{"starts_at": "{starts_at}", "ends_at": "{ends_at}"}]}
HOURS = {
    "weekdays": [1, 2, 3, 4, 5, 6, 7],
    "start_time": "09:00",
    "end_time": "10:00",
    "slot_minutes": 30,
    "valid_from": "{day}",
    "valid_until": "{day}",
}
OTHER_HOURS = {
    "date": "{day}",
    "hours": [{"start_time": "12:00", "end_time": "13:00", "slot_minutes": 30}],
    "replaces": True,
}
TIME_OFF_BODY = {"starts_at": "{starts_at}", "ends_at": "{ends_at}"}
NAME = {"full_name": "Example Person"}
NEW_CLINIC = {"name": "Example Clinic", "slug": "{slug}", "time_zone": "Europe/Berlin"}
NEW_SERVICE = {"name": "Example Service", "duration_minutes": 30}
NEW_STAFF = NAME | {"email": "{slug}@example.com", "role": "clinic_admin"}
NEW_ACCOUNT = NEW_STAFF | {"password": PASSWORD}
NEW_PATIENT = NAME | {"clinic_id": "{clinic_id}"}
REGISTRATION = NAME | {"email": "{slug}@example.com", "password": PASSWORD}
SIGN_IN = {"grant_type": "password", "username": "{email}", "password": "{password}"}
PASSWORDS = {"current_password": PASSWORD, "new_password": PASSWORD}
PHONE = {"phone": "+49301234567"}
DUPLICATE = {"duplicate_id": "{duplicate_id}"}
TOLD = {"email": "{email}"}
CALLED = {"known_as": "Example"}
NOTED = {"external_id": "{slug}", "metadata": {"branch": "north"}}
EMAIL_CHANNEL = {
    "sender": "desk@example.com",
    "smtp": {"host": "93.184.215.14", "user": "clinic", "password": "a password of some length"},
}
SMS_CHANNEL = {
    "sender": "+4915112345678",
    "twilio": {"account_sid": "AC" + 32 * "0", "auth_token": 32 * "0"},
}
STRIPE_ACCOUNT = {"account_id": "acct_1ExampleClinic", "secret_key": "sk_test_51ExampleKey"}
PAYPAL_ACCOUNT = {"client_id": "AaExampleClient", "client_secret": "EExampleSecret"}
OWN_WORDS = {"subject": "See you on {{ date }}"}
NEW_ENDPOINT = {"url": "https://93.184.215.14/hook", "events": ["booking.*"]}

CARERS = DOCTOR | DESK
PARTIES = PATIENT | CARERS
SCHEDULERS = DOCTOR | DESK | PLATFORM
MANAGERS = ADMIN | PLATFORM
CLOSERS = DESK | PLATFORM

CLINIC, STAFF = "/v1/clinics/{clinic_id}", "/v1/clinics/{clinic_id}/staff"
INVITATIONS = "/v1/clinics/{clinic_id}/invitations"
STAFF_SESSIONS = "/v1/clinics/{clinic_id}/staff/{user_id}/sessions"
CLOSURE = "/v1/clinics/{clinic_id}/closures/{closure_id}"
DOCTOR_PATH, SERVICE = "/v1/doctors/{doctor_id}", "/v1/services/{service_id}"
SLOT, BOOKING = "/v1/slots/{slot_id}", "/v1/bookings/{booking_id}"
HOLD = "/v1/holds/{hold_id}"
EXCEPTION = "/v1/availability-exceptions/{exception_id}"
RULE, TIME_OFF = "/v1/availability/{rule_id}", "/v1/time-off/{time_off_id}"
PATIENT_PATH = "/v1/patients/{patient_id}"
PAYMENT = "/v1/payments/{payment_id}"
RECEIPT = "/v1/receipts/{receipt_id}"
FILE = "/v1/files/{file_id}"
CONSULTATION = "/v1/consultations/{room_id}"
CALENDAR_FEED = "/v1/calendar-feeds/{feed_id}"
ENDPOINT = "/v1/webhook-endpoints/{endpoint_id}"
OWN_TEMPLATES = "/v1/clinics/{clinic_id}/message-templates"
TEMPLATE = f"{OWN_TEMPLATES}/{{kind}}/{{language}}"
OF_CLINIC = {"names": "clinic_id"}
NO_SLOT = {"absent": "slot_not_found"}

# fmt: off
ROWS = [
    # Identity
    Row("POST", "/v1/auth/register", OPEN, EVERYBODY, scenes.clinic, REGISTRATION),
    Row("POST", "/v1/auth/token", OPEN, EVERYBODY, scenes.account, form=SIGN_IN),
    Row("POST", "/v1/auth/password-reset", OPEN, EVERYBODY, scenes.account, {"email": "{email}"}),
    Row("POST", "/v1/auth/password-reset/confirm", OPEN, EVERYBODY, scenes.lost_password,
        {"token": "{link_token}", "password": PASSWORD}),
    Row("POST", "/v1/auth/verify-email", OPEN, EVERYBODY, scenes.unproved_address,
        {"token": "{link_token}"}),
    Row("POST", "/v1/auth/verify-email/resend", PUBLIC, SIGNED_IN),
    Row("POST", "/v1/auth/sign-out", PUBLIC, SIGNED_IN, scenes.device),
    Row("GET", "/v1/me", PUBLIC, SIGNED_IN),
    Row("PATCH", "/v1/me", PUBLIC, SIGNED_IN, body={"locale": "de-DE"}),
    Row("POST", "/v1/me/password", PUBLIC, SIGNED_IN, scenes.own_password, PASSWORDS),
    Row("GET", "/v1/sessions", PUBLIC, SIGNED_IN),
    Row("DELETE", "/v1/sessions/{session_id}", PRIVATE, PATIENT, scenes.session),
    # Clinics and their staff
    Row("GET", "/v1/clinics", PUBLIC, EVERYBODY),
    Row("POST", "/v1/clinics", PUBLIC, PLATFORM, scenes.clinic, NEW_CLINIC),
    Row("GET", CLINIC, PUBLIC, EVERYBODY, scenes.clinic),
    Row("PATCH", CLINIC, PUBLIC, MANAGERS, scenes.clinic, {"address": "1 Example Street"}),
    Row("PATCH", CLINIC, PUBLIC, MANAGERS, scenes.clinic, {"policy": {"horizon_days": 200}},
        about="and its calendars"),
    Row("DELETE", CLINIC, PUBLIC, PLATFORM, scenes.new_clinic),
    Row("POST", f"{CLINIC}/restore", PUBLIC, PLATFORM, scenes.removed_clinic),
    Row("GET", STAFF, PUBLIC, MANAGERS, scenes.clinic),
    Row("POST", STAFF, PUBLIC, MANAGERS, scenes.clinic, NEW_STAFF),
    Row("POST", STAFF, PUBLIC, MANAGERS, scenes.clinic, NEW_ACCOUNT, about="with an account"),
    Row("DELETE", f"{STAFF}/{{user_id}}", PUBLIC, MANAGERS, scenes.member),
    Row("DELETE", f"{STAFF}/{{user_id}}", PUBLIC, MANAGERS, scenes.member,
        names="clinic_id", about="of no clinic"),
    Row("GET", INVITATIONS, PUBLIC, MANAGERS, scenes.clinic),
    Row("GET", f"{INVITATIONS}/{{invitation_id}}", PUBLIC, MANAGERS, scenes.invitation),
    Row("DELETE", f"{INVITATIONS}/{{invitation_id}}", PUBLIC, MANAGERS, scenes.invitation),
    Row("POST", "/v1/invitations/look-up", OPEN, EVERYBODY, scenes.invitation,
        {"token": "{invitation_token}"}),
    Row("POST", "/v1/invitations/accept", PUBLIC, SIGNED_IN - PLATFORM, scenes.offer,
        {"token": "{invitation_token}"}),
    Row("POST", "/v1/invitations/accept", PUBLIC, NOT_SIGNED_IN, scenes.invitation,
        {"token": "{invitation_token}", "password": PASSWORD}, about="with a new account"),
    Row("GET", STAFF_SESSIONS, PUBLIC, MANAGERS, scenes.member),
    Row("GET", STAFF_SESSIONS, PUBLIC, MANAGERS, scenes.member,
        names="clinic_id", about="of no clinic"),
    Row("DELETE", STAFF_SESSIONS, PUBLIC, MANAGERS, scenes.member),
    Row("DELETE", STAFF_SESSIONS, PUBLIC, MANAGERS, scenes.member,
        names="clinic_id", about="of no clinic"),
    Row("DELETE", f"{STAFF_SESSIONS}/{{session_id}}", PUBLIC, MANAGERS, scenes.member_session),
    Row("DELETE", f"{STAFF_SESSIONS}/{{session_id}}", PUBLIC, MANAGERS, scenes.member_session,
        names="user_id", about="of nobody"),
    # Doctors
    Row("GET", "/v1/doctors", PUBLIC, EVERYBODY),
    Row("POST", f"{CLINIC}/doctors", PUBLIC, MANAGERS, scenes.clinic, NAME),
    Row("GET", DOCTOR_PATH, PUBLIC, EVERYBODY, scenes.doctor),
    Row("PATCH", DOCTOR_PATH, PUBLIC, MANAGERS | DOCTOR, scenes.doctor, {"bio": "Example"}),
    Row("DELETE", DOCTOR_PATH, PUBLIC, MANAGERS, scenes.new_doctor),
    Row("POST", f"{DOCTOR_PATH}/restore", PUBLIC, MANAGERS, scenes.removed_doctor),
    # Services
    Row("GET", f"{CLINIC}/services", PUBLIC, EVERYBODY, scenes.clinic),
    Row("POST", f"{CLINIC}/services", PUBLIC, MANAGERS, scenes.clinic, NEW_SERVICE),
    Row("GET", SERVICE, PUBLIC, EVERYBODY, scenes.service),
    Row("PATCH", SERVICE, PUBLIC, MANAGERS, scenes.service, {"duration_minutes": 20}),
    Row("DELETE", SERVICE, PUBLIC, MANAGERS, scenes.service),
    Row("POST", f"{SERVICE}/restore", PUBLIC, MANAGERS, scenes.removed_service),
    # Patients
    Row("GET", "/v1/patients", PUBLIC, SIGNED_IN),
    Row("POST", "/v1/patients", PUBLIC, DESK, scenes.clinic, NEW_PATIENT, names="clinic_id"),
    Row("GET", PATIENT_PATH, PRIVATE, PATIENT | DESK, scenes.patient),
    Row("PATCH", PATIENT_PATH, PRIVATE, PATIENT, scenes.patient, {"birth_date": "1990-05-17"},
        sees=PATIENT | DESK),
    Row("PATCH", PATIENT_PATH, PRIVATE, PATIENT, scenes.patient, PHONE,
        sees=PATIENT | DESK, about="how to be reached"),
    Row("PATCH", PATIENT_PATH, PRIVATE, DESK, scenes.patient_without_account, PHONE,
        about="how to be reached, without an account"),
    Row("GET", f"{PATIENT_PATH}/notification-preferences", PRIVATE, PATIENT | DESK, scenes.patient),
    Row("PUT", f"{PATIENT_PATH}/notification-preferences", PRIVATE, PATIENT | DESK, scenes.patient,
        {"sms": False}),
    Row("POST", f"{PATIENT_PATH}/notification-preferences/{{channel}}/lift", PRIVATE,
        PATIENT | DESK, scenes.bounced_patient, names="patient_id"),
    Row("DELETE", PATIENT_PATH, PRIVATE, PATIENT, scenes.new_patient, sees=PATIENT | DESK),
    Row("DELETE", PATIENT_PATH, PRIVATE, DESK, scenes.patient_without_account,
        about="without an account"),
    Row("DELETE", PATIENT_PATH, PRIVATE, NOBODY, scenes.patient_of_two_clinics,
        sees=DESK | {"receptionist_elsewhere", "clinic_admin_elsewhere"},
        about="whom two clinics know"),
    Row("POST", f"{PATIENT_PATH}/restore", PRIVATE, PATIENT, scenes.new_removed_patient,
        sees=PATIENT | DESK),
    Row("POST", f"{PATIENT_PATH}/restore", PRIVATE, DESK, scenes.removed_patient,
        about="without an account"),
    Row("POST", f"{PATIENT_PATH}/merge", PRIVATE, NOBODY, scenes.two_records_of_two_clinics,
        DUPLICATE, sees=DESK, about="whose duplicate two clinics know"),
    Row("POST", f"{PATIENT_PATH}/merge", PRIVATE, DESK, scenes.two_records, DUPLICATE,
        names="duplicate_id", about="with nobody"),
    Row("POST", f"{PATIENT_PATH}/merge", PRIVATE, DESK, scenes.two_records, DUPLICATE),
    Row("POST", f"{CLINIC}/patients/{{patient_id}}", PUBLIC, DESK, scenes.caller, TOLD,
        names="clinic_id", about="of no clinic"),
    Row("POST", f"{CLINIC}/patients/{{patient_id}}", PUBLIC, DESK, scenes.caller, TOLD),
    Row("PATCH", f"{CLINIC}/patients/{{patient_id}}", PUBLIC, DESK, scenes.patient_of_the_clinic,
        CALLED, names="clinic_id", about="of no clinic"),
    Row("PATCH", f"{CLINIC}/patients/{{patient_id}}", PUBLIC, DESK, scenes.patient_of_the_clinic,
        CALLED),
    # What other systems call them
    Row("GET", f"{DOCTOR_PATH}/references", PUBLIC, CLOSERS, scenes.doctor),
    Row("PATCH", f"{DOCTOR_PATH}/references", PUBLIC, MANAGERS, scenes.doctor, NOTED),
    Row("GET", f"{SERVICE}/references", PUBLIC, CLOSERS, scenes.service),
    Row("PATCH", f"{SERVICE}/references", PUBLIC, MANAGERS, scenes.service, NOTED),
    *(
        Row(method, f"{CLINIC}/patients/{{patient_id}}/references", PUBLIC, DESK,
            scenes.patient_of_the_clinic, body, names=names, about=about)
        for method, body in (("GET", None), ("PATCH", NOTED))
        for names, about in ((None, ""), ("clinic_id", "of no clinic"))
    ),
    Row("GET", f"{BOOKING}/references", PRIVATE, DESK, scenes.booking, sees=PARTIES),
    Row("PATCH", f"{BOOKING}/references", PRIVATE, DESK, scenes.booking, NOTED, sees=PARTIES),
    Row("GET", "/v1/doctors", PUBLIC, CLOSERS, scenes.clinic, about="by an id elsewhere",
        query="?clinic_id={clinic_id}&external_id=x"),
    Row("GET", "/v1/bookings", PUBLIC, DESK, scenes.clinic, about="by an id elsewhere",
        query="?clinic_id={clinic_id}&external_id=x"),
    # Slots
    Row("GET", "/v1/slots", PUBLIC, EVERYBODY),
    Row("GET", "/v1/events", PUBLIC, PLATFORM),
    Row("GET", "/v1/events", PUBLIC, ADMIN | PLATFORM, scenes.clinic, about="of a clinic",
        query="?clinic_id={clinic_id}"),
    Row("GET", "/v1/clinics/{clinic_id}/stream", PRIVATE, DESK, scenes.clinic, is_stream=True),
    Row("GET", "/v1/slots/stream", PUBLIC, EVERYBODY, scenes.clinic, is_stream=True,
        query="?clinic_id={clinic_id}", names="clinic_id", absent="validation_error"),
    Row("GET", "/v1/slots/next", PUBLIC, EVERYBODY),
    Row("GET", "/v1/slots/calendar", PUBLIC, EVERYBODY, scenes.clinic,
        query="?clinic_id={clinic_id}", names="clinic_id", absent="validation_error"),
    Row("POST", f"{DOCTOR_PATH}/slots", PUBLIC, SCHEDULERS, scenes.doctor, OFFER),
    Row("GET", SLOT, PUBLIC, EVERYBODY, scenes.open_slot, **NO_SLOT),
    Row("POST", f"{SLOT}/close", PUBLIC, SCHEDULERS, scenes.open_slot, **NO_SLOT),
    Row("POST", f"{SLOT}/reopen", PUBLIC, SCHEDULERS, scenes.closed_slot, **NO_SLOT),
    Row("DELETE", SLOT, PUBLIC, SCHEDULERS, scenes.open_slot, **NO_SLOT),
    Row("GET", f"{SLOT}/explain", PUBLIC, EVERYBODY, scenes.open_slot, **NO_SLOT),
    # Availability
    Row("GET", f"{DOCTOR_PATH}/availability", PUBLIC, SCHEDULERS, scenes.doctor),
    Row("POST", f"{DOCTOR_PATH}/availability", PUBLIC, SCHEDULERS, scenes.hours, HOURS),
    Row("GET", RULE, PUBLIC, SCHEDULERS, scenes.rule),
    Row("PATCH", RULE, PUBLIC, SCHEDULERS, scenes.rule, {"gap_minutes": 0}),
    Row("DELETE", RULE, PUBLIC, SCHEDULERS, scenes.rule),
    Row("GET", f"{DOCTOR_PATH}/availability-exceptions", PUBLIC, SCHEDULERS, scenes.doctor),
    Row("POST", f"{DOCTOR_PATH}/availability-exceptions", PUBLIC, SCHEDULERS, scenes.hours,
        OTHER_HOURS),
    Row("GET", EXCEPTION, PUBLIC, SCHEDULERS, scenes.exception),
    Row("DELETE", EXCEPTION, PUBLIC, SCHEDULERS, scenes.exception),
    Row("GET", f"{DOCTOR_PATH}/time-off", PUBLIC, SCHEDULERS, scenes.doctor),
    Row("POST", f"{DOCTOR_PATH}/time-off", PUBLIC, SCHEDULERS, scenes.doctor, TIME_OFF_BODY),
    Row("GET", TIME_OFF, PUBLIC, SCHEDULERS, scenes.time_off),
    Row("PATCH", TIME_OFF, PUBLIC, SCHEDULERS, scenes.time_off, {"reason": "Holiday"}),
    Row("DELETE", TIME_OFF, PUBLIC, SCHEDULERS, scenes.time_off),
    Row("GET", f"{CLINIC}/closures", PUBLIC, CLOSERS, scenes.clinic),
    Row("POST", f"{CLINIC}/closures", PUBLIC, CLOSERS, scenes.clinic_day, {"dates": ["{day}"]}),
    Row("GET", CLOSURE, PUBLIC, CLOSERS, scenes.closure),
    Row("GET", CLOSURE, PUBLIC, CLOSERS, scenes.closure, names="clinic_id", about="of no clinic"),
    Row("PATCH", CLOSURE, PUBLIC, CLOSERS, scenes.closure, {"reason": "Holiday"}),
    Row("PATCH", CLOSURE, PUBLIC, CLOSERS, scenes.closure, {"reason": "Holiday"},
        names="clinic_id", about="of no clinic"),
    Row("DELETE", CLOSURE, PUBLIC, CLOSERS, scenes.closure),
    Row("DELETE", CLOSURE, PUBLIC, CLOSERS, scenes.closure,
        names="clinic_id", about="of no clinic"),
    # Days of the calendar
    Row("GET", f"{DOCTOR_PATH}/day", PUBLIC, CARERS, scenes.doctor),
    Row("GET", f"{CLINIC}/day", PUBLIC, DESK, scenes.clinic),
    # Holds
    Row("POST", "/v1/holds", PRIVATE, PATIENT | DESK, scenes.slot_for_a_newcomer,
        KEEP | {"patient_id": "{patient_id}"}, names="patient_id"),
    Row("POST", "/v1/holds", PUBLIC, PATIENTS | DESK | NOT_SIGNED_IN, scenes.open_slot, KEEP,
        about="for nobody else"),
    Row("GET", HOLD, PRIVATE, PATIENT | DESK, scenes.hold, knows_anybody=True),
    Row("POST", f"{HOLD}/extend", PRIVATE, PATIENT, scenes.hold, sees=PATIENT | DESK,
        knows_anybody=True),
    Row("DELETE", HOLD, PRIVATE, PATIENT, scenes.hold, sees=PATIENT | DESK, knows_anybody=True),
    # Bookings
    Row("GET", "/v1/bookings", PUBLIC, SIGNED_IN),
    Row("POST", "/v1/bookings", PRIVATE, PATIENT | DESK, scenes.slot_for_the_patient, BOOK,
        names="patient_id"),
    Row("POST", "/v1/bookings", PRIVATE, PATIENT, scenes.slot_elsewhere_for_the_patient, BOOK,
        names="patient_id", about="in a clinic that does not know the patient"),
    Row("GET", BOOKING, PRIVATE, PARTIES, scenes.booking),
    Row("POST", f"{BOOKING}/cancel", PRIVATE, PARTIES, scenes.booking, {"reason": "Ill"}),
    Row("POST", f"{BOOKING}/reschedule", PRIVATE, PARTIES, scenes.booking_and_slot, MOVE),
    Row("POST", f"{BOOKING}/check-in", PRIVATE, CARERS, scenes.begun_booking, sees=PARTIES),
    Row("POST", f"{BOOKING}/complete", PRIVATE, CARERS, scenes.begun_booking, sees=PARTIES),
    Row("POST", f"{BOOKING}/no-show", PRIVATE, CARERS, scenes.begun_booking, sees=PARTIES),
    Row("POST", f"{BOOKING}/undo", PRIVATE, CARERS, scenes.missed_booking, sees=PARTIES),
    Row("GET", f"{BOOKING}/history", PRIVATE, PARTIES, scenes.booking),
    Row("GET", f"{BOOKING}/notifications", PRIVATE, PARTIES, scenes.booking),
    Row("GET", "/v1/unsubscribe/{token}", OPEN, EVERYBODY, scenes.unsubscribe_link),
    Row("POST", "/v1/unsubscribe/{token}", OPEN, EVERYBODY, scenes.unsubscribe_link),
    Row("GET", "/v1/dead-messages", PUBLIC, PLATFORM),
    Row("POST", "/v1/dead-messages/{message_id}/retry", PUBLIC, PLATFORM, scenes.dead_message),
    Row("GET", "/v1/dead-events", PUBLIC, PLATFORM),
    Row("POST", "/v1/dead-events/{consumer}/{seq}/retry", PUBLIC, PLATFORM, scenes.dead_event,
        names="consumer"),
    # What was kept instead of being sent: these people are not at the machine itself.
    Row("GET", "/v1/dev/outbox", PUBLIC, PLATFORM),
    # What a clinic sets of its messages
    *(
        row
        for channel, body in (("email-channel", EMAIL_CHANNEL), ("sms-channel", SMS_CHANNEL))
        for row in (
            Row("GET", f"{CLINIC}/{channel}", PUBLIC, MANAGERS, scenes.clinic),
            Row("PUT", f"{CLINIC}/{channel}", PUBLIC, ADMIN, scenes.clinic, body),
            Row("DELETE", f"{CLINIC}/{channel}", PUBLIC, MANAGERS, scenes.own_channels),
        )
    ),
    Row("POST", f"{CLINIC}/email-channel/try", PUBLIC, ADMIN, scenes.own_channels),
    Row("POST", f"{CLINIC}/sms-channel/try", PUBLIC, ADMIN, scenes.own_channels,
        {"number": "+4915112345678"}),
    Row("GET", OWN_TEMPLATES, PUBLIC, CLOSERS, scenes.clinic),
    Row("GET", TEMPLATE, PUBLIC, CLOSERS, scenes.own_templates, **OF_CLINIC),
    Row("PUT", TEMPLATE, PUBLIC, MANAGERS, scenes.own_templates, OWN_WORDS, **OF_CLINIC),
    Row("DELETE", TEMPLATE, PUBLIC, MANAGERS, scenes.own_templates, **OF_CLINIC),
    Row("POST", f"{TEMPLATE}/preview", PUBLIC, CLOSERS, scenes.own_templates, OWN_WORDS,
        **OF_CLINIC),
    Row("GET", f"{CLINIC}/unreached-bookings", PUBLIC, DESK, scenes.clinic),
    # Money
    Row("POST", f"{BOOKING}/payments", PRIVATE, PATIENT | DESK, scenes.payable_booking,
        {"provider": "sandbox"}, sees=PARTIES),
    Row("POST", f"{BOOKING}/desk-payments", PRIVATE, DESK, scenes.payable_booking,
        {"method": "cash"}, sees=PARTIES),
    Row("GET", f"{BOOKING}/payments", PRIVATE, PARTIES, scenes.payable_booking),
    Row("GET", PAYMENT, PRIVATE, PARTIES, scenes.desk_payment),
    Row("POST", f"{PAYMENT}/refunds", PRIVATE, DESK, scenes.desk_payment, {"amount": 100},
        sees=PARTIES),
    Row("GET", f"{PAYMENT}/receipts", PRIVATE, PARTIES, scenes.desk_payment),
    Row("GET", f"{RECEIPT}.pdf", PRIVATE, PARTIES, scenes.receipt),
    Row("GET", f"{RECEIPT}.html", PRIVATE, PARTIES, scenes.receipt),
    Row("GET", f"{CLINIC}/payment-ledger.csv", PUBLIC, DESK, scenes.clinic),
    *(
        row
        for provider, body in (("stripe", STRIPE_ACCOUNT), ("paypal", PAYPAL_ACCOUNT))
        for row in (
            Row("GET", f"{CLINIC}/payment-accounts/{provider}", PUBLIC, MANAGERS, scenes.clinic),
            Row("PUT", f"{CLINIC}/payment-accounts/{provider}", PUBLIC, ADMIN, scenes.clinic,
                body),
            Row("DELETE", f"{CLINIC}/payment-accounts/{provider}", PUBLIC, MANAGERS,
                scenes.own_accounts),
        )
    ),
    Row("GET", f"{CLINIC}/payment-totals", PUBLIC, DESK, scenes.clinic),
    Row("GET", f"{CLINIC}/payment-matters", PUBLIC, DESK, scenes.clinic),
    Row("DELETE", "/v1/payment-matters/{matter_id}", PRIVATE, DESK, scenes.payment_matter),
    Row("GET", "/payment-result/{token}", OPEN, EVERYBODY, scenes.payment_result, names="token"),
    Row("GET", "/pay/{token}", OPEN, EVERYBODY, scenes.pay_link, names="token"),
    Row("POST", "/pay/{token}/{provider}", OPEN, EVERYBODY, scenes.pay_link, names="token"),
    Row("GET", "/sandbox/checkout/{reference}", OPEN, EVERYBODY, scenes.sandbox_checkout,
        names="reference"),
    Row("POST", "/sandbox/checkout/{reference}/{deed}", OPEN, EVERYBODY, scenes.sandbox_checkout,
        names="reference"),
    # Files
    Row("POST", "/v1/files", PRIVATE, PARTIES, scenes.booking,
        {"purpose": "booking_document", "owner_id": "{booking_id}"} | NEW_FILE,
        names="booking_id", about="a document"),
    Row("POST", "/v1/files", PUBLIC, DOCTOR | MANAGERS, scenes.doctor,
        {"purpose": "doctor_photo", "owner_id": "{doctor_id}"} | NEW_PICTURE,
        names="doctor_id", about="a photo"),
    Row("POST", "/v1/files", PUBLIC, MANAGERS, scenes.clinic,
        {"purpose": "clinic_logo", "owner_id": "{clinic_id}"} | NEW_PICTURE,
        names="clinic_id", about="a logo"),
    Row("PUT", "/v1/uploads/{token}", OPEN, EVERYBODY, file_scenes.upload_link, BYTES,
        names="token"),
    Row("POST", f"{FILE}/complete", PRIVATE, PATIENT, file_scenes.sent_document),
    Row("GET", FILE, PRIVATE, PARTIES, file_scenes.document),
    Row("GET", f"{FILE}/content", PRIVATE, PARTIES, file_scenes.document),
    Row("DELETE", FILE, PRIVATE, PATIENT | ADMIN, file_scenes.document, sees=PARTIES),
    Row("POST", f"{FILE}/restore", PRIVATE, PATIENT | ADMIN, file_scenes.deleted_document),
    Row("GET", "/v1/downloads/{token}", OPEN, EVERYBODY, file_scenes.read_link, names="token"),
    Row("GET", "/v1/images/{file_id}", OPEN, EVERYBODY, file_scenes.photo),
    Row("GET", f"{BOOKING}/files", PRIVATE, PARTIES, scenes.booking),
    Row("GET", f"{CLINIC}/storage", PUBLIC, MANAGERS, scenes.clinic),
    # Consultations
    Row("GET", f"{BOOKING}/consultation", PRIVATE, PATIENT | DOCTOR, scenes.online_booking,
        sees=PARTIES),
    Row("GET", CONSULTATION, PRIVATE, PARTIES, scenes.online_booking),
    Row("GET", f"{CONSULTATION}/messages", PRIVATE, PATIENT | DOCTOR, scenes.online_booking,
        sees=PARTIES),
    Row("GET", f"{CONSULTATION}/transcript", PRIVATE, PATIENT | DOCTOR, scenes.online_booking,
        sees=PARTIES),
    Row("POST", f"{CONSULTATION}/end", PRIVATE, DOCTOR | DESK, scenes.online_booking,
        sees=PARTIES),
    Row("POST", f"{CONSULTATION}/guests", PRIVATE, DOCTOR, scenes.online_booking,
        {"kind": "interpreter", "name": "Example Interpreter"}, sees=PARTIES),
    Row("GET", f"{CONSULTATION}/guests", PRIVATE, PATIENT | DOCTOR, scenes.online_booking,
        sees=PARTIES),
    Row("DELETE", f"{CONSULTATION}/guests/{{guest_id}}", PRIVATE, DOCTOR,
        scenes.consultation_guest, sees=PARTIES),
    Row("POST", "/v1/consultation-guests", OPEN, EVERYBODY, scenes.consultation_guest,
        {"token": "{link_token}"}),
    # Calendars
    Row("GET", "/v1/calendar-feeds/{token}.ics", OPEN, EVERYBODY, scenes.calendar_link,
        names="token"),
    Row("GET", "/v1/calendar-feeds", PUBLIC, SIGNED_IN),
    Row("POST", "/v1/calendar-feeds", PUBLIC, PATIENTS, body={"scope": "patient"},
        about="of a patient"),
    Row("POST", "/v1/calendar-feeds", PUBLIC, CARERS, scenes.doctor,
        {"scope": "doctor", "doctor_id": "{doctor_id}", "details": "initials"},
        names="doctor_id", about="of a doctor"),
    Row("POST", "/v1/calendar-feeds", PUBLIC, DOCTOR, scenes.doctor,
        {"scope": "doctor", "doctor_id": "{doctor_id}", "details": "names"},
        names="doctor_id", about="of a doctor, with names"),
    Row("GET", CALENDAR_FEED, PRIVATE, PATIENT, scenes.calendar_feed),
    Row("DELETE", CALENDAR_FEED, PRIVATE, PATIENT, scenes.calendar_feed),
    # Webhooks
    Row("GET", "/v1/webhook-endpoints", PUBLIC, MANAGERS | {"clinic_admin_elsewhere"}),
    Row("POST", "/v1/webhook-endpoints", PUBLIC, PLATFORM, body=NEW_ENDPOINT,
        about="of the platform"),
    Row("POST", "/v1/webhook-endpoints", PUBLIC, MANAGERS, scenes.clinic,
        NEW_ENDPOINT | {"clinic_id": "{clinic_id}"}, names="clinic_id"),
    Row("GET", ENDPOINT, PRIVATE, MANAGERS, scenes.webhook_endpoint),
    Row("PATCH", ENDPOINT, PRIVATE, MANAGERS, scenes.webhook_endpoint, {"events": ["slot.*"]}),
    Row("DELETE", ENDPOINT, PRIVATE, MANAGERS, scenes.webhook_endpoint),
    Row("POST", f"{ENDPOINT}/rotate-secret", PRIVATE, MANAGERS, scenes.webhook_endpoint),
    Row("POST", f"{ENDPOINT}/ping", PRIVATE, MANAGERS, scenes.webhook_endpoint),
    Row("GET", f"{ENDPOINT}/deliveries", PRIVATE, MANAGERS, scenes.webhook_delivery),
    Row("POST", f"{ENDPOINT}/deliveries/{{delivery_id}}/replay", PRIVATE, MANAGERS,
        scenes.webhook_delivery),
    Row("POST", f"{ENDPOINT}/replay", PRIVATE, MANAGERS, scenes.webhook_delivery,
        query="?since_seq=1"),
    # What says nothing of anybody
    Row("GET", "/dev/outbox", PAGE, EVERYBODY),
    Row("GET", "/.well-known/jwks.json", PAGE, EVERYBODY),
    Row("GET", "/health/live", PAGE, EVERYBODY),
    Row("GET", "/health/ready", PAGE, EVERYBODY),
    Row("GET", "/metrics", PAGE, EVERYBODY),
    Row("GET", "/invitation", PAGE, EVERYBODY),
    Row("GET", "/reset-password", PAGE, EVERYBODY),
    Row("GET", "/verify-email", PAGE, EVERYBODY),
    Row("GET", "/openapi.json", PAGE, EVERYBODY),
    Row("GET", "/asyncapi.json", PAGE, EVERYBODY),
    Row("GET", "/consultation", PAGE, EVERYBODY),
    Row("GET", "/consultation/{booking_id}", PAGE, EVERYBODY, scenes.consultation_page,
        is_same_for_all=True),
    Row("GET", "/consultation/assets/{version}/{folder}/{name}", PAGE, EVERYBODY,
        scenes.consultation_asset),
    Row("GET", "/", PAGE, EVERYBODY),
    Row("GET", "/docs", PAGE, EVERYBODY),
    Row("GET", "/docs/openapi.json", PAGE, EVERYBODY),
    Row("GET", "/redoc", PAGE, EVERYBODY),
    Row("GET", "/docs/assets/{name}", PAGE, EVERYBODY, scenes.asset),
    Row("GET", "/problems", PAGE, EVERYBODY),
    Row("GET", "/problems/{code}", PAGE, EVERYBODY, scenes.code),
]
# fmt: on
