"""HTTP addresses as an operator writes them: where something is, and nothing else."""

from urllib.parse import urlsplit


def listed(value: str) -> list[str]:
    """Return what stands between commas; a slash at the end says nothing."""
    return [one.strip().rstrip("/") for one in value.split(",") if one.strip()]


def is_plain_address(value: str) -> bool:
    """Say whether this is an HTTP address without a login, a query or a fragment."""
    try:
        parts = urlsplit(value)
        is_address = parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        return False
    is_one = "*" not in parts.netloc
    return (
        is_address
        and is_one
        and not (parts.query or parts.fragment or parts.username or parts.password)
    )
