"""How the directory says no."""

from booking_system.shared_kernel.errors import Conflict, Invalid


class SlugTaken(Invalid):
    """Another clinic has this slug."""

    def __init__(self) -> None:
        super().__init__(
            errors=[{"pointer": "/slug", "detail": "another clinic has it", "code": "taken"}]
        )


class InvitationOver(Conflict):
    """This invitation does not hold any more.

    It was accepted or taken back, it is older than 72 hours, or its giver may not give it
    any more. Ask the clinic for a new one.
    """

    code = "invitation_over"
