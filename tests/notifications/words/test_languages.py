"""A language is a folder: no program is changed for another one."""

import shutil
from pathlib import Path

import pytest

from booking_system.notifications.adapters.words.languages import (
    BUILT_IN,
    LanguageError,
    Languages,
)
from booking_system.notifications.adapters.words.writer import TemplateWriter
from booking_system.notifications.domain.message import Kind
from tests.notifications.words.samples import an_appointment_message


def french(root: Path) -> Path:
    """English with a French greeting and French labels."""
    folder = root / "fr"
    shutil.copytree(BUILT_IN / "en", folder)
    (folder / "greeting.txt").write_text("Bonjour {{ name }},\n", encoding="utf-8")
    words = (folder / "words.toml").read_text(encoding="utf-8")
    (folder / "words.toml").write_text(words.replace('"When"', '"Quand"'), encoding="utf-8")
    return folder


def test_what_is_built_in_is_complete() -> None:
    assert Languages([BUILT_IN]).tags == ["de", "en"]


def test_an_operator_adds_a_language_by_a_folder(tmp_path: Path) -> None:
    french(tmp_path)
    writer = TemplateWriter(folders=[tmp_path])
    mail = writer.email(an_appointment_message(recipient_locale="fr-CA"))
    assert "Bonjour Priya Sharma," in mail.text
    assert "Quand: vendredi 27 novembre 2026" in mail.text
    assert "Guten Tag" in writer.email(an_appointment_message(recipient_locale="de")).text


def test_a_region_may_have_words_of_its_own(tmp_path: Path) -> None:
    shutil.copytree(BUILT_IN / "en", tmp_path / "en-AU")
    (tmp_path / "en-AU" / "greeting.txt").write_text("G'day {{ name }},\n", encoding="utf-8")
    writer = TemplateWriter(folders=[tmp_path])
    assert "G'day" in writer.email(an_appointment_message(recipient_locale="en-au")).text
    assert "Hello" in writer.email(an_appointment_message(recipient_locale="en-NZ")).text


def test_an_operator_changes_one_file_of_a_language(tmp_path: Path) -> None:
    (tmp_path / "de").mkdir()
    (tmp_path / "de" / "greeting.txt").write_text("Servus {{ name }},\n", encoding="utf-8")
    mail = TemplateWriter(folders=[tmp_path]).email(an_appointment_message(recipient_locale="de"))
    assert "Servus Priya Sharma," in mail.text
    assert "Wann: Freitag" in mail.text


def test_a_subject_that_takes_two_lines_in_its_file_is_one_line(tmp_path: Path) -> None:
    file = french(tmp_path) / "reminder.txt"
    words = file.read_text(encoding="utf-8")
    subject = "{% block subject %}\nRappel :\nvotre rendez-vous\n{% endblock %}\n"
    file.write_text(subject + words.partition("\n")[2], encoding="utf-8")
    writer = TemplateWriter(folders=[tmp_path])
    mail = writer.email(an_appointment_message(Kind.REMINDER, recipient_locale="fr"))
    assert mail.subject == "Rappel : votre rendez-vous"


@pytest.mark.parametrize(
    ("name", "text", "lacks"),
    [
        ("reminder.txt", None, "reminder.txt (TemplateNotFound)"),
        ("reminder.txt", "{% block sms %}Hi{% endblock %}", "reminder.txt: subject"),
        ("change.txt", "{% block sms %}", "change.txt (TemplateSyntaxError)"),
        ("calendar.txt", "", "calendar.txt: summary"),
        ("words.toml", "[labels]\nwhen = 3", "words.toml: labels.when"),
        ("words.toml", "[labels", "cannot be read"),
        ("words.toml", None, "words.toml: labels.when"),
    ],
)
def test_a_language_that_lacks_something_is_refused(
    tmp_path: Path, name: str, text: str | None, lacks: str
) -> None:
    folder = french(tmp_path)
    if text is None:
        (folder / name).unlink()
    else:
        (folder / name).write_text(text, encoding="utf-8")
    with pytest.raises(LanguageError) as told:
        TemplateWriter(folders=[tmp_path])
    assert lacks in str(told.value)


def test_a_folder_is_called_by_a_language(tmp_path: Path) -> None:
    shutil.copytree(BUILT_IN / "en", tmp_path / "klingon-empire")
    with pytest.raises(LanguageError, match="not called by a language's tag"):
        TemplateWriter(folders=[tmp_path])


def test_a_script_that_runs_the_other_way_is_told_so(tmp_path: Path) -> None:
    french(tmp_path).rename(tmp_path / "ar")
    writer = TemplateWriter(folders=[tmp_path])
    html = writer.email(an_appointment_message(Kind.REMINDER, recipient_locale="ar-EG")).html
    assert '<html lang="ar-EG" dir="rtl">' in html


def test_many_locales_do_not_fill_the_memory() -> None:
    languages = Languages()
    for number in range(1000):
        languages.for_reader(f"de-x-{number}", f"xx{number}")
    assert len(languages._read) == 1
