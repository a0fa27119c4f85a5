"""What `make audit` makes of answers; the tools that it asks have an environment of their own."""

import json
import re
import subprocess
from hashlib import sha1
from pathlib import Path

import pytest

from audit import leaks
from audit.__main__ import FINE, FOUND, SETS, UNANSWERED, sentences_about, verdict
from audit.advisories import Answer, judged
from audit.leaks import Finding, ScannerIsBlindError, in_history, in_the_tree

ROOT = Path(__file__).parents[2]
SOUND = {"name": "sound", "version": "1", "vulns": []}
FAULTY = {
    "name": "faulty",
    "version": "2",
    "vulns": [{"id": "PYSEC-2026-1", "aliases": ["CVE-2026-1"], "fix_versions": ["3"]}],
}
SKIPPED = {"name": "unknown", "skip_reason": "Dependency not found on PyPI"}
LEAK = Finding("Private Key", "0" * 40, "somewhere.pem")


def answer_to(*packages: object) -> Answer:
    return judged({"dependencies": packages})


def test_a_known_fault_is_told_with_its_names() -> None:
    answer = answer_to(SOUND, FAULTY)
    assert answer.faults == ("faulty 2: PYSEC-2026-1, CVE-2026-1; mended in 3",)
    assert verdict([answer], []) == FOUND


def test_a_package_that_nobody_answers_for_is_not_sound() -> None:
    """The tool itself ends with 0 there."""
    answer = answer_to(SOUND, SKIPPED)
    assert verdict([answer], []) == UNANSWERED != FINE
    told = "\n".join(sentences_about("runtime", answer))
    assert "NOT CHECKED: of 1 of them" in told
    assert "unknown: Dependency not found on PyPI" in told


def test_what_was_found_counts_most() -> None:
    assert verdict([answer_to(SOUND)], []) == FINE
    assert verdict([answer_to(SKIPPED), answer_to(FAULTY)], []) == FOUND
    assert verdict([answer_to(SKIPPED)], [LEAK]) == FOUND
    assert len({FINE, FOUND, UNANSWERED}) == 3


def test_whatever_is_known_has_a_reason_and_a_digest_alone() -> None:
    groups = json.loads(leaks.KNOWN.read_text(encoding="utf-8"))
    digests = [digest for group in groups for digest in group["digests"]]
    assert all(len(group["why"]) > 20 for group in groups)
    assert all(re.fullmatch("[0-9a-f]{40}", digest) for digest in digests)
    assert len(set(digests)) == len(digests)


def test_the_first_line_of_a_key_is_known_where_it_is_known_only() -> None:
    """All keys look alike there: elsewhere it is another one."""
    known = leaks.looked_at()
    ((digest, paths),) = [(digest, paths) for digest, paths in known.items() if paths is not None]
    assert digest == sha1(b"BEGIN " + b"PRIVATE KEY").hexdigest()
    assert leaks.is_known(Finding("Private Key", digest, paths[0]), known)
    assert not leaks.is_known(Finding("Private Key", digest, "elsewhere.pem"), known)
    assert not leaks.is_known(LEAK, known)


def test_a_scanner_that_finds_nothing_planted_is_not_believed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(leaks, "suspicious", lambda _: set())
    with pytest.raises(ScannerIsBlindError):
        leaks.findings(ROOT)


def test_the_tree_and_every_commit_are_looked_at(tmp_path: Path) -> None:
    def git(*arguments: str) -> None:
        who = ("-c", "user.name=nobody", "-c", "user.email=nobody@example.com")
        command = ["git", "-C", tmp_path, *who, *arguments]
        subprocess.run(command, check=True, capture_output=True)

    git("init", "-q", "-b", "main")
    (tmp_path / "settings.py").write_text("gone = 1\n++ plus\n", encoding="utf-8")
    git("add", ".")
    git("commit", "-q", "-m", "one")
    git("checkout", "-q", "-b", "aside")
    (tmp_path / "a ü.txt").write_text("aside\n", encoding="utf-8")
    git("add", ".")
    git("commit", "-q", "-m", "two")
    git("checkout", "-q", "main")
    (tmp_path / "settings.py").write_text("stays = 1\n", encoding="utf-8")
    git("commit", "-q", "-a", "-m", "three")
    (tmp_path / "new.txt").write_text("not yet committed\n", encoding="utf-8")
    (tmp_path / ".gitignore").write_text("ignored.txt\n", encoding="utf-8")
    (tmp_path / "ignored.txt").write_text("mine\n", encoding="utf-8")

    history = {line for lines in in_history(tmp_path).values() for line in lines}
    assert history == {"gone = 1", "++ plus", "aside", "stays = 1"}
    assert in_history(tmp_path)["settings.py"] == ["stays = 1", "gone = 1", "++ plus"]
    tree = {line for lines in in_the_tree(tmp_path).values() for line in lines}
    assert tree == {"stays = 1", "not yet committed", "ignored.txt"}


def test_the_tools_are_pinned_by_hash_and_stay_out_of_the_program() -> None:
    """No host stands in a requirement set; none of the tools is delivered, or tested with."""
    sets = {name: (ROOT / "requirements" / f"{name}.txt").read_text() for name in SETS}
    for text in sets.values():
        packages = re.findall(r"^\S+==.*(?:\n    .*)*", text, re.MULTILINE)
        assert packages
        assert all("--hash=sha256:" in one for one in packages)
        assert "://" not in text
    for tool in ("cyclonedx-bom", "detect-secrets", "pip-audit"):
        assert f"\n{tool}==" in sets["audit"]
        assert not any(f"{tool}==" in sets[name] for name in ("runtime", "dev", "proofs", "uv"))
    assert {place.stem for place in (ROOT / "requirements").iterdir()} == {*SETS, "local"}
    ignored = (ROOT / ".gitignore").read_text().splitlines()
    assert {".venv-audit/", "build/"} <= set(ignored)
