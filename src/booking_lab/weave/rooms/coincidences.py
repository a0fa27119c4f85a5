"""Coincidences of rooms: what has to have happened sometimes, or the search has a hole."""

from collections.abc import Mapping

CHANGE = "(cancel|dismiss|move|no show|undo)"
SOMETIMES: Mapping[str, str] = {
    "an appointment is cancelled while its doctor lets the patient in": (
        "^(cancel|dismiss) commits in let in"
    ),
    "it is cancelled between the look at it and the word": (
        "^(cancel|dismiss) commits in let in looked"
    ),
    "an appointment is moved while its doctor lets the patient in": "^move commits in let in",
    "it is moved between the look at it and the word": "^move commits in let in looked",
    "the patient is let in while the appointment is cancelled": (
        "^let in commits in (cancel|dismiss)"
    ),
    "the patient is let in while the appointment is moved": "^let in commits in move",
    "two pages of a doctor let in at once": "^let in waits for let in",
    "one page lets in while another puts back": (
        "^(let in waits for put back|put back waits for let in)"
    ),
    "a process follows while the doctor lets in": (
        "^(follow waits for let in|let in waits for follow)"
    ),
    "two processes follow at once": "^follow waits for follow",
    "an appointment changes while a process follows it": f"^{CHANGE} commits in follow",
    "it changes between the look at it and what is noted": f"^{CHANGE} commits in follow looked",
    "a message comes twice at once": "^say waits for say",
    "a message comes while the appointment is cancelled": "^(cancel|dismiss) commits in say",
    "the doctor ends it while they let in elsewhere": (
        "^(end room waits for let in|let in waits for end room)"
    ),
    "a COMMIT of an admission is lost": "^let in (cut|lose answer) at COMMIT",
    "a process dies while it follows": "^follow leave at",
    "a patient who did not come is taken back": "^undo commits in (let in|follow|say)",
}
"""By name, as an expression that one of the sentences meets."""
