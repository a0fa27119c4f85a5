"""How files say no."""

from booking_system.shared_kernel.errors import (
    Conflict,
    NotFound,
    RuleViolation,
    TooLarge,
    Unavailable,
)


class FileNotFound(NotFound):
    """There is no such file, or not for you."""


class FileNotReady(Conflict):
    """The file is not there yet.

    Send its bytes to the address that `upload` named, then complete it. Where it is being looked
    at already, read it again in a moment: `state` says when it is `ready`, or why it was refused.
    """

    code = "file_not_ready"


class FileRefused(RuleViolation):
    """The file is not stored.

    Its bytes are not what was announced, or nothing that is stored here: `detail` says what is
    wrong, and for a day the `fault` of the file. Nothing of it is kept. Begin anew with another.
    """

    code = "file_refused"


class FileTooLarge(TooLarge):
    """The file is larger than a file for this purpose may be.

    Pictures may have 10 MiB, documents 100 MiB.
    """

    code = "file_too_large"


class StorageFull(Conflict):
    """There is no room for this file.

    The clinic, or the thing that the file belongs to, has as many files as it may have. Files that
    were deleted count until they are gone for good.
    """

    code = "file_storage_full"


class RestoreConflict(Conflict):
    """Another file has taken its place.

    A doctor has one photo and a clinic one logo: delete the present one first.
    """

    code = "restore_conflict"


class StorageUnavailable(Unavailable):
    """The storage of files, or the virus scanner, does not answer right now."""

    def __init__(self) -> None:
        """Say when to come again."""
        super().__init__(retry_after=5)
