"""The languages in which payers are spoken to on pages."""

LANGUAGES = ("en", "de")


def language_of(locale: str) -> str:
    """Return the language that there are words for, of a tag like `de-AT` (BCP 47)."""
    spoken = locale.replace("_", "-").split("-", maxsplit=1)[0].lower()
    return spoken if spoken in LANGUAGES else LANGUAGES[0]
