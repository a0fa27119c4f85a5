"""Which answers the contract allows to a client that does nothing wrong."""

from collections.abc import Mapping

from booking_lab.race.history import Answer, Kind

CODES_OF_A_TAKEN_SLOT = {"slot_already_booked", "slot_held", "slot_unavailable", "patient_overlap"}
SUCCESS: Mapping[Kind, int] = {
    Kind.HOLD: 201,
    Kind.EXTEND: 200,
    Kind.RELEASE: 204,
    Kind.BOOK: 201,
    Kind.MOVE: 200,
    Kind.CANCEL: 200,
}
REFUSALS: Mapping[Kind, set[tuple[int, str]]] = {
    Kind.HOLD: {
        *((409, code) for code in (*CODES_OF_A_TAKEN_SLOT, "too_many_holds")),
        # The same key again, when the desk has let go of the hold meanwhile.
        (404, "not_found"),
    },
    Kind.EXTEND: {(409, "hold_already_extended"), (409, "hold_expired"), (404, "not_found")},
    Kind.RELEASE: {(404, "not_found")},
    Kind.BOOK: {(409, code) for code in (*CODES_OF_A_TAKEN_SLOT, "hold_expired")},
    Kind.MOVE: {(409, code) for code in CODES_OF_A_TAKEN_SLOT},
    Kind.CANCEL: set(),
}
TO_EVERYBODY = {
    (409, "idempotency_key_in_use"),
    (429, "rate_limited"),
    (503, "overloaded"),
    (503, "dependency_unavailable"),
    (503, "outcome_unknown"),
}


def is_documented(kind: Kind, answer: Answer) -> bool:
    """Say whether a client may be answered so."""
    if answer.code is None:
        return answer.status == SUCCESS[kind]
    return (answer.status, answer.code) in REFUSALS[kind] | TO_EVERYBODY
