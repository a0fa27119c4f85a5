"""Webhooks as they go out: Standard Webhooks 1.0, signed anew for each attempt."""

from dataclasses import dataclass
from datetime import UTC, datetime

import orjson
from standardwebhooks import Webhook

from booking_system.webhooks.adapters.sealing import SealedSecrets
from booking_system.webhooks.application.sending_ports import Letter
from booking_system.webhooks.domain.delivery import Claim
from booking_system.webhooks.domain.target import Target

USER_AGENT = "booking-system-webhooks"


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookWriter:
    """Writes and signs; the id is the event's, and stays, while timestamp and signatures do not."""

    secrets: SealedSecrets
    allow_private: bool

    def __call__(self, claim: Claim, now: datetime) -> Letter:
        """Return it. Raises `Invalid` for its address, `UnreadableSecretError`."""
        target = Target.of(claim.url, allow_private=self.allow_private)
        body = orjson.dumps(
            {
                "type": claim.name,
                "timestamp": claim.occurred_at,
                "data": claim.data,
                "seq": claim.event_seq,
            },
            option=orjson.OPT_UTC_Z,
        )
        # The library takes an instant of another zone for one in UTC.
        at, message_id = now.astimezone(UTC), str(claim.event_id)
        sealed = [one for one in (claim.secret, claim.former_secret) if one is not None]
        signatures = [
            Webhook(self.secrets.opened(one, claim.endpoint_id)).sign(message_id, at, body.decode())
            for one in sealed
        ]
        headers = {
            "Content-Type": "application/json",
            "User-Agent": USER_AGENT,
            "webhook-id": message_id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": " ".join(signatures),
        }
        return Letter(target=target, headers=headers, body=body)
