"""Writes the bill of materials: CycloneDX, from the hashed requirements of what is delivered."""

import subprocess
import sys
from pathlib import Path


def written(requirements: Path, root: Path, target: Path) -> Path:
    """Write the components of one requirement set to `target`."""
    target.parent.mkdir(parents=True, exist_ok=True)
    command = [
        *(sys.executable, "-W", "ignore", "-m", "cyclonedx_py", "requirements", str(requirements)),
        *("--pyproject", str(root / "pyproject.toml"), "--mc-type", "application"),
        *("--output-format", "JSON", "--output-reproducible", "--output-file", str(target)),
    ]
    subprocess.run(command, check=True)  # noqa: S603  (our own interpreter, no shell)
    return target
