"""Route policies: who may try an operation at all, before any object is looked at.

What may be done to *which* object is decided by the use case, on the loaded object.
"""

from booking_system.identity.domain.actor import Actor
from booking_system.shared_kernel.errors import NotPermitted, Unauthenticated


def public(_: Actor | None) -> None:
    """Everybody, signed in or not."""


def signed_in(actor: Actor | None) -> None:
    """Everybody who is signed in."""
    if actor is None:
        raise Unauthenticated


def platform_admin(actor: Actor | None) -> None:
    """Only the platform's administrators."""
    signed_in(actor)
    if actor is None or not actor.is_platform_admin:
        raise NotPermitted


def clinic_side(actor: Actor | None) -> None:
    """Anybody who works for a clinic or for the platform: administrators, staff, doctors."""
    signed_in(actor)
    if actor is None or not (actor.is_platform_admin or actor.staff_of or actor.doctor_ids):
        raise NotPermitted
