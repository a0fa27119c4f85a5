"""Amazon's keys and signatures, by botocore: an extra, loaded when the first message goes."""

from collections.abc import Mapping
from typing import Any

from pydantic import SecretStr

from booking_system.notifications.domain.sending import Fault, NotSentError


class AmazonKeys:
    """The keys of this machine, found as all of Amazon's tools do, and renewed where they end.

    Or those that are `given`: the name of a key, and the key.
    """

    def __init__(self, given: tuple[str, SecretStr] | None = None) -> None:
        """Nothing is looked for yet; where some are `given`, nothing ever is."""
        self._given = given
        self._found: Any = None

    def signed(
        self, service: str, region: str, url: str, body: bytes, headers: Mapping[str, str]
    ) -> dict[str, str]:
        """Return the fields of the head with a signature (SigV4). It may ask another machine.

        Raises `NotSentError` where there are no keys.
        """
        from botocore.auth import SigV4Auth  # noqa: PLC0415  (an extra, and slow to load)
        from botocore.awsrequest import AWSRequest  # noqa: PLC0415
        from botocore.credentials import Credentials  # noqa: PLC0415
        from botocore.exceptions import BotoCoreError  # noqa: PLC0415
        from botocore.session import get_session  # noqa: PLC0415

        try:
            if self._found is None and self._given is not None:
                name, key = self._given
                self._found = Credentials(name, key.get_secret_value())
            if self._found is None:
                self._found = get_session().get_credentials()
            keys = self._found and self._found.get_frozen_credentials()
        except BotoCoreError:
            raise NotSentError(Fault.TEMPORARY, "no_keys") from None
        if not keys:
            raise NotSentError(Fault.REFUSED, "no_keys")
        request = AWSRequest(method="POST", url=url, data=body, headers=dict(headers))
        SigV4Auth(keys, service, region).add_auth(request)
        return dict(request.headers.items())
