"""Looks for secrets in the working tree and in all that was ever committed.

What looks like one and is none stands in known.json, by its digest and with a reason; anything else
is a finding.
"""

import json
import subprocess
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

KNOWN = Path(__file__).with_name("known.json")
OWN_DIGESTS = "audit/known.json"
HASHED = "--hash=sha256:"
"""Lines of requirement sets: digests of files, which look like keys."""
IGNORED_PLUGINS = {"IPPublicDetector"}
"""Addresses are no secrets."""


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """What looks like a secret: its kind and its SHA-1, never its text."""

    kind: str
    digest: str
    path: str


class ScannerIsBlindError(Exception):
    """What was planted was not found, so that finding nothing means nothing."""


def findings(root: Path) -> list[Finding]:
    """Return what is in the repository and not known. Raises `ScannerIsBlindError`."""
    known = looked_at()
    bait = planted()
    if {one.path for one in suspicious(bait) if not is_known(one, known)} != bait.keys():
        raise ScannerIsBlindError
    seen = {one for texts in (in_the_tree(root), in_history(root)) for one in suspicious(texts)}
    return sorted(one for one in seen if not is_known(one, known))


def suspicious(texts: Mapping[str, Iterable[str]]) -> set[Finding]:
    """Return what looks like a secret in these lines, by the path that they are from."""
    from detect_secrets.core.scan import scan_file  # noqa: PLC0415  (only in our environment)
    from detect_secrets.core.usage.plugins import (  # noqa: PLC0415
        get_mapping_from_secret_type_to_class,
    )
    from detect_secrets.settings import transient_settings  # noqa: PLC0415

    plugins = get_mapping_from_secret_type_to_class().values()
    names = sorted({plugin.__name__ for plugin in plugins} - IGNORED_PLUGINS)
    found = set()
    with (
        tempfile.TemporaryDirectory() as folder,
        transient_settings({"plugins_used": [{"name": name} for name in names]}),
    ):
        for path, lines in texts.items():
            place = Path(folder, path)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text("\n".join(lines), encoding="utf-8")
            found |= {
                Finding(secret.type, secret.secret_hash, path) for secret in scan_file(str(place))
            }
            place.unlink()
    return found


def planted() -> dict[str, list[str]]:
    """Return what must be found; put together here, so that this file is clean."""
    return {
        "planted.py": ["key = '" + "AKIA" + "Q3EGRIZK7LGVXM2P" + "'"],
        "planted.pem": ["-----BEGIN " + "PRIVATE KEY-----", "MIGHAgEAMBMGByqGSM49"],
        "planted.env": ["BOOKING_ADMIN_" + "PASSWORD=seven-loud-geese"],
    }


def in_the_tree(root: Path) -> dict[str, list[str]]:
    """Return all lines of files that are, or could be, committed."""
    names = _git(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    return {
        name: _worth_a_look((root / name).read_text(encoding="utf-8", errors="replace").split("\n"))
        for name in names.split("\0")
        if name not in {"", OWN_DIGESTS} and (root / name).is_file()
    }


def in_history(root: Path) -> dict[str, list[str]]:
    """Return all lines that any commit on any branch ever added, each once for its path."""
    told = _git(
        root,
        *("log", "--all", "--patch", "--unified=0", "--no-renames", "--no-color", "--format="),
        *("--diff-merges=separate", "--no-ext-diff", "--no-textconv"),
        *("--src-prefix=a/", "--dst-prefix=b/"),
    )
    lines: dict[str, dict[str, None]] = defaultdict(dict)
    path = "?"
    in_head = False
    for line in told.split("\n"):
        if line.startswith("diff --git "):
            in_head = True
        elif in_head and line.startswith("+++ "):
            path = line.removeprefix("+++ ").removeprefix("b/").strip('"\t')
        elif line.startswith("@@ "):
            in_head = False
        elif not in_head and line.startswith("+"):
            lines[path][line[1:]] = None
    return {path: _worth_a_look(found) for path, found in lines.items() if path != OWN_DIGESTS}


def looked_at() -> dict[str, list[str] | None]:
    """Return the digests that somebody has looked at, with the only paths where that counts.

    Of a private key its first line is all that is found: another one has the same digest.
    """
    groups = json.loads(KNOWN.read_text(encoding="utf-8"))
    return {digest: group.get("only_in") for group in groups for digest in group["digests"]}


def is_known(finding: Finding, known: Mapping[str, list[str] | None]) -> bool:
    """Say whether somebody has looked at it."""
    paths = known.get(finding.digest, [])
    return paths is None or finding.path in paths


def _worth_a_look(lines: Iterable[str]) -> list[str]:
    return [line for line in lines if HASHED not in line and line.strip()]


def _git(root: Path, *arguments: str) -> str:
    done = subprocess.run(  # noqa: S603
        ["git", "-C", str(root), *arguments],  # noqa: S607
        capture_output=True,
        check=True,
    )
    return done.stdout.decode("utf-8", "replace")
