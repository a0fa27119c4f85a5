"""The roles that hold: one formula for each request, each profile and each check inside a write."""

from typing import Any

from booking_system.identity.domain.actor import Role, RoleGrant

_COLUMNS = "g.role, g.clinic_id, g.doctor_id, g.patient_id, g.clinic_is_removed"

HOLDING = """(
  SELECT g.*, c.deleted_at IS NOT NULL AS clinic_is_removed
  FROM role_grants g
  JOIN users u ON u.id = g.user_id AND u.deleted_at IS NULL AND NOT u.password_is_temporary
  LEFT JOIN clinics c ON c.id = g.clinic_id
  LEFT JOIN doctors d ON d.id = g.doctor_id
  WHERE d.deleted_at IS NULL AND (c.deleted_at IS NULL OR g.doctor_id IS NULL))"""
"""A role ends with its account and with its doctor, and waits for a password of its owner's own.

That of a removed clinic's desk is kept, for what is left to do there: `RoleGrant`."""

GRANTS_OF = f"""SELECT {_COLUMNS} FROM {HOLDING} g
 WHERE g.user_id = $1 ORDER BY g.created_at, g.id"""  # noqa: S608  (texts of ours)

GRANTS_IN_FORCE = f"""SELECT {_COLUMNS}
 FROM sessions s JOIN users u ON u.id = s.user_id AND u.deleted_at IS NULL
 LEFT JOIN {HOLDING} g ON g.user_id = u.id
 WHERE s.id = $1 AND s.user_id = $2 AND s.ended_at IS NULL
 ORDER BY g.created_at, g.id"""  # noqa: S608  (texts of ours)


def grant_of(row: Any) -> RoleGrant:
    """Make a grant of a row with these columns."""
    return RoleGrant(
        role=Role(row["role"]),
        clinic_id=row["clinic_id"],
        doctor_id=row["doctor_id"],
        patient_id=row["patient_id"],
        clinic_is_removed=row["clinic_is_removed"],
    )
