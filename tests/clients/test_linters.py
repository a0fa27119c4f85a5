"""Reviewers hold docs/openapi.json against rules of their trade: no warning, and no exception."""

import json
from pathlib import Path

import pytest

from tests.clients.test_typescript import install_packages, run

pytestmark = pytest.mark.proof
PACKAGES = {"@stoplight/spectral-cli": "6.16.3", "@redocly/cli": "2.77.0"}


def test_spectral_and_redocly_find_nothing(tmp_path: Path) -> None:
    install_packages(PACKAGES, tmp_path)
    (tmp_path / ".spectral.yaml").write_text('extends: ["spectral:oas"]\n')

    spectral = run(tmp_path, "spectral", "lint", "openapi.json", "--format", "json")
    found, _ = json.JSONDecoder().raw_decode(spectral)
    assert found == []
    redocly = run(tmp_path, "redocly", "lint", "openapi.json", "--extends=recommended",
                  "--format=json", may_chat=True)  # fmt: skip
    assert json.loads(redocly[redocly.index("{") :])["problems"] == []
