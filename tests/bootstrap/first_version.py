"""The first version that was given out: taken from the repository's history, filled, and asked."""

import subprocess
import tarfile
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from booking_system.bootstrap.migrations import ROOT

COMMIT = "7e6ecb5"
HEAD = "0005"
"""Its schema."""
NO_HISTORY = (
    f"this proof installs the first version from the history of the repository: commit {COMMIT} "
    "has to be there (git fetch --unshallow)"
)
NO_PACKAGES = "this proof installs the first version, whose packages come from PyPI"
PASSWORD = "three quiet otters"
ADMIN = "operator@example.com"
ACCOUNTS = ("reception", "doctor", "first", "second", "third")
"""Of the clinic that is made; `first`, `second` and `third` are patients."""
BY_VERSION = {"allowed_actions", "instance"}
"""What may be done grows with the program; each problem has an address of its own."""
LONG = "An example of a long text. " * 70


def installed(folder: Path) -> Path:
    """Install it there as its README says; return its command."""
    taken = subprocess.run(
        ["git", "-C", str(ROOT), "archive", COMMIT], check=False, capture_output=True
    )
    assert taken.returncode == 0, f"{NO_HISTORY}: {taken.stderr.decode()}"
    with tarfile.open(fileobj=BytesIO(taken.stdout)) as archive:
        archive.extractall(folder, filter="data")
    made = subprocess.run(
        ["make", ".venv/installed"], cwd=folder, check=False, capture_output=True, text=True
    )
    assert made.returncode == 0, f"{NO_PACKAGES}: {made.stdout}{made.stderr}"
    return folder / ".venv/bin/booking-system"


class Caller:
    """Asks the API, which answers as it shall."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client
        self._tokens: dict[str, str] = {}
        self._sessions: dict[str, str] = {}

    def sign_in(self, email: str, password: str = PASSWORD) -> None:
        """Sign in, and be that account from now on where it is named."""
        self._take(email, {"grant_type": "password", "username": email, "password": password})

    def refresh(self) -> None:
        """Go on with each session that was begun, as an application does that was left open."""
        for email, token in list(self._sessions.items()):
            self._take(email, {"grant_type": "refresh_token", "refresh_token": token})

    def _take(self, email: str, form: dict[str, str]) -> None:
        answer = self._client.post("/v1/auth/token", data=form)
        assert answer.status_code == 200, (email, answer.text)
        told = answer.json()
        self._tokens[email], self._sessions[email] = told["access_token"], told["refresh_token"]

    def ask(
        self, method: str, path: str, who: str = "", body: object = None, *, status: int = 200
    ) -> Any:
        """Send it as the account, and return what came back as JSON."""
        headers = {"Authorization": f"Bearer {self._tokens[who]}"} if who else {}
        answer = self._client.request(method, path, json=body, headers=headers)
        assert answer.status_code == status, (method, path, who, answer.text)
        return answer.json() if answer.content else None

    def all(self, path: str, who: str = "") -> list[Any]:
        """Return all pages of a list."""
        found: list[Any] = []
        cursor = ""
        while True:
            mark = "&" if "?" in path else "?"
            page = self.ask("GET", f"{path}{mark}limit=100{cursor}", who)
            found += page["items"]
            if page["next_cursor"] is None:
                return found
            cursor = f"&cursor={quote(page['next_cursor'])}"


@dataclass
class Filled:
    """What was made in the first version."""

    clinic: str = ""
    doctors: list[str] = field(default_factory=list)
    services: dict[str, str] = field(default_factory=dict)
    slots: list[str] = field(default_factory=list)
    """Half hours of the first doctor, in the order of their beginnings."""
    records: dict[str, str] = field(default_factory=dict)
    """By the account of a patient, the record."""
    bookings: dict[str, str] = field(default_factory=dict)
    """By what became of it."""


def filled(caller: Caller) -> Filled:
    """Make a clinic of everything that the version knew, beside the data of its demo."""
    made = Filled()
    caller.sign_in(ADMIN)
    made.clinic = _clinic(caller, "kept")
    _catalogue(caller, made)
    _accounts(caller, made)
    _slots(caller, made)
    _bookings(caller, made)
    _removed(caller, made)
    return made


def _clinic(caller: Caller, slug: str) -> str:
    clinic = {
        "name": f"Example Clinic {slug}",
        "slug": slug,
        "time_zone": "Asia/Kathmandu",
        "address": LONG,
        "phone": "+49301234567",
        "email": "clinic@example.com",
        "locale": "zh-Hant-TW",
        "currency": "JPY",
        "embed_origins": ["https://www.example.com", "http://localhost:3000"],
        "policy": {
            "min_notice_minutes": 0,
            "cancel_notice_minutes": 60,
            "horizon_days": 730,
            "max_open_bookings_per_patient": 1000,
            "reminder_offsets_minutes": [1, 525_600],
        },
    }
    made: str = caller.ask("POST", "/v1/clinics", ADMIN, clinic, status=201)["id"]
    return made


def _catalogue(caller: Caller, made: Filled) -> None:
    there = f"/v1/clinics/{made.clinic}"
    for number in range(3):
        doctor = {
            "full_name": f"Example Doctor {number}",
            "title": "Dr. med.",
            "specialty": "Cardiology",
            "languages": ["ne", "en"],
            "bio": LONG,
            "photo_url": "https://example.com/photo.jpg",
        }
        found = caller.ask("POST", f"{there}/doctors", ADMIN, doctor, status=201)
        made.doctors.append(found["id"])
    paid = {"price": {"amount": 4500, "currency": "JPY"}}
    for name, more in {
        "plain": {"duration_minutes": 30},
        "paid": {"duration_minutes": 30, "payment": "required", **paid},
        "deposit": {
            "duration_minutes": 20,
            "payment": "optional",
            "deposit": {"amount": 500, "currency": "JPY"},
            **paid,
        },
        # The version kept no buffers free, and sold a service where it fits in one slot.
        "long": {"duration_minutes": 90, "doctor_ids": made.doctors[:1]},
        "buffered": {
            "duration_minutes": 30,
            "buffer_before_minutes": 10,
            "buffer_after_minutes": 240,
        },
        "gone": {"duration_minutes": 30},
    }.items():
        service = {"name": f"Example {name}", **more}
        if "doctor_ids" not in more:
            service["doctor_ids"] = made.doctors
        found = caller.ask("POST", f"{there}/services", ADMIN, service, status=201)
        made.services[name] = found["id"]


def _accounts(caller: Caller, made: Filled) -> None:
    for name in ACCOUNTS[:2]:
        member = {
            "email": f"{name}@example.com",
            "full_name": f"Example {name}",
            "password": PASSWORD,
            "role": "receptionist" if name == "reception" else "doctor",
        }
        if name == "doctor":
            member["doctor_id"] = made.doctors[0]
        caller.ask("POST", f"/v1/clinics/{made.clinic}/staff", ADMIN, member, status=201)
        caller.sign_in(member["email"])
    for name in ACCOUNTS[2:]:
        form = {"email": f"{name}@example.com", "full_name": f"Example {name}"}
        if name == "first":
            form |= {"phone": "+49301234567", "locale": "ne-NP", "time_zone": "Asia/Kathmandu"}
        told = caller.ask(
            "POST", "/v1/auth/register", body=form | {"password": "a first password"}, status=201
        )
        made.records[name] = told["patient_id"]
        caller.sign_in(form["email"], "a first password")
        change = {"current_password": "a first password", "new_password": PASSWORD}
        caller.ask("POST", "/v1/me/password", form["email"], change, status=204)
        caller.sign_in(form["email"])
    record = {"clinic_id": made.clinic, "full_name": "Example without", "birth_date": "1900-02-28"}
    told = caller.ask("POST", "/v1/patients", "reception@example.com", record, status=201)
    made.records["without"] = told["id"]


def _slots(caller: Caller, made: Filled) -> None:
    first = (datetime.now(UTC) + timedelta(days=3)).replace(
        hour=0, minute=7, second=0, microsecond=0
    )
    half = timedelta(minutes=30)
    for doctor, mode in zip(made.doctors, ("in_person", "online", "phone"), strict=True):
        offer = [
            {"starts_at": at.isoformat(), "ends_at": (at + half).isoformat(), "mode": mode}
            for at in (first + half * number for number in range(40))
        ]
        # Seconds, and a day and a night: both could be offered.
        odd = first + timedelta(days=2, seconds=1)
        until = odd + timedelta(hours=24)
        offer.append({"starts_at": odd.isoformat(), "ends_at": until.isoformat(), "mode": mode})
        told = caller.ask(
            "POST", f"/v1/doctors/{doctor}/slots", ADMIN, {"slots": offer}, status=201
        )
        if doctor == made.doctors[0]:
            made.slots = [slot["id"] for slot in told["items"]]
    for number in (30, 31):
        caller.ask("POST", f"/v1/slots/{made.slots[number]}/close", ADMIN)
    caller.ask("POST", f"/v1/slots/{made.slots[31]}/reopen", ADMIN)
    caller.ask("DELETE", f"/v1/slots/{made.slots[32]}", ADMIN, status=204)


def _bookings(caller: Caller, made: Filled) -> None:
    services, slots = made.services, made.slots

    def booked(who: str, number: int, service: str, **more: str) -> str:
        wish = {"time_slot_id": slots[number], "service_id": services[service], **more}
        told = caller.ask("POST", "/v1/bookings", f"{who}@example.com", wish, status=201)
        booking: str = told["id"]
        return booking

    def cancelled(who: str, booking: str, body: object = None) -> str:
        caller.ask("POST", f"/v1/bookings/{booking}/cancel", f"{who}@example.com", body)
        return booking

    made.bookings = {
        "confirmed": booked("first", 0, "plain", reason=LONG),
        "unpaid": booked("first", 2, "paid"),
        "deposit": booked("second", 4, "deposit"),
        "long": booked("second", -1, "long"),
        # Its neighbour is sold, too: what the buffer would take is not free.
        "buffered": booked("first", 9, "buffered"),
        "beside buffered": booked("second", 10, "plain"),
        "by the desk": booked("reception", 12, "plain", patient_id=made.records["without"]),
        "to move": booked("third", 14, "plain"),
        "to cancel": booked("third", 16, "paid"),
        "by the patient": cancelled("first", booked("first", 18, "plain"), {"reason": "Ill"}),
        "by the clinic": cancelled("reception", booked("second", 20, "paid"), {"reason": LONG}),
        # Sold again, and cancelled again.
        "again": cancelled("third", booked("third", 18, "plain")),
        "at last": booked("second", 18, "plain"),
        "of what is gone": booked("first", 22, "gone"),
    }


def _removed(caller: Caller, made: Filled) -> None:
    desk = "reception@example.com"

    def remove(path: str, who: str = ADMIN) -> None:
        caller.ask("DELETE", path, who, status=204)

    remove(f"/v1/services/{made.services['gone']}")
    other = {"time_slot_id": "", "service_id": made.services["plain"]}
    for number, rest in ((1, "cancel"), (2, "keep")):
        doctor = made.doctors[number]
        (slot, *_) = caller.all(f"/v1/slots?doctor_id={doctor}")
        wish = other | {"time_slot_id": slot["id"]}
        told = caller.ask("POST", "/v1/bookings", "third@example.com", wish, status=201)
        made.bookings[f"of a removed doctor, {rest}"] = told["id"]
        remove(f"/v1/doctors/{doctor}?on_conflict={rest}")
    caller.ask("POST", f"/v1/doctors/{made.doctors[2]}/restore", ADMIN)
    record = {"clinic_id": made.clinic, "full_name": "Example gone"}
    told = caller.ask("POST", "/v1/patients", desk, record, status=201)
    remove(f"/v1/patients/{told['id']}", desk)
    remove(f"/v1/clinics/{_clinic(caller, 'gone')}")


def facts(caller: Caller, made: Filled) -> dict[str, Any]:
    """Ask for everything that it can be asked for, as the accounts that may."""
    told: dict[str, Any] = {}

    def one(path: str, who: str = "", status: int = 200) -> None:
        told[f"{path} {who}"] = caller.ask("GET", path, who, status=status)

    def many(path: str, who: str = "") -> None:
        told[f"{path} {who}"] = {item["id"]: item for item in caller.all(path, who)}

    desk = "reception@example.com"
    many("/v1/clinics")
    one(f"/v1/clinics/{made.clinic}")
    many(f"/v1/doctors?clinic_id={made.clinic}")
    one(f"/v1/doctors/{made.doctors[0]}")
    one(f"/v1/doctors/{made.doctors[1]}", status=404)
    many(f"/v1/clinics/{made.clinic}/services")
    one(f"/v1/services/{made.services['gone']}", status=404)
    many(f"/v1/slots?clinic_id={made.clinic}")
    for slot in made.slots:
        one(f"/v1/slots/{slot}", status=404 if slot == made.slots[32] else 200)
    staff = f"/v1/clinics/{made.clinic}/staff"
    members = caller.ask("GET", staff, ADMIN)["items"]
    told[staff] = {member["user_id"]: member for member in members}
    many(f"/v1/patients?clinic_id={made.clinic}", desk)
    many(f"/v1/bookings?clinic_id={made.clinic}", desk)
    for booking in made.bookings.values():
        one(f"/v1/bookings/{booking}", desk)
    for name in ACCOUNTS:
        who = f"{name}@example.com"
        one("/v1/me", who)
        if name in made.records:
            many("/v1/bookings", who)
    for record in made.records.values():
        one(f"/v1/patients/{record}", desk)
    return told


def differences(before: Any, after: Any, at: str = "") -> list[str]:
    """Say what was told before and is not told any more, or otherwise; there may be more now."""
    if isinstance(before, dict) and isinstance(after, dict):
        return [
            one
            for name, value in before.items()
            if name not in BY_VERSION
            for one in differences(value, after.get(name, "nothing"), f"{at}/{name}")
        ]
    return [] if before == after else [f"{at}: {before!r} is {after!r}"]
