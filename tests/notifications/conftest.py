"""An office, and patients that can be reached."""

import pytest

from booking_system.platform.postgres.transaction import Database
from tests.api import Api, Person
from tests.notifications.office import Carrier, Office

REACH = """UPDATE patients SET email = $2, phone = $3 WHERE id = $1"""
MAIL = "patient@example.com"
NUMBER = "+4915112340000"


@pytest.fixture
def office(database: Database) -> Office:
    return Office(database, email=Carrier("mail"), sms=Carrier("sms"))


async def reachable(api: Api, email: str | None = MAIL, phone: str | None = NUMBER) -> Person:
    """A patient with an account, and ways to be reached."""
    person = await api.patient()
    async with api.container.database().driver_transaction() as connection:
        await connection.execute(REACH, person.patient_id, email, phone)
    return person
