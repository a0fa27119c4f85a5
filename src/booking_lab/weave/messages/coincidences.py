"""Coincidences of messages: what has to have happened sometimes, or the search has a hole."""

from collections.abc import Mapping

CHANGE = "(cancel|dismiss|move)"
SOMETIMES: Mapping[str, str] = {
    "a cancellation commits between claim and gate": "^(cancel|dismiss) commits in send claimed",
    "a move commits between claim and gate": "^move commits in send claimed",
    "a cancellation commits between the note that sending begins and the bytes": (
        "^(cancel|dismiss) commits in send begun"
    ),
    "a move commits between the note that sending begins and the bytes": (
        "^move commits in send begun"
    ),
    "a change waits for a message that is judged": f"^{CHANGE} waits for send .* judging",
    "a change waits for a message that is handed over": (
        f"^{CHANGE} waits for send .* (begun|locked)"
    ),
    "a change commits while the answer is awaited": f"^{CHANGE} commits in send handed",
    "a sender waits for a change": f"^send waits for {CHANGE}",
    "a patient is checked in between claim and gate": "^check in commits in send claimed",
    "a check-in is undone while a message goes out": "^undo commits in send",
    "a reminder becomes due while somebody cancels or moves": f"^clock over a reminder in {CHANGE}",
    "two senders claim at once": "^send commits in send claiming",
    "two senders send at once": "^send commits in send (claimed|begun|handed)",
    "a lease is over before sending begins": "^clock in send claimed",
    "a process stands still between the note and the bytes": "^clock in send begun",
    "a process stands still until its lock is gone": "^clock in send locked",
    "a change commits behind a lock that is gone": f"^{CHANGE} commits in send locked",
    "no SMS is wanted any more between claim and gate": "^stop commits in send claimed",
    "a lease is over while its sender still waits for the answer": "^clock in send handed",
    "another sender takes back what is still being sent": (
        "^send commits in send (claimed|handed) after the clock"
    ),
    "a sender dies with a claim": "^send leave at .* claimed",
    "a sender dies between the note and the bytes": "^send leave at .* begun",
    "a sender dies when the bytes are out": "^send leave at .* handed",
    "a provider cannot be reached": "^send (cut|lose answer) at CONNECT",
    "a message is taken, and its answer is lost": "^send (cut|lose answer) at HEAR",
    "a connection breaks before the provider has it": "^send cut at GIVE_BYTES",
    "a connection breaks when the provider has it": "^send lose answer at GIVE_BYTES",
    "the COMMIT is lost behind which the bytes are out": "^send (cut|lose answer) at COMMIT handed",
    "the note that it was taken is lost": "^send (cut|leave) at FINISH",
    "a relay dies between numbering and commit": "^relay leave at (TELL|COMMIT)",
    "a relay's COMMIT is lost": "^relay (cut|lose answer) at COMMIT",
    "two relays are at it": "^relay commits in relay numbered",
    "a change commits while a relay numbers": (
        "^(book|cancel|dismiss|move|check in) commits in relay numbered"
    ),
    "later events are relayed while a change is under way": "^relay commits in (book|cancel|move)",
    "two planners are at one event": "^planner commits in planner planning",
    "a planner dies between its effect and its place": "^planner leave at (MOVE_ON|COMMIT) planned",
    "a planner's COMMIT is lost": "^planner (cut|lose answer) at COMMIT planned",
    "an event comes while a planner plans": "^relay commits in planner planning",
    "a change commits between its event and the plan": f"^{CHANGE} commits in planner planning",
    "what is planned is superseded while it is planned": f"^{CHANGE} commits in planner planned",
}
"""By name, as an expression that one of the sentences meets."""
