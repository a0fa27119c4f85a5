"""Whether this process is about to end, of which balancers hear before connections are refused."""

from booking_system.shared_kernel.errors import Unavailable


class InstanceEnds(Unavailable):
    """This instance is about to end: ask another one.

    It answers what it is asked until then. Balancers send no new requests here.
    """

    code = "draining"


class Draining:
    """What readiness says no by, and by what each answer asks its client to connect anew."""

    __slots__ = ("is_on",)

    def __init__(self) -> None:
        """The process goes on."""
        self.is_on = False

    def begin(self) -> None:
        """Say that it ends."""
        self.is_on = True
