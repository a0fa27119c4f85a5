"""Every state with every cause: where it leads, and what is refused. The paper says the same."""

from itertools import product
from pathlib import Path

import pytest

from booking_system.payments.domain.attempt import LIVE, AttemptState
from booking_system.payments.domain.transitions import (
    NEXT,
    RANK,
    STEPS_BACK,
    TABLE,
    Cause,
    ImpossibleError,
    after,
)

PAPER = Path(__file__).parents[2] / "docs" / "payments.md"
S = AttemptState
IMPOSSIBLE = {
    *product([S.OPEN, S.PROCESSING], [Cause.REFUSED]),
    *product([S.CREATING, S.FAILED, S.CANCELLED, S.SUCCEEDED], [Cause.CAPTURE]),
    *product([S.CREATING, S.SUCCEEDED], [Cause.NOT_CAPTURED]),
    *product([S.CREATING], [Cause.DECLINED, Cause.DECLINED_LATE]),
    *product([S.CREATING, S.OPEN, S.PROCESSING, S.SUCCEEDED], [Cause.NEVER_MADE]),
}
EVERYTHING = list(product(AttemptState, Cause))


def test_the_table_is_whole() -> None:
    assert NEXT.keys() == set(EVERYTHING)
    assert RANK.keys() == set(AttemptState)


@pytest.mark.parametrize(("state", "cause"), EVERYTHING)
def test_no_state_goes_back_and_what_cannot_be_is_refused(
    state: AttemptState, cause: Cause
) -> None:
    if (state, cause) in IMPOSSIBLE:
        with pytest.raises(ImpossibleError):
            after(state, cause)
        return
    then = after(state, cause)
    if cause in STEPS_BACK and state is S.PROCESSING:
        assert then in {S.OPEN, S.CLOSING}
    elif then is not state:
        assert RANK[then] > RANK[state]
    if state is S.SUCCEEDED:
        assert then is S.SUCCEEDED
    if state not in LIVE:
        assert then is state or cause is Cause.PAID
    if cause is Cause.PAID:
        assert then is S.SUCCEEDED


def shown() -> str:
    """The table as the paper has it."""
    head, *rows = (line.split() for line in TABLE.strip().splitlines())
    lines = [head, ["---"] * len(head), *rows]
    cells = [[cell.replace("=", "·").replace("!", "refused") for cell in row] for row in lines]
    return "\n".join("| " + " | ".join(row) + " |" for row in cells)


def test_the_paper_shows_the_same_table() -> None:
    assert shown() in PAPER.read_text()
