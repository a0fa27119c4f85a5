"""Twilio's codes (twilio.com/docs/api/errors), each with its consequence."""

from booking_system.notifications.domain.sending import Fault

_CODES = {
    Fault.RECIPIENT: (
        # No number; not reachable from here; no mobile phone; a landline; unknown to its network.
        *(21211, 21214, 21217, 21401, 21407, 21421, 21601, 21604, 21614, 21623, 21635),
        *(30005, 30006, 30011),
    ),
    Fault.OPTED_OUT: (21610,),
    Fault.POLICY: (
        # The country is not allowed; no way to it; the text; filtered; too dear; too late.
        *(21408, 21602, 21605, 21612, 21617, 21619, 21620),
        *(30004, 30007, 30010, 30019, 30036, 30450, 30453, 30454, 30485),
    ),
    Fault.TEMPORARY: (
        # Too many; queues; phones that are off; networks; Twilio itself.
        *(14107, 20429, 20500, 20503, 20504, 21611),
        *(30001, 30003, 30008, 30009, 30017, 30018, 30022, 30023, 30027, 30410, 30500),
    ),
    Fault.REFUSED: (
        # The login; the account; our number, or what it is allowed to; our own addresses.
        *(10001, 10002, 20003, 20004, 20005, 20006, 20008, 20404),
        *(21203, 21212, 21603, 21606, 21608, 21609, 21627, 21631, 21654, 21656),
        *(21659, 21660, 21661, 21664, 21667, 21669, 21701, 21702, 21703, 21704, 21705),
        *(30002, 30024, 30032, 30033, 30034, 30035, 30037, 30038, 30040),
    ),
}
FAULTS = {code: fault for fault, codes in _CODES.items() for code in codes}


def fault_of(code: object) -> Fault | None:
    """Return what a code means; None where it is not known."""
    text = str(code)
    return FAULTS.get(int(text)) if text.isascii() and text.isdigit() and len(text) < 8 else None
