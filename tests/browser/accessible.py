"""What axe-core finds on a page. It is taken from npm when the proof runs, by version and hash."""

import json
import shutil
import subprocess
import tarfile
from base64 import b64encode
from functools import cache
from hashlib import sha512
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.async_api import Page

PACKAGE = "axe-core@4.14.1"
INTEGRITY = (
    "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ=="
)
SERIOUS = {"serious", "critical"}
RUN = """async () => {
  const { violations } = await axe.run(document, { resultTypes: ['violations'] });
  return violations.map(({ id, impact, nodes }) => ({
    id, impact, where: nodes.map((one) => one.target.join(' ')),
  }));
}"""


@cache
def axe() -> str:
    npm = shutil.which("npm")
    assert npm, "this proof needs npm, which brings axe-core"
    with TemporaryDirectory() as place:
        command = [npm, "pack", PACKAGE, "--json", "--silent", "--pack-destination", place]
        packed = subprocess.run(command, check=True, capture_output=True, cwd=place)
        archive = Path(place) / json.loads(packed.stdout)[0]["filename"]
        found = b64encode(sha512(archive.read_bytes()).digest()).decode()
        assert found == INTEGRITY, "an axe-core that nobody has looked at"
        with tarfile.open(archive) as opened:
            script = opened.extractfile("package/axe.min.js")
            assert script is not None
            return script.read().decode()


async def serious_faults(page: Page) -> list[str]:
    """Return what somebody who cannot see, or cannot point, would be kept from."""
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(axe())
    found = await page.evaluate(RUN)
    return [f"{one['id']}: {one['where']}" for one in found if one["impact"] in SERIOUS]
