"""Commands about payments."""

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from booking_system.bootstrap import up
from booking_system.bootstrap.chosen_database import database_for
from booking_system.bootstrap.console import (
    FAILED,
    Step,
    out,
    progress,
    settings_and_logs,
    told_plainly,
)
from booking_system.bootstrap.settings import Settings

if TYPE_CHECKING:
    from booking_system.payments.application.reconcile import Reconciled

app = typer.Typer(help="What providers of payments say, compared with our books.")
UNANSWERED = 5


@app.callback()
def payments() -> None:
    """Compare our books of payments with those of providers."""


@app.command()
def reconcile(
    *,
    days: Annotated[
        int, typer.Option(min=0, max=365, help="Look at payments begun since, and all open ones.")
    ] = 7,
) -> None:
    """Ask providers about open and recent payments, repair what we missed, and report drift.

    It may run at any time, also beside workers, and twice. Exit code 1: our ledger and a provider
    do not say the same; 5: a provider did not answer about some payments.
    """
    with told_plainly():
        with progress("Payments") as step:
            done = _reconcile(settings_and_logs(), timedelta(days=days), step)
        for payment_id, theirs, ours in done.drifting:
            out.print(f"{payment_id}: the provider has {theirs}, our ledger {ours}")
        for payment_id, why in done.unanswered:
            out.print(f"{payment_id}: no answer ({why})")
        out.print(
            f"{done.looked_at} looked at, {len(done.repaired)} repaired, "
            f"{len(done.unanswered)} without an answer, {len(done.drifting)} drifting."
        )
        if done.drifting:
            raise typer.Exit(FAILED)
        if done.unanswered:
            raise typer.Exit(UNANSWERED)


def _reconcile(settings: Settings, since: timedelta, step: Step) -> "Reconciled":
    async def run(ready: Settings) -> "Reconciled":
        await up.refuse_unfit(ready)
        async with up.container_of(ready) as container:
            found: Reconciled = await container.payments.reconcile()(since=since, step=step)
            return found

    with database_for(settings) as ready:
        return asyncio.run(run(ready))
