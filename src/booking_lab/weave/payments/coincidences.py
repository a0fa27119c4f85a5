"""Coincidences of payments: what has to have happened sometimes, or the search has a hole."""

from collections.abc import Mapping

CHANGE = "(cancel|dismiss|move)"
PAYS = "(pays|pays anyway|money comes)"
SOMETIMES: Mapping[str, str] = {
    "two tabs begin at once": "^start waits for start",
    "a payer begins in another way while one is under way": "^start is told payment_in_progress",
    "a provider's answer to a checkout is lost": "^start (cut|lose answer) at HEAR create",
    "a provider is never asked for a checkout": "^start cut at ASK create",
    "a payer's program dies while the provider makes a checkout": "^start leave at HEAR create",
    "the checkout's COMMIT is lost": "^start (cut|lose answer) at COMMIT",
    "a payer pays while a worker's look is on its way": f"^{PAYS} commits in money read asked",
    "a payer pays while their checkout is ended": f"^{PAYS} commits in money end asked",
    "two workers settle one payment": "^money waits for money",
    "a worker waits for a payer's tab": "^(money waits for start|start waits for money)",
    "a worker waits for who cancels or moves": f"^money waits for {CHANGE}",
    "who cancels or moves waits for a worker": f"^{CHANGE} waits for money",
    "an appointment is cancelled while its money is captured": (
        "^(cancel|dismiss) commits in money capture asked"
    ),
    "an appointment is cancelled between the decision and the capture": (
        "^(cancel|dismiss) commits in money (claimed|read asked|deciding)"
    ),
    "the answer to a capture is lost": "^money (cut|lose answer) at HEAR capture",
    "a capture is never heard of": "^money cut at ASK capture",
    "a worker dies in a capture": "^money leave at HEAR capture",
    "time to pay runs out while money is captured": "^clock over pay_by in money capture asked",
    "time to pay runs out while a worker looks": "^clock over pay_by in money read asked",
    "time to pay runs out while a payer begins": "^clock over pay_by in start",
    "time to pay runs out while somebody else books": "^clock over pay_by in book",
    "a lease is over while a provider is asked": "^clock in money .* asked",
    "another worker does what is still being done": (
        "^money commits in money .* asked after the clock"
    ),
    "the sweep meets a worker": "^(sweep waits for money|money waits for sweep)",
    "the sweep comes while money is captured": "^sweep commits in money capture asked",
    "somebody books what expires": "^(book|hold) waits for (money|sweep)",
    "late money waits for who books": "^money waits for (book|hold)",
    "late money comes while somebody else books": f"^{PAYS} commits in (book|hold)",
    "the answer to a refund is lost": "^money (cut|lose answer) at HEAR refund",
    "a refund is never heard of": "^money cut at ASK refund",
    "a worker dies in a refund": "^money leave at HEAR refund",
    "two people give back at once": "^gives back waits for gives back",
    "a refund is asked for while another is made": "^gives back commits in money refund asked",
    "the provider's people give back while we do": "^refunds there commits in money",
    "two clerks take the same money": "^desk takes is told payment_already_made after waiting",
    "a clerk takes money that is being paid": f"^{PAYS} commits in desk takes",
    "receipts of two payers meet": "^(money|desk takes|reconcile) waits for .* at DRAW_NUMBERS",
    "a number is undone": "^(money|desk takes|reconcile) (cut|leave) at COMMIT numbered",
    "the COMMIT of money is lost": (
        "^(money|reconcile) (cut|lose answer) at COMMIT (lined|numbered)"
    ),
    "a worker dies between the ledger and the commit": (
        "^(money|reconcile) leave at .* (lined|numbered)"
    ),
    "the word that work is done is lost": "^money (cut|leave|lose answer) at (FINISH|PUT_OFF)",
    "a worker dies with a claim": "^money leave at .* claimed",
    "an event comes while its payment is looked at": "^hooks commits in money read asked",
    "an event's COMMIT is lost": "^hooks (cut|lose answer) at COMMIT",
    "two workers take one event": "^money (waits for|commits in) money .*events",
    "a worker dies between an event and its look": "^money (cut|leave) at .* planned",
    "reconciliation meets a worker": "^(reconcile waits for money|money waits for reconcile)",
    "reconciliation has an old look": "^money commits in reconcile read asked",
    "money follows while an appointment changes again": f"^({CHANGE}|undo) commits in follower",
    "a mark is taken back while its money follows": "^undo commits in money",
    "a follower dies between its effect and its place": "^follower leave at (MOVE_ON|COMMIT) ",
}
"""By name, as an expression that one of the sentences meets."""
