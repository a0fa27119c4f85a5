"""What an operator can set about consultations: servers that let two pages find each other."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings

from booking_system.bootstrap.plain_addresses import listed
from booking_system.consultations.domain.ice import IceSettings

REDIS = {"redis", "rediss"}
STUN = re.compile(r"stuns?:[A-Za-z0-9.\-\[\]:]+")
TURN = re.compile(r"turns?:[A-Za-z0-9.\-\[\]:]+(\?transport=(udp|tcp))?")
SHORTEST_SECRET = 16


def is_redis_address(text: str) -> bool:
    """Say whether it names a server, or a socket of this machine."""
    try:
        parts = urlsplit(text)
        number = parts.path.removeprefix("/")
        is_server = parts.scheme in REDIS and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    if parts.scheme == "unix":
        return bool(parts.path)
    return is_server and (not number or number.isdecimal())


class ConsultationSettings(BaseSettings):
    """Servers for WebRTC. Without any, pages find each other in one network only."""

    ice_servers: str = Field("", description="addresses of STUN; commas between")
    turn_url: str = Field("", description="addresses of the relay, TURN; commas between")
    redis_url: SecretStr | None = Field(
        None, description="what processes share; None: each does without, PostgreSQL signals"
    )
    turn_secret: SecretStr | None = Field(None, description="the relay's static-auth-secret")

    @property
    def ice(self) -> IceSettings:
        """The servers that pages are given."""
        secret = self.turn_secret
        return IceSettings(
            stun=tuple(listed(self.ice_servers)),
            turn=tuple(listed(self.turn_url)),
            secret="" if secret is None else secret.get_secret_value(),
        )

    @property
    def redis(self) -> str | None:
        """The address of Redis, with its password."""
        return None if self.redis_url is None else self.redis_url.get_secret_value()

    @field_validator("redis_url")
    @classmethod
    def _redis_address(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not is_redis_address(value.get_secret_value()):
            raise ValueError(
                "BOOKING_REDIS_URL must be an address like redis://:password@redis.example.com:6379"
                ", rediss:// for TLS."
            )
        return value

    @field_validator("ice_servers")
    @classmethod
    def _stun_addresses(cls, value: str) -> str:
        if not all(map(STUN.fullmatch, listed(value))):
            raise ValueError(
                "BOOKING_ICE_SERVERS must be addresses like stun:stun.example.com:3478, with "
                "commas between them."
            )
        return value

    @field_validator("turn_url")
    @classmethod
    def _turn_addresses(cls, value: str) -> str:
        if not all(map(TURN.fullmatch, listed(value))):
            raise ValueError(
                "BOOKING_TURN_URL must be addresses like "
                "turns:turn.example.com:443?transport=tcp, with commas between them."
            )
        return value

    @field_validator("turn_secret")
    @classmethod
    def _long_secret(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value()) < SHORTEST_SECRET:
            raise ValueError("BOOKING_TURN_SECRET must have at least 16 characters.")
        return value

    def _consultation_contradictions(self) -> Iterator[str]:
        if bool(self.turn_url) is (self.turn_secret is None):
            yield "BOOKING_TURN_URL and BOOKING_TURN_SECRET must be set together."

    def consultation_advice(self) -> Iterator[str]:
        """What works, but hardly as meant."""
        turn = listed(self.turn_url)
        if turn and not any(one.startswith("turns:") for one in turn):
            yield (
                "BOOKING_TURN_URL has no address that begins with turns: people whose network lets"
                " nothing but TLS out have no picture and no sound."
            )
