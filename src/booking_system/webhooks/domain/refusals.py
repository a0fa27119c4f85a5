"""Why a wish about webhooks is told no."""

from booking_system.shared_kernel.errors import Conflict


class EndpointNotEnabled(Conflict):
    """The endpoint is paused or disabled, so nothing is sent to it.

    `state` and `reason` of the endpoint say why. Set its `state` to `enabled` with `PATCH
    /v1/webhook-endpoints/{id}`, then replay what it has missed.
    """

    code = "webhook_endpoint_not_enabled"


class DeliveryUnderWay(Conflict):
    """The delivery is on its way already.

    It is being sent, or will be at its `due_at`. Replay it once it is `delivered`, `failed` or
    `paused`.
    """

    code = "webhook_delivery_under_way"


class TooManyEndpoints(Conflict):
    """There are as many endpoints as there may be.

    A clinic has at most fifty, and so has the platform. Delete what is not needed any more.
    """

    code = "too_many_webhook_endpoints"
