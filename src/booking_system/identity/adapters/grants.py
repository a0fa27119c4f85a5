"""The roles that hold: one condition for requests, profiles and checks inside a write."""

from typing import Any

from sqlalchemy import FromClause, Uuid, and_, column, or_, select, table

from booking_system.identity.domain.actor import Role, RoleGrant
from booking_system.identity.records.tables import role_grants, sessions, users
from booking_system.platform.postgres.phrases import INSTANT, an_id
from booking_system.platform.postgres.statement import Statement

USER_ID = an_id("user_id")

clinics = table("clinics", column("id", Uuid()), column("deleted_at", INSTANT))
doctors = table("doctors", column("id", Uuid()), column("deleted_at", INSTANT))
"""What identity knows of both, which the directory owns: whether they were removed. The test
`tests/architecture/test_table_owners.py` compares the columns with the directory's."""


def _holding() -> FromClause:
    """The roles that hold.

    A role ends with its account and with its doctor, and waits for a password of its owner's own.
    That of a removed clinic's desk is kept, for what is left to do there: `RoleGrant`.
    """
    g, u = role_grants.alias("g"), users.alias("u")
    c, d = clinics.alias("c"), doctors.alias("d")
    is_in_use = and_(u.c.id == g.c.user_id, u.c.deleted_at.is_(None), ~u.c.password_is_temporary)
    joined = g.join(u, is_in_use)
    joined = joined.outerjoin(c, c.c.id == g.c.clinic_id).outerjoin(d, d.c.id == g.c.doctor_id)
    return (
        select(g, c.c.deleted_at.is_not(None).label("clinic_is_removed"))
        .select_from(joined)
        .where(d.c.deleted_at.is_(None), or_(c.c.deleted_at.is_(None), g.c.doctor_id.is_(None)))
        .subquery("g")
    )


_HOLDING = _holding()
_NAMES = ("role", "clinic_id", "doctor_id", "patient_id", "clinic_is_removed")
_COLUMNS = [_HOLDING.c[name] for name in _NAMES]
_IN_ORDER = (_HOLDING.c.created_at, _HOLDING.c.id)

GRANTS_OF = select(*_COLUMNS).where(_HOLDING.c.user_id == USER_ID).order_by(*_IN_ORDER)


GRANTS_HELD: Statement[Any] = Statement(GRANTS_OF)
"""Those of a user, whether or not anybody is signed in."""


def _in_force() -> Statement[Any]:
    s, u = sessions.alias("s"), users.alias("u")
    joined = s.join(u, and_(u.c.id == s.c.user_id, u.c.deleted_at.is_(None)))
    return Statement(
        select(*_COLUMNS)
        .select_from(joined.outerjoin(_HOLDING, _HOLDING.c.user_id == u.c.id))
        .where(s.c.id == an_id("session_id"), s.c.user_id == USER_ID, s.c.ended_at.is_(None))
        .order_by(*_IN_ORDER)
    )


GRANTS_IN_FORCE = _in_force()
"""Those of the owner of a session that goes on; one row without a role where there are none."""


def grant_of(row: Any) -> RoleGrant:
    """Make a grant of a row with these columns."""
    return RoleGrant(
        role=Role(row["role"]),
        clinic_id=row["clinic_id"],
        doctor_id=row["doctor_id"],
        patient_id=row["patient_id"],
        clinic_is_removed=row["clinic_is_removed"],
    )
