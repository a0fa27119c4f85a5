"""What an operator can set about files: where their bytes are, and who looks for malware."""

from collections.abc import Iterator
from pathlib import Path

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings

from booking_system.files.adapters.addresses import (
    ClamdAddress,
    S3Address,
    WrongAddressError,
    clamd_address,
    storage_address,
)

LOCAL = "file:"
MIB = 1024 * 1024


class FileSettings(BaseSettings):
    """Where files are kept, how much room each clinic has, and the virus scanner."""

    storage_url: SecretStr = Field(
        SecretStr(LOCAL), description="s3://bucket?region=…; file: is in the data directory"
    )
    clamd_url: str | None = Field(None, description="tcp://host:3310 or unix:/path; None: none")
    storage_quota_mb: int = Field(
        5 * 1024, ge=1, le=100_000_000, description="room for the files of each clinic"
    )

    @property
    def storage(self) -> S3Address | None:
        """The bucket; None: files are on this machine."""
        return storage_address(self.storage_url.get_secret_value())

    @property
    def upload_sites(self) -> list[str]:
        """Where browsers send files to, beside this service."""
        bucket = self.storage
        if bucket is None:
            return []
        general: str | None = getattr(self, "aws_endpoint_url", None)
        amazon = f"s3.{bucket.region}.amazonaws.com"
        given = bucket.endpoint or general
        return [given] if given else [f"https://{amazon}", f"https://{bucket.bucket}.{amazon}"]

    @property
    def files_folder(self) -> Path:
        """Where files are that are on this machine."""
        return self._data_folder / "files"

    @property
    def bench_folder(self) -> Path:
        """Where each process puts uploads for as long as it looks at them."""
        return self._data_folder / "uploads"

    @property
    def _data_folder(self) -> Path:
        folder: Path = getattr(self, "data_dir", Path())
        return folder

    @property
    def clamd(self) -> ClamdAddress | None:
        """The virus scanner."""
        return None if self.clamd_url is None else clamd_address(self.clamd_url)

    @property
    def quota_bytes(self) -> int:
        """The room for the files of each clinic."""
        return self.storage_quota_mb * MIB

    @field_validator("storage_url")
    @classmethod
    def _storage(cls, value: SecretStr) -> SecretStr:
        try:
            storage_address(value.get_secret_value())
        except WrongAddressError as error:
            raise ValueError(f"BOOKING_STORAGE_URL cannot be used: {error}.") from None
        return value

    @field_validator("clamd_url")
    @classmethod
    def _scanner(cls, value: str | None) -> str | None:
        try:
            if value is not None:
                clamd_address(value)
        except WrongAddressError as error:
            raise ValueError(f"BOOKING_CLAMD_URL cannot be used: {error}.") from None
        return value

    def file_advice(self) -> Iterator[str]:
        """What works, but hardly as meant."""
        if getattr(self, "env", None) != "production":
            return
        if self.clamd_url is None:
            yield "BOOKING_CLAMD_URL is not set: nobody looks for malware in documents."
        if self.storage is None:
            yield (
                "BOOKING_STORAGE_URL is not set: files are in the data directory, which all API "
                "processes and workers must share."
            )
