"""What roles allow, and who gets through which door."""

from uuid import uuid4

import pytest

from booking_system.identity.domain.actor import Actor, Role, RoleGrant
from booking_system.identity.domain.policies import clinic_side, platform_admin, public, signed_in
from booking_system.platform.http.caller import Policy
from booking_system.shared_kernel.errors import NotPermitted, Unauthenticated
from booking_system.shared_kernel.identifiers import ClinicId, DoctorId, PatientId
from tests.identity.builders import an_actor

CLINIC, OTHER = ClinicId(uuid4()), ClinicId(uuid4())
DOCTOR, PATIENT = DoctorId(uuid4()), PatientId(uuid4())
ADMIN = an_actor(RoleGrant(role=Role.PLATFORM_ADMIN))
CLINIC_ADMIN = an_actor(RoleGrant(role=Role.CLINIC_ADMIN, clinic_id=CLINIC))
RECEPTIONIST = an_actor(RoleGrant(role=Role.RECEPTIONIST, clinic_id=CLINIC))
A_DOCTOR = an_actor(RoleGrant(role=Role.DOCTOR, clinic_id=CLINIC, doctor_id=DOCTOR))
A_PATIENT = an_actor(RoleGrant(role=Role.PATIENT, patient_id=PATIENT))
NOBODY = an_actor()
ALL = [ADMIN, CLINIC_ADMIN, RECEPTIONIST, A_DOCTOR, A_PATIENT, NOBODY]


def who(**allowed: bool) -> list[bool]:
    names = ["admin", "clinic_admin", "receptionist", "doctor", "patient", "nobody"]
    return [allowed.get(name, False) for name in names]


def test_what_roles_allow_in_their_own_clinic_and_elsewhere() -> None:
    assert [one.manages(CLINIC) for one in ALL] == who(admin=True, clinic_admin=True)
    assert [one.manages(OTHER) for one in ALL] == who(admin=True)
    desk = who(clinic_admin=True, receptionist=True)
    assert [one.works_at(CLINIC) for one in ALL] == desk
    assert [one.works_at(OTHER) for one in ALL] == who()
    assert [one.schedules(CLINIC, DOCTOR) for one in ALL] == who(
        admin=True, clinic_admin=True, receptionist=True, doctor=True
    )
    elsewhere = [one.schedules(OTHER, DoctorId(uuid4())) for one in ALL]
    assert elsewhere == who(admin=True)
    assert [one.patient_id for one in ALL] == [None, None, None, None, PATIENT, None]


@pytest.mark.parametrize(
    ("policy", "allowed"),
    [
        (public, [True] * 6),
        (signed_in, [True] * 6),
        (platform_admin, who(admin=True)),
        (clinic_side, who(admin=True, clinic_admin=True, receptionist=True, doctor=True)),
    ],
)
def test_a_policy_lets_just_these_through(policy: Policy, allowed: list[bool]) -> None:
    def passes(actor: Actor) -> bool:
        try:
            policy(actor)
        except NotPermitted:
            return False
        return True

    assert [passes(one) for one in ALL] == allowed


@pytest.mark.parametrize("policy", [signed_in, platform_admin, clinic_side])
def test_anonymous_callers_are_asked_to_sign_in(policy: Policy) -> None:
    with pytest.raises(Unauthenticated):
        policy(None)
    public(None)
