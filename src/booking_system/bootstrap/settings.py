"""What an operator can set: environment variables that begin with BOOKING_, or a file `.env`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, Self

from email_validator import EmailNotValidError, validate_email
from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import SettingsConfigDict
from pydantic_settings.exceptions import SettingsError

from booking_system.bootstrap import production
from booking_system.bootstrap.consultation_settings import ConsultationSettings
from booking_system.bootstrap.database_settings import DatabaseSettings
from booking_system.bootstrap.file_settings import FileSettings
from booking_system.bootstrap.message_settings import MessageSettings
from booking_system.bootstrap.payment_settings import PaymentSettings
from booking_system.bootstrap.plain_addresses import is_plain_address, listed
from booking_system.bootstrap.secret_key import SecretKeyError, key_from, key_kept_in, keys_from
from booking_system.platform.keyring import Keyring

PREFIX = "BOOKING_"
OTHER_KEYS = f"{PREFIX}OTHER_SECRET_KEYS"
USUAL_DRAIN_SECONDS = 5.0
"""A balancer that asks each second has had three answers by then."""
EXPECTED = {
    "port": "a number from 1 to 65535",
    "database_pool_size": "a number from 1 to 200",
    "max_requests_inside": "a number from 1 to 10000",
    "env": "development or production",
    "demo": "true or false",
    "api_processes": "a number from 1 to 64",
    "drain_seconds": "a number from 0 to 600",
    "rate_limit": "on or off",
    "webhook_allow_private": "true or false",
    "session_days": "a number from 1 to 3650, or 0",
    "session_idle_days": "a number from 1 to 365",
    "reads_per_minute": "a number from 0 to 1000000",
    "writes_per_minute": "a number from 0 to 1000000",
    "log_format": "console or json",
    "log_level": "debug, info, warning or error",
    "paypal_mode": "live or sandbox",
    "storage_quota_mb": "a number from 1 to 100000000",
}
"""What a value must be, where its type alone refuses it."""


class SettingsProblem(Exception):
    """The program cannot start with these settings; one sentence for each that is wrong."""

    def __init__(self, sentences: list[str]) -> None:
        """`sentences` are for the operator and never quote a value: it may be a secret."""
        super().__init__(" ".join(sentences))
        self.sentences = sentences


class Settings(
    DatabaseSettings, MessageSettings, PaymentSettings, FileSettings, ConsultationSettings
):
    """All settings; each has a default that works on one machine."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=".env",
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    host: str = Field("127.0.0.1", description="where the API listens")
    port: int = Field(8000, ge=1, le=65535)
    public_url: str = Field("", description="as clients write it; from host and port if unset")
    cors_origins: str = Field("", description="sites whose pages may call; commas between")
    forwarded_allow_ips: str = Field(
        "", description="proxies whose X-Forwarded-For and -Proto are believed; commas between"
    )
    data_dir: Path = Path(".data")
    max_requests_inside: int | None = Field(
        None, ge=1, le=10_000, description="worked on at a time by each API process; None: pool"
    )
    secret_key: SecretStr | None = None
    other_secret_keys: SecretStr | None = Field(
        None, description="believed and published beside it, while one takes its place"
    )
    env: Literal["development", "production"] = "development"
    demo: bool = True
    admin_email: str | None = Field(None, repr=False)
    admin_password: SecretStr | None = None
    api_processes: int = Field(1, ge=1, le=64)
    drain_seconds: float | None = Field(
        None, ge=0, le=600, description="from SIGTERM until nobody is let in; None: by the env"
    )
    rate_limit: bool = True
    reads_per_minute: int = Field(
        3000, ge=0, le=1_000_000, description="of each user or network; 0: as many as they like"
    )
    writes_per_minute: int = Field(
        600, ge=0, le=1_000_000, description="of each user or network; 0: as many as they like"
    )
    session_days: int = Field(
        90, ge=0, le=3650, description="after which everybody signs in again; 0: never"
    )
    session_idle_days: int = Field(30, ge=1, le=365, description="unused, a session is over then")
    webhook_allow_private: bool = Field(default=False, description="webhooks may go inside")
    log_format: Literal["console", "json"] | None = None
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    otlp_endpoint: str | None = Field(None, description="where traces go; None: nowhere")

    def __init__(self, **values: Any) -> None:
        """Read the environment and `.env`; `values` win over both. Raises `SettingsProblem`."""
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise SettingsProblem(list(_sentences(error))) from None
        except (SettingsError, OSError, UnicodeError):
            raise SettingsProblem(["The file .env cannot be read."]) from None

    @property
    def in_production(self) -> bool:
        """Say whether unsafe defaults are refused."""
        return self.env == "production"

    @property
    def given_public_url(self) -> str | None:
        """The public address, unless it is just made of host and port."""
        return None if self.public_url in {"", self._own_url()} else self.public_url

    @property
    def places(self) -> int:
        """How many requests each API process works on at a time."""
        return self.max_requests_inside or self.database_pool_size

    @property
    def drains_for(self) -> float:
        """How many seconds an API process goes on after SIGTERM, for balancers to see it end."""
        if self.drain_seconds is None:
            return USUAL_DRAIN_SECONDS if self.in_production else 0.0
        return self.drain_seconds

    def signing_key(self) -> str:
        """Return the P-256 private key as PEM text. Raises `SettingsProblem`."""
        try:
            if self.secret_key is not None:
                return key_from(self.secret_key.get_secret_value())
            return key_kept_in(self.data_dir)
        except SecretKeyError as error:
            raise SettingsProblem([str(error)]) from None

    def keyring(self) -> Keyring:
        """Return the key that signs and those beside it. Raises `SettingsProblem`."""
        others = self.other_secret_keys
        given = "" if others is None else others.get_secret_value()
        try:
            return Keyring.of([self.signing_key(), *keys_from(given, OTHER_KEYS)])
        except SecretKeyError as error:
            raise SettingsProblem([str(error)]) from None

    @property
    def allowed_origins(self) -> list[str]:
        """Return the sites whose pages may call this API."""
        return listed(self.cors_origins)

    @property
    def admits_this_machine(self) -> bool:
        """Say whether pages of any port of this machine may call: while nothing else is said."""
        return not (self.in_production or self.allowed_origins)

    @property
    def trusted_proxies(self) -> list[str]:
        """Return the proxies whose word about addresses is believed."""
        return listed(self.forwarded_allow_ips)

    def with_database(self, url: str) -> "Settings":
        """Return the same settings for the database at `url`."""
        return self.model_copy(update={"database_url": url})

    @field_validator("env", "log_format", "log_level", "paypal_mode", mode="before")
    @classmethod
    def _in_any_case(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value

    @field_validator("public_url")
    @classmethod
    def _origin(cls, value: str) -> str:
        if value and not is_plain_address(value):
            raise ValueError(
                "BOOKING_PUBLIC_URL must be an address like https://booking.example.com."
            )
        return value.rstrip("/")

    @field_validator("cors_origins")
    @classmethod
    def _origins(cls, value: str) -> str:
        if not all(map(is_plain_address, listed(value))):
            raise ValueError(
                "BOOKING_CORS_ORIGINS must be addresses like https://www.example.com, with commas "
                "between them."
            )
        return value

    @field_validator("otlp_endpoint")
    @classmethod
    def _collector(cls, value: str | None) -> str | None:
        if value is not None and not is_plain_address(value):
            raise ValueError("BOOKING_OTLP_ENDPOINT must be an address like http://localhost:4318.")
        return value and value.rstrip("/")

    @field_validator("secret_key")
    @classmethod
    def _usable_key(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            try:
                key_from(value.get_secret_value())
            except SecretKeyError as error:
                raise ValueError(str(error)) from None
        return value

    @field_validator("other_secret_keys")
    @classmethod
    def _usable_keys(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            try:
                keys_from(value.get_secret_value(), OTHER_KEYS)
            except SecretKeyError as error:
                raise ValueError(str(error)) from None
        return value

    @field_validator("admin_email")
    @classmethod
    def _address(cls, value: str | None) -> str | None:
        try:
            return value and validate_email(value, check_deliverability=False).normalized
        except EmailNotValidError:
            raise ValueError("BOOKING_ADMIN_EMAIL must be an e-mail address.") from None

    @model_validator(mode="before")
    @classmethod
    def _safe_default_for_demo(cls, values: dict[str, Any]) -> dict[str, Any]:
        # Whoever says "production" and nothing about demo data wants none.
        is_production = str(values.get("env", "")).lower() == "production"
        return {"demo": False, **values} if is_production else values

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        if wrong := list(self._contradictions()):
            raise ValueError("\n".join(wrong))
        if not self.public_url:
            # The model is frozen for everybody else.
            object.__setattr__(self, "public_url", self._own_url())
        return self

    def _contradictions(self) -> Iterator[str]:
        if (self.admin_email is None) is not (self.admin_password is None):
            yield "BOOKING_ADMIN_EMAIL and BOOKING_ADMIN_PASSWORD must be set together."
        yield from self._database_contradictions()
        yield from self._message_contradictions()
        yield from self._payment_contradictions()
        yield from self._consultation_contradictions()
        if self.in_production:
            yield from production.refused(self)

    def _own_url(self) -> str:
        name = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self.host, self.host)  # noqa: S104
        if ":" in name and not name.startswith("["):
            name = f"[{name}]"
        return f"http://{name}:{self.port}"


def _sentences(error: ValidationError) -> Iterator[str]:
    for problem in error.errors(include_url=False, include_input=False):
        field = str(problem["loc"][0]) if problem["loc"] else ""
        name = f"{PREFIX}{field.upper()}"
        if problem["type"] == "value_error":
            yield from str(problem["ctx"]["error"]).format(name=name).splitlines()
        else:
            yield f"{name} must be {EXPECTED.get(field, 'a text')}."
