"""Demo data: two clinics in two time zones, with everything that a first booking needs."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from secrets import token_urlsafe
from typing import Any

from sqlalchemy import exists, select, text

from booking_lab.demo.pictures import hang
from booking_system.bootstrap.container import Container
from booking_system.directory.adapters.postgres import work_on
from booking_system.directory.application.ports import DirectoryWork
from booking_system.directory.domain.clinic import Clinic, ClinicPolicy
from booking_system.directory.domain.doctor import Doctor
from booking_system.directory.domain.patient import Patient
from booking_system.directory.domain.service import PaymentTerms, Service
from booking_system.directory.records.tables import clinics
from booking_system.files.domain.stored_file import Owner
from booking_system.identity.domain.actor import Role, RoleGrant
from booking_system.platform.uuid7 import uuid7
from booking_system.scheduling.adapters.availability import PostgresAvailabilityWork
from booking_system.scheduling.application.availability_ports import (
    AvailabilityWork,
    DoctorCalendar,
)
from booking_system.scheduling.domain.availability import AvailabilityRule, Hours, horizon_of
from booking_system.scheduling.domain.local_time import wall_clock
from booking_system.scheduling.domain.slot_plan import SlotPlan, WishedSlot
from booking_system.shared_kernel.identifiers import (
    ClinicId,
    DoctorId,
    PatientId,
    RuleId,
    ServiceId,
    UserId,
)
from booking_system.shared_kernel.mode import Mode
from booking_system.shared_kernel.money import Money

CREDENTIALS = "demo-credentials.txt"
ONE_AT_A_TIME = 7_240_517_002
DAYS = 60
SLOT = timedelta(minutes=30)
WORKING_DAYS = frozenset(range(1, 6))
HOURS = ((9, 12), (13, 17))
SPECIALTIES = (
    "General practice",
    "Cardiology",
    "Dermatology",
    "Paediatrics",
    "Gynaecology",
    "Orthopaedics",
)
PLACES = (
    ("Berlin", "demo-berlin", "Europe/Berlin", "de-DE", "EUR", ("de", "en")),
    ("New York", "demo-new-york", "America/New_York", "en-US", "USD", ("en", "es")),
)
SERVICES = (
    ("First visit", 30, 0, 4500),
    ("Check-up", 20, 0, 2500),
    ("Prescription", 10, 0, 0),
    ("Long consultation", 60, 0, 9000),
    ("Minor surgery", 45, 15, 12000),
)
"""Minutes, minutes that are kept free afterwards, and the price in minor units."""
PATIENTS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoReport:
    """What has been loaded, and who can sign in."""

    password: str
    accounts: tuple[tuple[str, str], ...]
    slots: int

    def lines(self) -> list[str]:
        """Return the text for the operator."""
        told = [f"{email:34} {role}" for email, role in self.accounts]
        return [*told, f"The password of all of them: {self.password}"]


async def load_demo(
    container: Container, *, progress: Callable[[int, int], None]
) -> DemoReport | None:
    """Fill an empty database; None where there are clinics already.

    One transaction: after a crash the demo is there as a whole, or not at all; but for pictures,
    which are stored outside of the database, and behind it. Accounts and
    password are also written to `demo-credentials.txt` in the data directory. `progress` hears how
    many doctors of how many are done.
    """
    password = token_urlsafe(9)
    password_hash = await container.identity.passwords().hash(password)
    async with container.database().transaction() as connection:
        await connection.execute(text(f"SELECT pg_advisory_xact_lock({ONE_AT_A_TIME})"))
        if (await connection.execute(select(exists(select(clinics.c.id))))).scalar_one():
            return None
        work = work_on(connection, container.identity.accounts_of())
        raw = await connection.get_raw_connection()
        availability = PostgresAvailabilityWork(raw.driver_connection)
        loading = _Loading(work, availability, container.clock().now(), password_hash, progress)
        report = await loading.everything(password)
        _keep(report, container.settings().data_dir)
        # Autovacuum would count the rows, too, but after the first requests.
        await connection.execute(text("ANALYZE"))
    await hang(container, loading.pictured, by=loading.administrator, at=container.clock().now())
    return report


class _Loading:
    """One run, inside one transaction."""

    def __init__(
        self,
        work: DirectoryWork,
        availability: AvailabilityWork,
        now: datetime,
        password_hash: str,
        progress: Callable[[int, int], None],
    ) -> None:
        self._work = work
        self._availability = availability
        self._now = now
        self._password_hash = password_hash
        self._progress = progress
        self._accounts: list[tuple[str, str]] = []
        self._doctors = 0
        self._slots = 0
        self.pictured: list[Owner] = []
        """Clinics and doctors, who are shown with a picture."""
        self.administrator: UserId

    async def everything(self, password: str) -> DemoReport:
        grant = RoleGrant(role=Role.PLATFORM_ADMIN)
        self.administrator = await self._account("admin", "Demo Administrator", grant)
        made = [await self._clinic(*place) for place in PLACES]
        for number in range(1, PATIENTS + 1):
            await self._patient(number, made[number % len(made)])
        return DemoReport(password=password, accounts=tuple(self._accounts), slots=self._slots)

    def _dated(self) -> dict[str, Any]:
        return {"created_at": self._now, "updated_at": self._now}

    async def _account(self, name: str, full_name: str, grant: RoleGrant) -> UserId:
        user_id, email = UserId(uuid7()), f"{name}@example.com"
        await self._work.accounts.add(
            user_id=user_id,
            email=email,
            password_hash=self._password_hash,
            full_name=full_name,
            locale=None,
            time_zone=None,
            now=self._now,
        )
        if grant.patient_id is None:
            await self._work.accounts.grant(user_id, grant, self._now)
        self._accounts.append((email, full_name))
        return user_id

    async def _clinic(  # noqa: PLR0913, PLR0917  (a row of PLACES)
        self, city: str, slug: str, zone: str, locale: str, currency: str, spoken: tuple[str, ...]
    ) -> ClinicId:
        clinic = Clinic(
            id=ClinicId(uuid7()),
            name=f"Demo Clinic {city}",
            slug=slug,
            time_zone=zone,
            locale=locale,
            currency=currency,
            policy=ClinicPolicy(horizon_days=DAYS),
            **self._dated(),
        )
        await self._work.clinics.add(clinic)
        self.pictured.append(Owner(clinic_id=clinic.id))
        doctors = [await self._doctor(clinic, specialty, spoken) for specialty in SPECIALTIES]
        for name, minutes, after, price in SERVICES:
            service = Service(
                id=ServiceId(uuid7()),
                clinic_id=clinic.id,
                name=name,
                duration_minutes=minutes,
                buffer_after_minutes=after,
                price=Money(price, clinic.currency),
                payment=PaymentTerms.OPTIONAL if price else PaymentTerms.NONE,
                doctor_ids=tuple(doctors),
                **self._dated(),
            )
            await self._work.services.add(service)
        here = slug.removeprefix("demo-")
        for role, name in ((Role.CLINIC_ADMIN, "clinic-admin"), (Role.RECEPTIONIST, "reception")):
            grant = RoleGrant(role=role, clinic_id=clinic.id)
            await self._account(f"{name}-{here}", f"Demo {role.value} {city}", grant)
        grant = RoleGrant(role=Role.DOCTOR, clinic_id=clinic.id, doctor_id=doctors[0])
        await self._account(f"doctor-{here}", f"Demo doctor {city}", grant)
        return clinic.id

    async def _doctor(self, clinic: Clinic, specialty: str, spoken: tuple[str, ...]) -> DoctorId:
        self._doctors += 1
        doctor = Doctor(
            id=DoctorId(uuid7()),
            clinic_id=clinic.id,
            full_name=f"Demo Doctor {self._doctors}",
            title="Dr.",
            specialty=specialty,
            languages=spoken,
            **self._dated(),
        )
        await self._work.doctors.add(doctor)
        self.pictured.append(Owner(clinic_id=clinic.id, doctor_id=doctor.id))
        for opens, closes in HOURS:
            await self._hours(doctor, clinic, opens, closes)
        self._progress(self._doctors, len(PLACES) * len(SPECIALTIES))
        return doctor.id

    async def _hours(self, doctor: Doctor, clinic: Clinic, opens: int, closes: int) -> None:
        """Weekly hours as the clinic itself would set them, and the slots that they make."""
        rule = AvailabilityRule(
            id=RuleId(uuid7()),
            clinic_id=clinic.id,
            doctor_id=doctor.id,
            hours=Hours(
                weekdays=WORKING_DAYS,
                start_minute=60 * opens,
                end_minute=60 * closes,
                slot=SLOT,
                gap=timedelta(),
                valid_from=wall_clock(self._now, clinic.time_zone).date(),
                valid_until=None,
                mode=Mode.IN_PERSON,
            ),
            **self._dated(),
        )
        periods = rule.hours.slots_within(horizon_of(self._now, DAYS), clinic.time_zone)
        opened = [WishedSlot(rule_id=rule.id, period=one, mode=rule.hours.mode) for one in periods]
        calendar = DoctorCalendar(
            doctor_id=doctor.id,
            clinic_id=clinic.id,
            time_zone=clinic.time_zone,
            horizon_days=DAYS,
        )
        await self._availability.add_rule(rule)
        planned = SlotPlan(opened=opened, withdrawn=(), kept_bookings=())
        await self._availability.carry_out(planned, calendar, now=self._now)
        self._slots += len(opened)

    async def _patient(self, number: int, clinic_id: ClinicId) -> None:
        patient_id, full_name = PatientId(uuid7()), f"Demo Patient {number}"
        grant = RoleGrant(role=Role.PATIENT, patient_id=patient_id)
        user_id = await self._account(f"patient-{number}", full_name, grant)
        patient = Patient(
            id=patient_id,
            full_name=full_name,
            email=f"patient-{number}@example.com",
            has_account=True,
            **self._dated(),
        )
        await self._work.patients.add(patient, user_id=user_id, clinic_id=clinic_id)
        await self._work.accounts.grant(user_id, grant, self._now)


def _keep(report: DemoReport, data_dir: Path) -> None:
    data_dir.mkdir(parents=True, exist_ok=True)
    kept = os.open(data_dir / CREDENTIALS, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(kept, "w", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in report.lines())
