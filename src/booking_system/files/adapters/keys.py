"""Keys of objects: random, so that nobody can guess one, and names of nobody."""

import secrets

BYTES = 20


class RandomKeys:
    """Below a folder for what arrives and one for what is served, each in 256 parts."""

    def for_upload(self) -> str:
        """Return the key of one object."""
        return _below("quarantine")

    def for_serving(self) -> str:
        """Return the beginning of the keys of one file."""
        return _below("served")


def _below(place: str) -> str:
    name = secrets.token_hex(BYTES)
    return f"{place}/{name[:2]}/{name}"
