"""The pages on which links end: nothing in them but their own."""

import re

import pytest

from booking_system.platform.http.languages import in_each_language, page_for
from tests.api import Api


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("path", ["/reset-password", "/verify-email", "/invitation"])
async def test_a_page_loads_nothing_and_runs_its_own_script_alone(
    api: Api, path: str, language: str
) -> None:
    page = await api.send("GET", path, headers={"Accept-Language": f"fr;q=0.3, {language}-CH"})
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    policy = page.headers["content-security-policy"]
    for part in ("default-src 'none'", "frame-ancestors 'none'", "script-src 'sha256-"):
        assert part in policy
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert not re.search(r"https?://|src=|<link|<form[^>]* action", page.text)
    assert page.headers["vary"] == "Accept-Language"
    assert f'lang="{language}"' in page.text
    assert "[[" not in page.text
    # Every field has a label around it, and every form a button.
    assert len(re.findall(r"<label>[^<]+<input", page.text)) == page.text.count("<input")
    assert page.text.count("<button>") == page.text.count("<form ")


@pytest.mark.parametrize(
    ("asked", "got"),
    [
        ("", "en"),
        ("de", "de"),
        ("de-AT,de;q=0.9,en;q=0.8", "de"),
        ("fr-FR, en;q=0.5, de;q=0.7", "de"),
        ("fr, de;q=0", "en"),
        ("EN-gb;q=0.2, DE;q=0.1", "en"),
        ("*", "en"),
        ("de;q=1.5, de;q=x, ;, ä, en;q=0.001", "en"),
    ],
)
def test_the_language_that_is_liked_best_is_spoken(asked: str, got: str) -> None:
    assert page_for({"en": "en", "de": "de"}, asked) == got


def test_a_page_has_all_of_its_words_and_no_other() -> None:
    with pytest.raises(KeyError):
        in_each_language("[[here]]", {"en": {"here": "x"}, "de": {}})
    with pytest.raises(ValueError, match="de: \\['there'\\]"):
        in_each_language("[[here]]", {"en": {"here": "x"}, "de": {"here": "x", "there": "y"}})
