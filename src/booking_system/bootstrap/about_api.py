"""What the OpenAPI document says of the API as a whole, and of its parts."""

TITLE = "Booking System"
DESCRIPTION = """\
Appointment booking for clinics: search open time slots, book one, and nobody else can take it.

**Signing in.** `POST /v1/auth/token`, or register as a patient with `POST /v1/auth/register`, and
send the `access_token` as `Authorization: Bearer …`. It lives ten minutes; the refresh token gets
the next one.

**Times** are RFC 3339: any offset goes in, UTC with `Z` comes out, and all that belongs to a clinic
carries its `time_zone` and the wall clock in `local_starts_at`. Ranges include their start and
exclude their end. **Money** is an integer of minor units and an ISO 4217 currency.

**Lists** have `items` and `next_cursor`; pass that as `cursor` for the next page, with the same
filters. **Changes** take `If-Match` with the `ETag` that you read and answer `412` when somebody
was quicker.

**Errors** are `application/problem+json` (RFC 9457). Branch on `code`, which is stable; `type` is
the address of a page that says what to do, and [here are all of them](/problems). Every answer
carries `X-Request-ID`: send your own, or quote the one that you got.

**Changes of `/v1`.** Things are only added: operations, parameters and fields that may be left
out, fields of answers, kinds of events, codes of errors, values of enumerations in answers. So read
what you know, and pass over the rest. What is there keeps its name, its type and its meaning;
nothing that may be left out becomes required. What is to go is `deprecated` in this document, and
its answers say since when (`Deprecation`, RFC 9745), until when, at least six months ahead
(`Sunset`, RFC 8594), and what takes its place (`Link`). Anything else would be `/v2`, beside `/v1`.
"""
TAGS = {
    "Identity": "Accounts, tokens, sessions, and who you are.",
    "Clinics": "Clinics and their policies. Everybody may read clinics.",
    "Staff": "Who works for a clinic. A role is offered by invitation, and accepted by its owner.",
    "Doctors": "Doctors of clinics. Everybody may read them; a clinic's administrators keep them.",
    "Services": "What a clinic offers: how long it takes, what it costs, which doctors do it.",
    "Patients": "Patients, seen by themselves and by the clinics that know them.",
    "Slots": "Time slots that doctors offer. Everybody may search the open ones.",
    "Availability": "Weekly hours of doctors, which make their time slots; time off and closures.",
    "Holds": "Time slots that are kept for a patient, or a visitor, who is about to book.",
    "Bookings": "Appointments: a time slot taken by a patient.",
    "Notifications": "What people are told, through what, and what became of it.",
    "Message settings": "A clinic's own accounts with providers, and its own words.",
    "Events": "What has happened, in order, for programs that follow it.",
    "Calendar feeds": "Secret addresses that calendar programs subscribe to.",
    "Development": "For developers at the machine itself. Production has nothing of it.",
    "Payments": "How a booking is paid, what was given back, and the papers of it.",
    "Payment settings": "A clinic's own accounts with providers of payments.",
    "Files": "Logos and photos for everybody; documents of a booking for its parties.",
    "Consultations": "The rooms of online bookings: who comes in, their chat, and further parties.",
    "Connecting": "What other systems call a clinic's doctors, services, patients and bookings.",
    "Webhooks": "Other programs that are told what has happened, signed (Standard Webhooks 1.0).",
    "Webhook calls": "What this program sends to webhook endpoints.",
    "Health": "For load balancers and operators.",
}
