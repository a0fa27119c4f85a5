"""How the page of a document looks, and what its policy has to allow for that."""

from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
STYLE: Final = (HERE / "page.css").read_text(encoding="utf-8").removesuffix("\n")
STYLE_SOURCE: Final = f"'sha256-{b64encode(sha256(STYLE.encode()).digest()).decode()}'"
"""For the page's policy: no style but its own."""
