"""Why a reader of events is told no."""

from booking_system.shared_kernel.errors import Conflict, Gone


class FeedReset(Gone):
    """Events cannot be read on from there.

    The database was restored from a copy, or the events behind `after` were removed after thirty
    days. Read what you keep a copy of anew, then go on with `after` and `epoch` of the first answer
    to a request without both.
    """

    code = "feed_reset"


class TooManyCalendarFeeds(Conflict):
    """You have as many calendar links as anybody may have.

    An account has at most twenty. Delete what no calendar reads any more.
    """

    code = "too_many_calendar_feeds"
