"""The languages that there are words for: a folder each, and none is known to the program."""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from babel import Locale
from jinja2 import FileSystemLoader, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from booking_system.notifications.adapters.words.sandbox import Values, environment, within_limits
from booking_system.notifications.domain.message import ANSWERS, Kind
from booking_system.platform.language_tags import less_and_less, spelling

BUILT_IN: Final = Path(__file__).parent / "templates"
LAST: Final = "en"
"""Understood by most, where neither the recipient's nor the clinic's language has words."""
WORDS: Final = "words.toml"
CALENDAR: Final = "calendar"
MAIL_BLOCKS: Final = ("subject", "heading", "before", "button", "after", "sms")
SMS_BLOCKS: Final = ("sms",)
CALENDAR_BLOCKS: Final = ("summary", "description", "location")


class LanguageError(Exception):
    """A folder of templates is not complete: the program refuses to start with it."""


@dataclass(frozen=True, slots=True)
class Language:
    """The words of one language; `tag` is its folder's name, `locale` tells how dates are written.

    `words` are single ones: labels, modes, roles.
    """

    tag: str
    locale: Locale
    words: Mapping[str, Mapping[str, str]]
    texts: ImmutableSandboxedEnvironment

    def blocks(self, name: str, values: Values) -> dict[str, str]:
        """Return what each block of a template says. Raises what jinja2 raises."""
        template = self.texts.get_template(f"{name}.txt")
        context = template.new_context(dict(values))
        return {block: within_limits(render(context)) for block, render in template.blocks.items()}


class Languages:
    """Finds the language for a reader."""

    def __init__(self, folders: Sequence[Path] = ()) -> None:
        """`folders` are an operator's: each holds a folder for a language, such as `fr`, `pt-BR`.

        A file there stands before the program's own of the same name. Raises `LanguageError` where
        a language of theirs lacks something.
        """
        self._folders = [*folders, BUILT_IN]
        self._tags = {
            tag.lower(): tag for root in reversed(self._folders) for tag in _languages_in(root)
        }
        self._read: dict[str, Language] = {}
        for tag in {tag for root in folders for tag in _languages_in(root)}:
            self._check(tag)

    @property
    def tags(self) -> Sequence[str]:
        """The languages that there are words for."""
        return sorted(self._tags.values())

    def for_reader(self, *locales: str) -> Language:
        """Return the first language that there is, of several wishes (RFC 4647, section 3.4).

        `de-AT` is content with the words of `de`, and has its own names of months.
        """
        for wish in (*locales, LAST):
            for tag in less_and_less(wish):
                if (found := self._tags.get(tag.lower())) is not None:
                    return self._language(found, wish)
        raise LanguageError(f"There is no folder of templates called {LAST}.")

    def _language(self, tag: str, wish: str) -> Language:
        # Anybody's locale is among the keys: only those that there are get an entry.
        locale = _locale(wish, tag)
        key = f"{tag} {locale}"
        if (known := self._read.get(key)) is None:
            roots = [root / tag for root in self._folders]
            known = self._read[key] = Language(
                tag=tag,
                locale=locale,
                words=_words_in(roots),
                texts=environment(FileSystemLoader(roots), is_html=False),
            )
        return known

    def _check(self, tag: str) -> None:
        language = self._language(tag, tag)
        missing = list(_missing_words(self._language(LAST, LAST).words, language.words))
        wanted = {
            **{kind.value: SMS_BLOCKS if kind in ANSWERS else MAIL_BLOCKS for kind in Kind},
            CALENDAR: CALENDAR_BLOCKS,
        }
        for name, blocks in wanted.items():
            try:
                there = language.texts.get_template(f"{name}.txt").blocks
            except TemplateError as error:
                missing.append(f"{name}.txt ({type(error).__name__})")
            else:
                missing += [f"{name}.txt: {block}" for block in blocks if block not in there]
        if missing:
            raise LanguageError(f"The templates of {tag} lack: {', '.join(missing)}.")


def _languages_in(root: Path) -> Iterator[str]:
    return (one.name for one in root.iterdir() if one.is_dir())


def _locale(wish: str, tag: str) -> Locale:
    if (found := spelling(wish, tag)) is None:
        raise LanguageError(f"The folder {tag} is not called by a language's tag.")
    return found


def _words_in(roots: Sequence[Path]) -> Mapping[str, Mapping[str, str]]:
    for root in roots:
        if (path := root / WORDS).is_file():
            try:
                return tomllib.loads(path.read_text(encoding="utf-8"))
            except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
                raise LanguageError(f"{root.name}/{WORDS} cannot be read.") from error
    return {}


def _missing_words(wanted: Mapping[str, Any], there: Mapping[str, Any]) -> Iterator[str]:
    for section, words in wanted.items():
        for word in words:
            if not isinstance(there.get(section, {}).get(word), str):
                yield f"{WORDS}: {section}.{word}"
