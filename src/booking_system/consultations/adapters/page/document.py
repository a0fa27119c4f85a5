"""The document of the page, in each language; all that is drawn in it is the scripts' work."""

from collections.abc import Mapping, Sequence
from html import escape

from booking_system.consultations.adapters.page.assets import Assets
from booking_system.platform.http.languages import in_each_language

ASSETS_PATH = "/consultation/assets"
WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "title": "Consultation",
        "loading": "The consultation is loading …",
        "no_script": "This page needs JavaScript: please switch it on, or call us.",
        "stuck": "Nothing happens? Load the page again",
    },
    "de": {
        "title": "Sprechstunde",
        "loading": "Die Sprechstunde wird geladen …",
        "no_script": "Diese Seite braucht JavaScript: Bitte schalten Sie es ein oder rufen Sie an.",
        "stuck": "Es geht nicht weiter? Seite neu laden",
    },
}
TEMPLATE = """<!doctype html>
<html lang="[[language]]">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover">
<meta name="color-scheme" content="light dark">
<title>[[title]]</title>
<link rel="icon" href="{base}/view/icon.svg">
<link rel="stylesheet" href="{base}/view/look.css">
<link rel="stylesheet" href="{base}/view/room.css">
{preloads}
<script type="module" src="{base}/view/main.js"></script>
</head>
<body>
<div id="page" data-origins="{origins}">
<main class="plain">
<p>[[loading]]</p>
<noscript><p>[[no_script]]</p></noscript>
<p class="late-hint"><a href="">[[stuck]]</a></p>
</main>
</div>
</body>
</html>
"""


def documents(assets: Assets, origins: Sequence[str]) -> Mapping[str, str]:
    """Return the page by language; `origins` are of front ends that may hand a session over."""
    base = f"{ASSETS_PATH}/{assets.version}"
    preloads = "\n".join(
        f'<link rel="modulepreload" href="{base}/{name}">' for name in assets.modules
    )
    template = (
        TEMPLATE.replace("{base}", base)
        .replace("{preloads}", preloads)
        .replace("{origins}", escape(" ".join(origins)))
    )
    return in_each_language(template, WORDS)
