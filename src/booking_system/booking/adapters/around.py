"""What is around an appointment, in one statement."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from booking_system.booking.application.expanding_ports import Around
from booking_system.booking.domain.appointment import Appointment
from booking_system.directory.records.rows import OFFERED_BY, clinic_of, doctor_of, service_of
from booking_system.directory.records.tables import clinics, doctors, services
from booking_system.platform.postgres.phrases import an_id
from booking_system.platform.postgres.statement import Statement
from booking_system.platform.postgres.transaction import Database

TABLES = {"clinic": clinics, "doctor": doctors, "service": services}
AROUND = Statement(
    select(
        *(
            column.label(f"{name}_{column.name}")
            for name, table in TABLES.items()
            for column in table.c
        ),
        OFFERED_BY.label("service_doctor_ids"),
    )
    .select_from(
        clinics.join(doctors, doctors.c.id == an_id("doctor_id")).outerjoin(
            services, services.c.id == an_id("service_id")
        )
    )
    .where(clinics.c.id == an_id("clinic_id"))
)


class PostgresAround:
    """Reads by the ids that the appointment has."""

    def __init__(self, database: Database) -> None:
        """Reads go through single statements, outside any transaction."""
        self._database = database

    async def around(self, appointment: Appointment) -> Around:
        """Read three rows as one."""
        async with self._database.reading() as connection:
            row = await AROUND.fetchrow(
                connection,
                clinic_id=appointment.clinic_id,
                doctor_id=appointment.doctor_id,
                service_id=appointment.service_id,
            )
        assert row is not None, "an appointment has a clinic and a doctor"
        service = _of(row, "service") | {"currency": row["clinic_currency"]}
        return Around(
            clinic=clinic_of(_of(row, "clinic")),
            doctor=doctor_of(_of(row, "doctor")),
            service=None if service["id"] is None else service_of(service),
        )


def _of(row: Mapping[str, Any], name: str) -> dict[str, Any]:
    prefix = f"{name}_"
    return {key.removeprefix(prefix): one for key, one in row.items() if key.startswith(prefix)}
