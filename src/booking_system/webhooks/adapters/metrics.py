"""How many deliveries are due, for how long, and how many endpoints are disabled."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

from prometheus_client import CollectorRegistry, Gauge
from sqlalchemy import Double, cast, extract, func, literal, or_, select, true

from booking_system.platform.postgres.periodic import PeriodicJob
from booking_system.platform.postgres.phrases import how_many
from booking_system.platform.postgres.statement import Statement
from booking_system.platform.postgres.transaction import Database
from booking_system.webhooks.records.tables import webhook_deliveries, webhook_endpoints

PAUSE_SECONDS = 10.0
MOST = 100_000
"""So many are counted at most: a long queue makes no long look."""

d, e = webhook_deliveries.c, webhook_endpoints.c


def _look() -> Statement[Any]:
    is_told = [e.state == "enabled", e.deleted_at.is_(None)]
    rests_not = or_(e.rests_until.is_(None), e.rests_until <= func.now())
    is_due = [d.endpoint_id == e.id, d.state == "pending", d.due_at <= func.now()]
    some = (
        select(literal(1).label("one"))
        .select_from(webhook_endpoints.join(webhook_deliveries, true()))
        .where(*is_told, *is_due)
        .limit(how_many("most"))
        .subquery("some")
    )
    oldest = select(d.due_at).where(*is_due).order_by(d.due_at).limit(1).lateral("oldest")
    longest = (
        select(func.min(oldest.c.due_at))
        .select_from(webhook_endpoints.join(oldest, true()))
        .where(*is_told, rests_not)
        .scalar_subquery()
    )
    disabled = (
        select(func.count()).where(e.state == "disabled", e.deleted_at.is_(None)).scalar_subquery()
    )
    age = cast(extract("epoch", func.now() - longest), Double)
    return Statement(
        select(
            func.count().label("due"),
            func.coalesce(age, 0.0).label("seconds"),
            disabled.label("disabled"),
        ).select_from(some)
    )


LOOK = _look()


class WebhookMetrics:
    """Three numbers, which are the same for all processes."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """`registry` is where the numbers can be read."""

        def gauge(name: str, about: str) -> Gauge:
            return Gauge(name, about, multiprocess_mode="livemostrecent", registry=registry)

        self._due = gauge(
            "booking_webhook_deliveries_due",
            f"Webhooks that are due and not sent yet; {MOST} means that many or more.",
        )
        self._seconds = gauge(
            "booking_webhook_deliveries_oldest_seconds",
            "How late the latest delivery is, but for endpoints left alone.",
        )
        self._disabled = gauge(
            "booking_webhook_endpoints_disabled",
            "Endpoints that the program has disabled: gone, or failing for three days.",
        )

    def tell(self, *, due: int, seconds: float, disabled: int) -> None:
        """Set all three."""
        self._due.set(due)
        self._seconds.set(max(0.0, seconds))
        self._disabled.set(disabled)


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookWatch:
    """Looks at the queue every ten seconds, beside the requests."""

    database: Database
    tell: Callable[..., None]

    def running(self) -> AbstractAsyncContextManager[None]:
        """Do so for as long as the block lasts."""
        job = PeriodicJob(
            name="webhook watch",
            round=self.once,
            failed="webhooks_not_looked_at",
            first_pause=PAUSE_SECONDS,
            pause=PAUSE_SECONDS,
            pause_after_failure=PAUSE_SECONDS,
        )
        return job.running()

    async def once(self) -> bool:
        """Look once."""
        async with self.database.reading() as connection:
            row = await LOOK.fetchrow(connection, most=MOST)
        assert row is not None, "an aggregate has a row"
        self.tell(due=row["due"], seconds=row["seconds"], disabled=row["disabled"])
        return True
