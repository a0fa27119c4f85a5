"""The throw-away clinic that a race is run in: made, listed, and removed again."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from secrets import token_hex, token_urlsafe
from typing import Any

from httpx import AsyncClient

from booking_lab.race.calls import Refused, call, made
from booking_lab.race.history import Row, Span
from booking_lab.race.plan import Plan, RaceProblem, WrongUse
from booking_lab.race.tokens import Tokens

POLICY = {
    "min_notice_minutes": 0,
    "cancel_notice_minutes": 0,
    "horizon_days": 730,
    "hold_minutes": 1,
    "max_open_bookings_per_patient": 1000,
    "reminder_offsets_minutes": [],
}
DAYS_AHEAD = 30
SLOT_MINUTES = 15
PAGE = 200
ENDED = {"cancelled", "expired"}
NEEDED = "The token must be the access token of a platform administrator"
Tell = Callable[[int, int, str], None]
"""Hears how many steps are done, of how many, and what is being done."""


class Arena:
    """One clinic with doctors, slots, patients and receptionists, for one race.

    All slots of a column of the calendar are at the same time, so that patients overlap.
    """

    def __init__(self, token: str, plan: Plan) -> None:
        """Nothing is made yet; `token` is a platform administrator's."""
        self.desks = [Tokens() for _ in range(plan.desks)]
        self.slots: dict[str, Span] = {}
        self.own_patients: list[str] = []
        self.shared_patients: list[str] = []
        self._token = token
        self._plan = plan
        self._slug = f"race-{token_hex(8)}"
        self._begun = False
        self._clinic_id: str | None = None

    async def build(self, client: AsyncClient, tell: Tell) -> None:
        """Make everything. Raises `RaceProblem`; what was made until then can be removed."""
        await self._check_token(client)
        plan = self._plan
        total = plan.doctors + plan.clients + plan.shared_patients + plan.desks + 1
        done = 0

        def step() -> None:
            nonlocal done
            done += 1
            tell(done, total, "a clinic")

        await self._open_clinic(client)
        step()
        for desk in self.desks:
            await self._open_desk(client, desk)
            step()
        for number in range(plan.doctors):
            await self._add_doctor(client, number)
            step()
        for patients, count in (
            (self.own_patients, plan.clients),
            (self.shared_patients, plan.shared_patients),
        ):
            for _ in range(count):
                patients.append(await self._add_patient(client))
                step()

    async def rows(self, client: AsyncClient) -> list[Row]:
        """List all appointments of the clinic. Raises `RaceProblem`."""
        token, found, cursor = await self.desks[0].current(client), [], None
        while True:
            params = {"clinic_id": self._clinic_id, "limit": PAGE}
            if cursor is not None:
                params["cursor"] = cursor
            page = (await call(client, "GET", "/v1/bookings", token, params=params)).json()
            found += [_row(item) for item in page["items"]]
            cursor = page["next_cursor"]
            if cursor is None:
                return found

    async def remove(self, client: AsyncClient) -> list[str]:
        """Remove what was made; return a sentence for each thing that is left."""
        if not self._begun:
            return []
        left = await self._remove_patients(client)
        clinic_id = self._clinic_id or await self._found(client)
        if clinic_id is None:
            return left
        path = f"/v1/clinics/{clinic_id}"
        left += await self._remove_staff(client, f"{path}/staff")
        return left + await self._gone(client, path, "clinic", on_conflict="cancel")

    async def _check_token(self, client: AsyncClient) -> None:
        try:
            about = (await call(client, "GET", "/v1/me", self._token, tries=3)).json()
        except Refused as refusal:
            if refusal.status == 401:
                raise WrongUse(f"{NEEDED}; this one is not accepted, or has ended.") from None
            raise
        roles = {grant["role"] for grant in about["roles"]}
        if "platform_admin" in roles:
            return
        if "clinic_admin" in roles:
            raise WrongUse(f"{NEEDED}; a clinic's administrator cannot create clinics.")
        raise WrongUse(f"{NEEDED}; this one is somebody else's, who cannot create clinics.")

    async def _open_clinic(self, client: AsyncClient) -> None:
        self._begun = True
        clinic = {"name": "Race Clinic", "slug": self._slug, "time_zone": "UTC", "policy": POLICY}
        self._clinic_id = (await made(client, "/v1/clinics", self._token, clinic))["id"]

    async def _open_desk(self, client: AsyncClient, desk: Tokens) -> None:
        email, password = f"race-{token_hex(8)}@example.com", token_urlsafe(24)
        staff = {"email": email, "full_name": "Race Desk", "role": "receptionist"}
        path = f"/v1/clinics/{self._clinic_id}/staff"
        link = None
        while link is None:
            # Where an answer was lost its replay shows no link: a new invitation does.
            link = (await made(client, path, self._token, staff))["accept_url"]
        accepting = {"token": link.partition("#")[2], "password": password}
        await call(client, "POST", "/v1/invitations/accept", json=accepting)
        await desk.sign_in(client, email, password)

    async def _add_doctor(self, client: AsyncClient, number: int) -> None:
        doctor = {"full_name": f"Race Doctor {number + 1}", "specialty": "Racing"}
        path = f"/v1/clinics/{self._clinic_id}/doctors"
        doctor_id = (await made(client, path, self._token, doctor))["id"]
        slots = {"slots": list(_times(self._plan.slots_per_doctor))}
        offered = await made(client, f"/v1/doctors/{doctor_id}/slots", self._token, slots)
        for slot in offered["items"]:
            self.slots[slot["id"]] = Span(_seconds(slot["starts_at"]), _seconds(slot["ends_at"]))

    async def _add_patient(self, client: AsyncClient) -> str:
        number = len(self.own_patients) + len(self.shared_patients) + 1
        patient = {"clinic_id": self._clinic_id, "full_name": f"Race Patient {number}"}
        token = await self.desks[0].current(client)
        return str((await made(client, "/v1/patients", token, patient))["id"])

    async def _remove_patients(self, client: AsyncClient) -> list[str]:
        left = []
        for patient_id in (*self.own_patients, *self.shared_patients):
            try:
                token = await self.desks[0].current(client)
                params = {"on_conflict": "cancel"}
                await call(client, "DELETE", f"/v1/patients/{patient_id}", token, params=params)
            except RaceProblem as problem:
                if isinstance(problem, Refused) and problem.status == 404:
                    continue
                left.append(f"The patient {patient_id} is left. {problem}")
                if not isinstance(problem, Refused):
                    break
        return left

    async def _found(self, client: AsyncClient) -> str | None:
        """Look for a clinic whose creation was cut short."""
        try:
            params = {"slug": self._slug}
            page = (await call(client, "GET", "/v1/clinics", self._token, params=params)).json()
        except RaceProblem:
            return None
        return next((str(clinic["id"]) for clinic in page["items"]), None)

    async def _remove_staff(self, client: AsyncClient, path: str) -> list[str]:
        try:
            staff = (await call(client, "GET", path, self._token)).json()["items"]
        except RaceProblem as problem:
            return [f"The staff accounts of the race are left. {problem}"]
        left = []
        for member in staff:
            left += await self._gone(client, f"{path}/{member['user_id']}", "staff account")
        return left

    async def _gone(self, client: AsyncClient, path: str, what: str, **params: str) -> list[str]:
        try:
            await call(client, "DELETE", path, self._token, params=params)
        except RaceProblem as problem:
            if isinstance(problem, Refused) and problem.status == 404:
                return []
            return [f"The {what} {path.rpartition('/')[2]} is left. {problem}"]
        return []


def _times(count: int) -> Iterator[dict[str, str]]:
    first = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    first += timedelta(days=DAYS_AHEAD)
    length = timedelta(minutes=SLOT_MINUTES)
    for place in range(count):
        starts_at = first + place * length
        yield {"starts_at": starts_at.isoformat(), "ends_at": (starts_at + length).isoformat()}


def _seconds(instant: str) -> float:
    return datetime.fromisoformat(instant).timestamp()


def _row(item: dict[str, Any]) -> Row:
    return Row(
        id=item["id"],
        key=item["reason"],
        slot=item["time_slot_id"],
        patient=item["patient_id"],
        is_active=item["status"] not in ENDED,
    )
