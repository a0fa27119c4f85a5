"""The page of consultations as it is served: what it may load, from where, and in which words."""

import re
import tomllib
from hashlib import sha256
from pathlib import Path

from fastapi import Request
from pydantic import SecretStr

from booking_system.bootstrap.file_settings import FileSettings
from booking_system.consultations.adapters.page.assets import STATIC, read_assets
from booking_system.consultations.adapters.page.http import PageRoutes
from tests.api import Api

LONGEST_FILE = 300
VENDORED = tomllib.loads((STATIC / "vendor" / "vendor.toml").read_text())
OURS = sorted([*STATIC.glob("call/*.js"), *STATIC.glob("view/*.js"), *STATIC.glob("view/*.css")])
SCRIPTS = [one for one in OURS if one.suffix == ".js"]
PAGE = "/consultation/01912d2b-0000-7000-8000-000000000001"
ONLY_SELF = "'self'"
WORD = re.compile(r"^  (?:'([\w.]+)'|(\w+)): (['\"])(.+)\3,$", re.MULTILINE)
PREFIXES = ("mic_", "camera_", "over_", "file_", "kind_", "quality_")
"""Words whose names are put together: of a device and what is wrong with it, and so on."""
FORBIDDEN = {
    "innerHTML": "markup out of text, which Trusted Types refuse",
    "dangerouslySetInnerHTML": "the same",
    "document.write": "the same",
    "eval(": "code out of text",
    "new Function": "code out of text",
    "localStorage": "a session that outlives its tab",
    "document.cookie": "there are no cookies",
    "MediaRecorder": "nothing is recorded",
    "serviceWorker": "an old version that nobody gets rid of",
    "style=": "styles in markup, which the policy refuses",
}


def words_of(language: str) -> dict[str, str]:
    text = (STATIC / "view" / f"words-{language}.js").read_text()
    lines = [one for one in text.splitlines() if one.startswith("  ") and "//" not in one[:5]]
    found = {quoted or plain: said for quoted, plain, _, said in WORD.findall(text)}
    assert len(found) == len(lines), "each line is a word"
    return found


def policy_of(headers: dict[str, str]) -> dict[str, str]:
    parts = headers["content-security-policy"].split("; ")
    return dict(one.split(" ", 1) for one in parts)


async def test_the_page_loads_nothing_from_elsewhere_and_runs_no_text(api: Api) -> None:
    for path in ("/consultation", PAGE):
        answer = await api.get(path)
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
        policy = policy_of(dict(answer.headers))
        assert policy == {
            "default-src": "'none'",
            "base-uri": "'none'",
            "form-action": "'none'",
            "frame-ancestors": ONLY_SELF,
            "script-src": ONLY_SELF,
            "style-src": ONLY_SELF,
            "img-src": "'self' blob: data:",
            "media-src": "'self' blob:",
            "connect-src": "'self' ws://test",
            "require-trusted-types-for": "'script'",
            "trusted-types": "'none'",
        }
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["x-content-type-options"] == "nosniff"
        allowed = answer.headers["permissions-policy"]
        assert "camera=(self), microphone=(self)" in allowed
        assert "geolocation=()" in allowed
        assert "cross-origin-opener-policy" not in answer.headers, "who opened it hands over"
        # No script and no style stands in the page itself.
        assert re.findall(r"<script[^>]*>(?!</script>)|<style|\son\w+=", answer.text) == []
        loaded = re.findall(r'(?:src|href)="([^"]+)"', answer.text)
        assert loaded
        assert [one for one in loaded if not one.startswith("/consultation/assets/")] == []


async def test_its_files_are_kept_for_ever_under_the_hash_of_them_all(api: Api) -> None:
    page = (await api.get(PAGE)).text
    version = read_assets().version
    for path in re.findall(r'(?:src|href)="(/[^"]+)"', page):
        answer = await api.get(path)
        assert answer.status_code == 200, path
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert f"/{version}/" in path
    # A file of another release is not kept under this name, nor is another file there.
    for path in (
        "/consultation/assets/0000/call/room.js",
        f"/consultation/assets/{version}/call/absent.js",
        f"/consultation/assets/{version}/vendor/vendor.toml",
        f"/consultation/assets/{version}/../http.py",
    ):
        answer = await api.get(path)
        assert answer.status_code == 404, path
        assert answer.headers["cache-control"] == "no-store"


def test_another_file_is_another_version(tmp_path: Path) -> None:
    (tmp_path / "call").mkdir()
    versions = set()
    for name, text in (("a.js", "one"), ("a.js", "two"), ("b.js", "two")):
        for old in (tmp_path / "call").iterdir():
            old.unlink()
        (tmp_path / "call" / name).write_text(text)
        versions.add(read_assets(tmp_path).version)
    assert len(versions) == 3


async def test_the_page_speaks_both_languages(api: Api) -> None:
    for asked, language, said in (
        ("de-AT, en;q=0.5", "de", "Die Sprechstunde wird geladen"),
        ("fr", "en", "The consultation is loading"),
    ):
        answer = await api.client.get(PAGE, headers={"Accept-Language": asked})
        assert f'<html lang="{language}">' in answer.text
        assert said in answer.text
        assert answer.headers["vary"] == "Accept-Language"


async def test_sites_of_front_ends_may_frame_it_and_hand_a_session_over() -> None:
    sites = ["https://front.example.com", "https://desk.example.com"]
    store = FileSettings(storage_url=SecretStr("s3://files?region=eu-central-1")).upload_sites
    assert FileSettings().upload_sites == []
    routes = PageRoutes(public_url="https://booking.example.com", origins=sites, upload_sites=store)
    answer = await routes.read_guest_page(Request({"type": "http", "headers": []}))
    policy = policy_of(dict(answer.headers))
    assert policy["frame-ancestors"] == " ".join([ONLY_SELF, *sites])
    assert policy["connect-src"] == (
        "'self' wss://booking.example.com https://s3.eu-central-1.amazonaws.com"
        " https://files.s3.eu-central-1.amazonaws.com"
    )
    assert f'data-origins="{" ".join(sites)}"' in bytes(answer.body).decode()


def test_every_word_is_there_in_both_languages() -> None:
    english, german = words_of("en"), words_of("de")
    assert english.keys() == german.keys()
    for name, said in english.items():
        places = sorted(re.findall(r"\{(\w+)\}", said))
        assert places == sorted(re.findall(r"\{(\w+)\}", german[name])), name
    same = {name for name in english if english[name] == german[name]}
    assert same <= {"on", "off", "chat", "chat_new", "chat_title", "invite_name", "quality_none"}


def test_every_word_is_said_and_every_word_that_is_said_is_there() -> None:
    text = "".join(one.read_text() for one in SCRIPTS if not one.name.startswith("words-"))
    words = words_of("en")
    named = set(re.findall(r"'(\w+)'", text))
    assert [one for one in words if one not in named and not one.startswith(PREFIXES)] == []
    assert set(re.findall(r"\bt\('(\w+)'", text)) <= words.keys()
    for line in ("mic", "camera"):
        problems = re.search(r"PROBLEMS = \[(.+)\]", text)
        assert problems is not None
        for problem in re.findall(r"'(\w+)'", problems[1]):
            assert f"{line}_{problem}" in words
    for level in ("good", "weak", "very_weak", "none"):
        assert f"quality_{level}" in words


def test_nothing_that_is_seen_is_said_outside_of_the_words() -> None:
    """Between tags there are only places that are filled, and signs."""
    for source in SCRIPTS:
        if source.parent.name != "view" or source.name.startswith("words"):
            continue
        for template in re.findall(r"html`(.*?)`", source.read_text(), re.DOTALL):
            plain = re.sub(r"\$\{[^{}]*\}", "", template)
            said = re.findall(r">\s*([A-Za-z][A-Za-z ]{2,})\s*<", plain)
            assert said == [], (source.name, said)


def test_our_files_are_short_and_do_nothing_that_is_not_to_be_done() -> None:
    assert len(OURS) > 20
    for source in OURS:
        text = source.read_text()
        assert len(text.splitlines()) <= LONGEST_FILE, source.name
        assert re.findall(r"https?://(?!www\.w3\.org/2000/svg)\S+", text) == [], source.name
        for what, why in FORBIDDEN.items():
            assert what not in text, f"{source.name}: {what}: {why}"
        # Descriptions of sessions go through as they are: browsers break on rewritten ones.
        assert not re.search(r"\.sdp\s*=[^=]|sdp\.replace", text), source.name
        for name in re.findall(r"(?:from|import\() ?['\"]([^'\"]+)['\"]", text):
            if source.suffix == ".js":
                assert name.startswith("."), f"{source.name} imports {name}"
                assert (source.parent / name).resolve().is_file(), f"{source.name}: {name}"


def test_the_call_module_stands_alone() -> None:
    for source in STATIC.glob("call/*.js"):
        assert "../" not in re.sub(r"/\*.*?\*/", "", source.read_text(), flags=re.DOTALL), (
            source.name
        )


def test_what_is_vendored_is_what_is_written_down() -> None:
    folder = STATIC / "vendor"
    written = {"vendor.toml"}
    for package in VENDORED["package"]:
        written.add(package["license_file"])
        assert len((folder / package["license_file"]).read_text()) > 1000
        assert package["integrity"].startswith("sha512-")
        for file in package["file"]:
            written.add(file["name"])
            body = (folder / file["name"]).read_bytes()
            assert sha256(body).hexdigest() == file["sha256"], file["name"]
            assert package["version"] in file["name"]
            assert (file["sha256"] == file["from_sha256"]) is not bool(file["changes"])
            bare = re.findall(rb'from"(?!\./)[^"]+"', body)
            assert bare == [], "browsers find no bare names"
    assert {one.name for one in folder.iterdir()} == written
    versions = {one["name"]: one["version"] for one in VENDORED["package"]}
    assert versions == {"preact": "11.2.0", "htm": "3.1.1"}
