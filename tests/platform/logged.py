"""What the tests of logs and traces share: a secret, a database that blabs it, the lines."""

import io
from typing import Any

import orjson

SECRET = "Xylophonist"
QUOTING = """CREATE FUNCTION quote() RETURNS trigger LANGUAGE plpgsql
AS $$ BEGIN RAISE EXCEPTION 'row %', NEW; END $$"""
QUOTED = "CREATE TRIGGER quote BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION quote()"
"""After these two, whoever registers gets an error whose text holds the whole row."""


def lines_of(stream: io.StringIO) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in stream.getvalue().splitlines()]
