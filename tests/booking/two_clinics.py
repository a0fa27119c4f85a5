"""A patient whom two clinics know, and the people of one of them, who would like to know more."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from httpx import Response

from tests.api import START, Api, Person, code_of
from tests.booking.holding import Keeping, Made

DRIFTING = frozenset({"id", "expires_at", "server_now", "hold_id", "instance"})
"""What differs between two answers to one questionin any case."""

Question = Callable[["TwoClinics"], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class TwoClinics:
    """`here` has six slots: the patient's in the third one, a stranger's in the fourth.

    `elsewhere` has them at the same times, and one more; nobody of `here` works there.
    """

    here: Keeping
    elsewhere: Keeping
    doctor: Person
    booking: Made

    @classmethod
    async def of(cls, api: Api, **policy: Any) -> "TwoClinics":
        here = await Keeping.of(api, 6, **policy)
        elsewhere = await Keeping.of(api, 7)
        mine = await here.book(here.slots[2], here.patient)
        theirs = await here.book(here.slots[3], here.other)
        assert {mine.status_code, theirs.status_code} == {201}
        return cls(here, elsewhere, await api.doctor_account(here.doctor), mine.json())

    @property
    def api(self) -> Api:
        return self.here.api

    @property
    def named(self) -> dict[str, str]:
        return {"patient_id": str(self.here.patient.patient_id)}

    async def book_elsewhere(self, *places: int) -> list[Made]:
        answers = [
            await self.elsewhere.book(self.elsewhere.slots[place], self.here.patient)
            for place in places
        ]
        assert {one.status_code for one in answers} == {201}, answers
        return [one.json() for one in answers]

    async def try_here(self, place: int, by: Person | None = None, **about: Any) -> Response:
        """The desk books for the patient."""
        by = by or self.here.desk
        return await self.here.book(self.here.slots[place], by, **self.named, **about)

    def day(self) -> dict[str, str]:
        last = self.here.slots[-1]["ends_at"]
        return {"starts_at": START.isoformat(), "ends_at": datetime.fromisoformat(last).isoformat()}


def told(answer: Response) -> Any:
    """What an answer says."""
    return answer.status_code, _steady(answer.json() if answer.content else None), code_of(answer)


def _steady(said: Any) -> Any:
    if isinstance(said, dict):
        is_kept = "expires_at" not in said
        return {
            name: _steady(value)
            for name, value in said.items()
            if name not in DRIFTING or (name == "id" and is_kept)
        }
    return [_steady(one) for one in said] if isinstance(said, list) else said
