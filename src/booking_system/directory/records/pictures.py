"""Where the pictures of clinics and doctors are: set by the context that has them."""

from typing import Any

from sqlalchemy import Table, Text, bindparam, func, select, update

from booking_system.directory.records.tables import clinics, doctors
from booking_system.platform.postgres.phrases import a_text, an_id, instant
from booking_system.platform.postgres.statement import Statement


def _locked(table: Table) -> Statement[Any]:
    is_there = table.c.id == an_id("identity")
    wanted = select(table.c.id).where(is_there, table.c.deleted_at.is_(None))
    return Statement(wanted.with_for_update(key_share=True))


def _set(table: Table, column: str) -> Statement[Any]:
    shown = {column: bindparam("url", type_=Text()), "updated_at": instant("now")}
    return Statement(
        update(table)
        .where(table.c.id == an_id("identity"))
        .values(version=table.c.version + 1, **shown)
        .returning(table.c.version)
    )


def _readdressed(table: Table, column: str) -> Statement[Any]:
    """Change the beginning of addresses that end with `path` and what follows it."""
    url, path = table.c[column], a_text("path")
    ending = func.substr(url, func.strpos(url, path))
    return Statement(
        update(table)
        .where(func.strpos(url, path) > 0, ~func.starts_with(url, a_text("base").concat(path)))
        .values({column: a_text("base").concat(ending), "version": table.c.version + 1})
    )


LOCK_DOCTOR, LOCK_CLINIC = _locked(doctors), _locked(clinics)
"""The id, if they are there: `FOR NO KEY UPDATE`, as everybody who changes them."""
SET_PHOTO, SET_LOGO = _set(doctors, "photo_url"), _set(clinics, "logo_url")
"""Return the version that they have now; `url` None: there is no picture."""
READDRESS = _readdressed(doctors, "photo_url"), _readdressed(clinics, "logo_url")
"""Let addresses begin with `base` that begin otherwise. All rows are read: once, at a start."""

HAS_CLINIC = Statement(
    select(clinics.c.id).where(clinics.c.id == an_id("clinic_id"), clinics.c.deleted_at.is_(None))
)
CLINIC_OF = Statement(
    select(doctors.c.clinic_id)
    .join(clinics, clinics.c.id == doctors.c.clinic_id)
    .where(
        doctors.c.id == an_id("doctor_id"),
        doctors.c.deleted_at.is_(None),
        clinics.c.deleted_at.is_(None),
    )
)
