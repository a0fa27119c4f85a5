"""The program as it would be one version later: with one migration more than there are."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from booking_system.bootstrap import migrations

LATER = "9001"
MIGRATION = '''"""Of a test."""

from alembic import op
from booking_system.platform.postgres.online_indexes import drop_index_online, make_index_online

revision = "{revision}"
down_revision = "{before}"
branch_labels = None
depends_on = None
{said}

def upgrade() -> None:
    _do({up!r})


def downgrade() -> None:
    _do({down!r})


def _do(statements):
    for statement in statements:
        if statement.endswith(")") and "index_online" in statement:
            eval(statement)
        elif "CONCURRENTLY" in statement:
            with op.get_context().autocommit_block():
                op.execute(statement)
        else:
            op.execute(statement)
'''


@dataclass(frozen=True, slots=True, kw_only=True)
class Later:
    """A migration over the newest one: statements, or calls of what makes indexes.

    `said` are lines of its file.
    """

    up: Sequence[str]
    down: Sequence[str]
    said: str = ""
    revision: str = LATER

    def write(self, folder: Path, before: str) -> None:
        text = MIGRATION.format(
            revision=self.revision, before=before, up=[*self.up], down=[*self.down], said=self.said
        )
        (folder / f"{self.revision}_later.py").write_text(text)


@contextmanager
def one_version_later(later: Later, place: Path) -> Iterator[None]:
    """In the block this process is of the version that has this migration, too."""
    folder = place / "later"
    folder.mkdir(exist_ok=True)
    later.write(folder, migrations.newest())
    usual = migrations._config

    def with_the_later_one() -> Config:
        config = usual()
        ours = f"{config.get_main_option('script_location')}/versions"
        config.set_main_option("version_locations", os.pathsep.join([ours, str(folder)]))
        return config

    # Else each step loads all scripts anew.
    scripts = ScriptDirectory.from_config(with_the_later_one())
    migrations.newest.cache_clear()
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(migrations, "_config", with_the_later_one)
            patch.setattr(ScriptDirectory, "from_config", lambda _: scripts)
            yield
    finally:
        migrations.newest.cache_clear()
