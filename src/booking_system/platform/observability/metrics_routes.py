"""`/metrics`, for Prometheus."""

import asyncio
from dataclasses import dataclass

from fastapi import Response
from prometheus_client import CONTENT_TYPE_LATEST

from booking_system.platform.http.caller import Policy
from booking_system.platform.http.routing import Routes
from booking_system.platform.observability.metrics import Metrics

PATH = "/metrics"


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsRoutes:
    """The numbers of all API processes, whichever answers. A proxy keeps them from the public."""

    metrics: Metrics
    policy: Policy

    def routes(self) -> Routes:
        """List the operation; it is not part of the API's document."""
        routes = Routes("Health")
        routes.add(
            "GET",
            PATH,
            self.read_metrics,
            policy=self.policy,
            answers=None,
            asks_who=False,
            is_counted=False,
            shown=False,
        )
        return routes

    async def read_metrics(self) -> Response:
        """Answer with the numbers in Prometheus' text format."""
        self.metrics.requests.flush()
        # In a thread: the files of all processes are read, and others shall not wait for that.
        text = await asyncio.to_thread(self.metrics.text)
        return Response(text, media_type=CONTENT_TYPE_LATEST)
