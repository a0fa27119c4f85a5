"""Why the desk is told no."""

from booking_system.shared_kernel.errors import Conflict


class BookingsAffected(Conflict):
    """There are booked appointments that this would leave behind: keep or cancel them.

    Nothing was changed. `bookings` lists the appointments to come, up to a hundred of them, and
    `count` is how many there are.
    Send the request again with `?on_conflict=keep` to leave them as they are, or with
    `?on_conflict=cancel` to cancel them.
    """

    code = "bookings_affected"


class RestoreConflict(Conflict):
    """Something else stands in its place by now.

    What was deleted cannot come back as it was, because its name or its place was given away or
    what it belongs to is deleted itself, or it was merged. `detail` says which, and
    `occupied_by`, where there is one, names what stands there now.
    """

    code = "restore_conflict"


class PossibleDuplicate(Conflict):
    """The record that would go has an account.

    Only its owner can give an account up, so a record with one is always the record that stays:
    merge the other one into it. Two records with an account each belong to two people for us.
    """

    code = "possible_duplicate"
