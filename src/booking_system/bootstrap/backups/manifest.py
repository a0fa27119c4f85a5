"""What stands beside a dump: of which database it is, and what has to come out of it."""

import hashlib
from datetime import datetime
from pathlib import Path
from typing import Literal

from joserfc.jwk import ECKey
from pydantic import BaseModel, ValidationError

from booking_system.bootstrap.backups.contents import Contents
from booking_system.bootstrap.settings import Settings, SettingsProblem

NAME = "manifest.json"
DUMP, FILES = "database.dump", "files.tar"


class Part(BaseModel):
    """One file of a backup."""

    size: int
    sha256: str

    @classmethod
    def of(cls, path: Path) -> "Part":
        """Sum it up."""
        with path.open("rb") as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()
        return cls(size=path.stat().st_size, sha256=digest)


class Manifest(BaseModel):
    """A backup; `taken_at` is UTC, `keys` are thumbprints (RFC 7638) of the secret keys then."""

    format: Literal[1] = 1
    program: str
    taken_at: datetime
    postgresql: str
    keys: list[str]
    contents: Contents
    dump: Part
    files: Part | None
    """None: they are in a bucket, which is not part of it."""

    @classmethod
    def of(cls, folder: Path) -> "Manifest":
        """Read a backup's, and compare its parts with that. Raises `SettingsProblem`."""
        try:
            found = cls.model_validate_json((folder / NAME).read_bytes())
        except FileNotFoundError:
            raise SettingsProblem([f"{folder} is no backup: it has no {NAME}."]) from None
        except ValidationError:
            raise SettingsProblem(
                [f"{folder / NAME} cannot be read: another version may have written it."]
            ) from None
        for name, part in ((DUMP, found.dump), (FILES, found.files)):
            if part is None:
                continue
            path = folder / name
            if not path.is_file() or Part.of(path) != part:
                raise SettingsProblem([f"{path} is not as it was written: the backup is damaged."])
        return found


def thumbprints(settings: Settings) -> list[str]:
    """Return the names of the secret keys, by which nobody can use them."""
    return [ECKey.import_key(key).thumbprint() for key in settings.keyring().keys]
