"""The pages on which links end: nothing in them but their own."""

import re

import pytest

from tests.api import Api


@pytest.mark.parametrize("path", ["/reset-password", "/verify-email"])
async def test_a_page_loads_nothing_and_runs_its_own_script_alone(api: Api, path: str) -> None:
    page = await api.get(path)
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    policy = page.headers["content-security-policy"]
    for part in ("default-src 'none'", "frame-ancestors 'none'", "script-src 'sha256-"):
        assert part in policy
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert not re.search(r"https?://|src=|<link|<form[^>]* action", page.text)
    assert 'lang="en"' in page.text
    # Every field has a label around it, and every form a button.
    assert len(re.findall(r"<label>[^<]+<input", page.text)) == page.text.count("<input")
    assert page.text.count("<button>") == page.text.count("<form ")
