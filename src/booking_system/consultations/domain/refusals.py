"""Why a room is closed to somebody."""

from booking_system.shared_kernel.errors import Conflict, NotFound


class AttachmentMissing(Exception):
    """A message names a file that its sender has not stored for this chat.

    Said over sockets only.
    """


class ConsultationNotFound(NotFound):
    """There is no such consultation, or not for you.

    A room belongs to an appointment, and opens to its doctor and its patient. Check the id, and
    that you are signed in as one of them.
    """


class ConsultationNotOpen(Conflict):
    """The consultation's room is not open.

    It opens some minutes before an online appointment and closes some minutes after; the clinic's
    policy says how many. `opens_at` and `closes_at` are this appointment's, `room_state` says
    whether it is too early (`scheduled`), over (`ended`, `expired`) or will not be (`cancelled`).
    """

    code = "consultation_not_open"


class GuestAlreadyInvited(Conflict):
    """The consultation has a further party already.

    One person beside doctor and patient may take part. Remove the invitation that there is, then
    make another.
    """

    code = "guest_already_invited"
