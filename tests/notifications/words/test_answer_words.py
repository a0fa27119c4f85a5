"""The words of answers: of all languages, and none with two meanings."""

from pathlib import Path

import pytest

from booking_system.notifications.adapters.words.answer_words import (
    AnswerWordsError,
    answer_words,
    built_in_words,
)
from booking_system.notifications.adapters.words.languages import BUILT_IN
from booking_system.notifications.adapters.words.writer import TemplateWriter
from booking_system.notifications.domain.answer_words import EVERYWHERE, Word, said_in
from booking_system.notifications.domain.message import Kind
from tests.notifications.words.samples import LANGUAGES, an_appointment_message


@pytest.mark.parametrize("locale", LANGUAGES)
def test_what_is_offered_is_understood(locale: str) -> None:
    own = answer_words([BUILT_IN])
    assert (own["c"], own["x"]) == (Word.CONFIRM, Word.CANCEL)
    text = TemplateWriter().sms(
        an_appointment_message(Kind.REMINDER, recipient_locale=locale, can_reply=True)
    )
    offered = [one.strip(":,.") for one in text.split() if one.strip(":,.") in {"C", "X"}]
    assert [said_in(one, built_in_words()).word for one in offered] == ["confirm", "cancel"]


@pytest.mark.parametrize(
    ("text", "word", "choice"),
    [
        ("C", Word.CONFIRM, None),
        (" (c) ", Word.CONFIRM, None),
        ("c2", Word.CONFIRM, 2),
        ("X - 3", Word.CANCEL, 3),
        ("X0", Word.OTHER, None),
        ("X10", Word.OTHER, None),
        ("x x", Word.OTHER, None),
        ("C and X", Word.OTHER, None),
        ("Absagen!", Word.CANCEL, None),
        ("CANCEL", Word.STOP, None),
        ("cancel 1", Word.OTHER, None),
        ("STOP2", Word.OTHER, None),
        ("Yes", Word.START, None),
        ("Hilfe", Word.HELP, None),
        ("\N{CYRILLIC CAPITAL LETTER ES}", Word.OTHER, None),
        ("", Word.OTHER, None),
    ],
)
def test_what_is_meant(text: str, word: Word, choice: int | None) -> None:
    said = said_in(text, built_in_words())
    assert (said.word, said.choice) == (word, choice)


def a_language(root: Path, tag: str, words: str) -> Path:
    (root / tag).mkdir()
    (root / tag / "words.toml").write_text(f"[answers]\n{words}\n", encoding="utf-8")
    return root


def test_a_language_is_added_without_a_program(tmp_path: Path) -> None:
    folder = a_language(tmp_path, "uk", 'confirm = "\N{CYRILLIC SMALL LETTER ES}, Так!"')
    words = answer_words([BUILT_IN, folder])
    assert said_in("так", words).word is Word.CONFIRM
    assert said_in("\N{CYRILLIC CAPITAL LETTER ES}1", words).choice == 1


@pytest.mark.parametrize("words", ['cancel = "c"', 'confirm = "Stop"', 'cancel = "cancel"'])
def test_no_word_means_two_things(tmp_path: Path, words: str) -> None:
    with pytest.raises(AnswerWordsError, match=r"fr/words\.toml"):
        answer_words([BUILT_IN, a_language(tmp_path, "fr", words)])


def test_no_language_can_say_a_providers_word_anew() -> None:
    assert said_in("Stop", {"stop": Word.CONFIRM}).word is EVERYWHERE["stop"]
