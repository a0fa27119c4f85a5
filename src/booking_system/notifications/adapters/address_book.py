"""Addresses of patients, and what stands against them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import select

from booking_system.directory.records.tables import patients
from booking_system.notifications.adapters.recipients import Recipients
from booking_system.notifications.domain.message import Channel
from booking_system.notifications.domain.reach import AddressState
from booking_system.platform.postgres.phrases import an_id
from booking_system.platform.postgres.statement import Statement
from booking_system.platform.postgres.transaction import Database
from booking_system.shared_kernel.identifiers import ClinicId, PatientId

ADDRESSES = Statement(
    select(patients.c.email, patients.c.phone).where(patients.c.id == an_id("patient_id"))
)
COLUMNS = {Channel.EMAIL: "email", Channel.SMS: "phone"}


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresAddressBook:
    """Reads addresses in the directory, and blocks by their keyed names."""

    database: Database
    recipients: Recipients

    async def states(
        self, patient_id: PatientId, clinics: Collection[ClinicId] | None
    ) -> Sequence[AddressState]:
        """Return the state of each address that there is."""
        async with self.database.reading() as connection:
            row = await ADDRESSES.fetchrow(connection, patient_id=patient_id)
            return [
                await self.recipients.state(connection, channel, row[column], clinics)
                for channel, column in COLUMNS.items()
                if row is not None and row[column] is not None
            ]

    async def lift(
        self, patient_id: PatientId, channel: Channel, clinics: Collection[ClinicId] | None
    ) -> None:
        """Lift it, of the address that the record names now."""
        async with self.database.driver_transaction() as connection:
            row = await ADDRESSES.fetchrow(connection, patient_id=patient_id)
            address = row and row[COLUMNS[channel]]
            if address is not None:
                await self.recipients.lift(connection, channel, address, clinics)
