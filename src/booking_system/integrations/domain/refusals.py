"""Why a reader of events is told no."""

from booking_system.shared_kernel.errors import Gone


class FeedReset(Gone):
    """Events cannot be read on from there.

    The database was restored from a copy, or the events behind `after` were removed after thirty
    days. Read what you keep a copy of anew, then go on with `after` and `epoch` of the first answer
    to a request without both.
    """

    code = "feed_reset"
