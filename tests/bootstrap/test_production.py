"""Production starts with nothing unsafe: every row of the table, with what it refuses and takes."""

from pathlib import Path
from typing import Any, NamedTuple

import pytest
from typer.testing import CliRunner

from booking_system.bootstrap import production
from booking_system.bootstrap.cli import app
from booking_system.bootstrap.production import RULES
from booking_system.bootstrap.secret_key import key_kept_in
from booking_system.bootstrap.settings import Settings, SettingsProblem
from tests.bootstrap.processes import SOURCE

GOOD = "e21f1a0f0c6a4f0e9c4f7ad1"
ENCRYPTED = "sslmode=verify-full"
DATABASE = f"postgresql://booking_api:{GOOD}@db.example.com:5432/booking?{ENCRYPTED}"
OWNER = f"postgresql://booking_owner:{GOOD}@db.example.com:5432/booking?{ENCRYPTED}"

PAYPAL: dict[str, str | None] = {"PAYPAL_CLIENT_ID": "client-1", "PAYPAL_CLIENT_SECRET": GOOD}


class Examples(NamedTuple):
    """Settings that a rule refuses, and the nearest that it takes; None: not set."""

    unsafe: list[dict[str, str | None]]
    safe: list[dict[str, str | None]]


def of(name: str, unsafe: list[str | None], safe: list[str | None]) -> Examples:
    return Examples([{name: one} for one in unsafe], [{name: one} for one in safe])


def _passwords(which: str, role: str) -> Examples:
    at = "@db.example.com/booking?sslmode=require"
    return of(
        which,
        [
            f"postgresql://{role}{at}",
            f"postgresql://{role}:{at}",
            f"postgresql://{role}:postgres{at}",
            f"postgresql://{role}:only-on-this-machine{at}",
            f"postgresql://{role}:Password123{at}",
            f"postgresql://{role}:{role}{at}",
            f"postgresql://{role}:xxxxxxxxxxxx{at}",
            f"postgresql://{role}:a3b9{at}",
            f"postgresql://{role}@db.example.com/booking?password=postgres&sslmode=require",
            f"postgresql://{role}@localhost/booking",
        ],
        [
            f"postgresql://{role}:{GOOD}{at}",
            f"postgresql://{role}@db.example.com/booking?password={GOOD}&sslmode=require",
            f"postgresql://{role}@db.example.com/booking?passfile=/run/p&sslmode=require",
            # The operating system says who comes.
            f"postgresql://{role}@/booking?host=/run/postgresql",
            f"postgresql://{role}@/booking",
        ],
    )


def _ways(which: str, role: str) -> Examples:
    login = f"postgresql://{role}:{GOOD}@"
    return of(
        which,
        [
            f"{login}db.example.com/booking",
            f"{login}db.example.com/booking?sslmode=prefer",
            f"{login}db.example.com/booking?sslmode=disable",
            f"{login}192.0.2.7/booking?sslmode=disable",
            f"{login}[2001:db8::7]/booking?sslmode=disable",
            f"{login}database/booking",
            f"{login}localhost:5432,db.example.com:5432/booking?sslmode=allow",
        ],
        [
            f"{login}db.example.com/booking?sslmode=require",
            f"{login}db.example.com/booking?sslmode=verify-ca",
            f"{login}one.example.com:5432,two.example.com:5433/booking?{ENCRYPTED}",
            f"{login}database/booking?sslmode=disable",
            f"{login}localhost/booking",
            f"{login}127.0.0.1:5432/booking",
            f"{login}[::1]/booking",
            f"postgresql://{role}@/booking?host=/run/postgresql",
        ],
    )


EXAMPLES = {
    "BOOKING_SECRET_KEY": of("SECRET_KEY", [None], ["{text}", "{private}"]),
    "BOOKING_SECRET_KEY, of a file": Examples(
        [
            {"SECRET_KEY": "{open}"},
            {"OTHER_SECRET_KEYS": "{open}"},
            {"OTHER_SECRET_KEYS": "{private}, {open}"},
        ],
        [{"SECRET_KEY": "{private}"}, {"OTHER_SECRET_KEYS": "{private},{of_a_group}"}],
    ),
    "BOOKING_DATABASE_URL": of("DATABASE_URL", [None], [DATABASE]),
    "BOOKING_DATABASE_URL, its password": _passwords("DATABASE_URL", "booking_api"),
    "BOOKING_DATABASE_DIRECT_URL, its password": _passwords("DATABASE_DIRECT_URL", "booking_api"),
    "BOOKING_MIGRATION_URL, its password": _passwords("MIGRATION_URL", "booking_owner"),
    "BOOKING_DATABASE_URL, its way": _ways("DATABASE_URL", "booking_api"),
    "BOOKING_DATABASE_DIRECT_URL, its way": _ways("DATABASE_DIRECT_URL", "booking_api"),
    "BOOKING_MIGRATION_URL, its way": _ways("MIGRATION_URL", "booking_owner"),
    "BOOKING_DEMO": of("DEMO", ["true"], ["false", None]),
    "BOOKING_PUBLIC_URL": of(
        "PUBLIC_URL", ["http://booking.example.com", None], ["https://booking.example.com"]
    ),
    "BOOKING_CORS_ORIGINS": of(
        "CORS_ORIGINS",
        ["http://www.example.com", "https://www.example.com,http://localhost:3000"],
        ["https://www.example.com,https://app.example.com", None],
    ),
    "BOOKING_FORWARDED_ALLOW_IPS": of(
        "FORWARDED_ALLOW_IPS",
        ["*", "10.0.0.1, *", "0.0.0.0/0", "::/0", "128.0.0.0/1,10.0.0.1", "2000::/3"],
        ["10.0.0.1", "10.0.0.0/8,fd00::/8", "127.0.0.1", "::1,104.16.0.0/13", None],
    ),
    "BOOKING_HOST": Examples(
        [{"HOST": "0.0.0.0"}, {"HOST": "::"}, {"HOST": "192.0.2.7"}, {"HOST": "api.internal"}],
        [
            {"HOST": "127.0.0.1"},
            {"HOST": "::1"},
            {"HOST": "localhost"},
            {"HOST": "0.0.0.0", "FORWARDED_ALLOW_IPS": "10.0.0.1"},
        ],
    ),
    "BOOKING_RATE_LIMIT": of("RATE_LIMIT", ["off"], ["on", None]),
    "BOOKING_LOG_LEVEL": of("LOG_LEVEL", ["debug", "DEBUG"], ["info", "warning", "error", None]),
    "BOOKING_PAYMENT_PROVIDERS": of(
        "PAYMENT_PROVIDERS", ["sandbox", "stripe,sandbox"], ["stripe,paypal", None]
    ),
    "BOOKING_PAYPAL_MODE": Examples(
        [{**PAYPAL, "PAYPAL_MODE": None}],
        [{**PAYPAL, "PAYPAL_MODE": "live"}, {**PAYPAL, "PAYPAL_MODE": "sandbox"}, {}],
    ),
}
NAMES = list(EXAMPLES)


def cases(kind: str) -> list[Any]:
    return [
        pytest.param(name, example, id=f"{name} {number}")
        for name, examples in EXAMPLES.items()
        for number, example in enumerate(getattr(examples, kind))
    ]


@pytest.fixture(autouse=True)
def _sound(tmp_path: Path, clean_environment: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment that production starts with."""
    monkeypatch.chdir(tmp_path)
    for name in ("PGPASSWORD", "PGPASSFILE", "PGSSLMODE"):
        monkeypatch.delenv(name, raising=False)
    sound = {
        "ENV": "production",
        "SECRET_KEY": key_kept_in(tmp_path / "sound"),
        "DATABASE_URL": DATABASE,
        "MIGRATION_URL": OWNER,
        "PUBLIC_URL": "https://booking.example.com",
    }
    for name, value in sound.items():
        monkeypatch.setenv(f"BOOKING_{name}", value)


@pytest.fixture
def keys(tmp_path: Path) -> dict[str, str]:
    """Secret keys: as text, and in files with other rights each."""
    given = {"text": key_kept_in(tmp_path / "text")}
    for name, mode in (("private", 0o600), ("of_a_group", 0o640), ("open", 0o644)):
        key_kept_in(tmp_path / name)
        file = tmp_path / name / "secret-key.pem"
        file.chmod(mode)
        given[name] = str(file)
    return given


def set_(monkeypatch: pytest.MonkeyPatch, example: dict[str, str | None]) -> None:
    for name, value in example.items():
        if value is None:
            monkeypatch.delenv(f"BOOKING_{name}", raising=False)
        else:
            monkeypatch.setenv(f"BOOKING_{name}", value)


def filled(example: dict[str, str | None], keys: dict[str, str]) -> dict[str, str | None]:
    return {
        name: value.format(**keys) if value is not None and "{" in value else value
        for name, value in example.items()
    }


def sentence_of(name: str) -> str:
    (sentence,) = [rule.sentence for rule in RULES if rule.about == name]
    return sentence


def test_every_rule_has_examples_and_every_example_its_rule() -> None:
    assert [rule.about for rule in RULES] == NAMES
    assert len({rule.sentence for rule in RULES}) == len(RULES)
    assert all(examples.unsafe and examples.safe for examples in EXAMPLES.values())


@pytest.mark.parametrize(("name", "example"), cases("unsafe"))
def test_production_refuses_what_is_unsafe(
    name: str, example: dict[str, str | None], keys: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if name == "BOOKING_DATABASE_URL":
        # It cannot be alone; that is another sentence.
        example = {**example, "MIGRATION_URL": None}
    set_(monkeypatch, filled(example, keys))
    with pytest.raises(SettingsProblem) as raised:
        Settings()
    assert raised.value.sentences == [sentence_of(name)]
    assert GOOD not in str(raised.value)


@pytest.mark.parametrize(("name", "example"), cases("safe"))
def test_production_takes_what_is_safe(
    name: str, example: dict[str, str | None], keys: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    set_(monkeypatch, filled(example, keys))
    assert Settings().in_production


@pytest.mark.parametrize(("name", "example"), cases("unsafe"))
def test_development_starts_and_says_what_production_would_refuse(
    name: str, example: dict[str, str | None], keys: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    set_(monkeypatch, {**filled(example, keys), "ENV": "development"})
    if name == "BOOKING_DATABASE_URL":
        set_(monkeypatch, {"MIGRATION_URL": None})
    assert sentence_of(name) in list(production.refused(Settings()))


def test_what_stands_elsewhere_counts_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    """PostgreSQL's own variables are read by the driver."""
    set_(monkeypatch, {"MIGRATION_URL": None})
    set_(monkeypatch, {"DATABASE_URL": "postgresql://booking_api@db.example.com/booking"})
    monkeypatch.setenv("PGSSLMODE", "verify-full")
    for password, count in ((GOOD, 0), ("postgres", 1)):
        monkeypatch.setenv("PGPASSWORD", password)
        set_(monkeypatch, {"ENV": "development"})
        told = set(production.refused(Settings()))
        assert len(told & {sentence_of("BOOKING_DATABASE_URL, its password")}) == count
        assert sentence_of("BOOKING_DATABASE_URL, its way") not in told


def test_every_unsafe_setting_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    set_(monkeypatch, {"HOST": "0.0.0.0", "RATE_LIMIT": "off", "LOG_LEVEL": "debug"})
    with pytest.raises(SettingsProblem) as raised:
        Settings()
    names = ("BOOKING_HOST", "BOOKING_RATE_LIMIT", "BOOKING_LOG_LEVEL")
    assert raised.value.sentences == [sentence_of(name) for name in names]


def test_a_site_that_stands_for_all_sites_is_refused_anywhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for env in ("development", "production"):
        for origin in ("*", "https://*", "https://*.example.com"):
            set_(monkeypatch, {"ENV": env, "CORS_ORIGINS": origin})
            with pytest.raises(SettingsProblem, match="BOOKING_CORS_ORIGINS must be addresses"):
                Settings()


@pytest.mark.parametrize("command", ["up", "serve", "migrate", "check", "create-admin"])
def test_no_command_works_with_what_production_refuses(
    command: str, logging_put_back: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_(monkeypatch, {"FORWARDED_ALLOW_IPS": "*"})
    done = CliRunner().invoke(app, [command])
    assert done.exit_code == 2
    assert done.output == f"{sentence_of('BOOKING_FORWARDED_ALLOW_IPS')}\n"


def test_what_production_refuses_is_told_to_operators() -> None:
    """SECURITY.md names each setting that the table is about."""
    told = (SOURCE.parent / "SECURITY.md").read_text(encoding="utf-8")
    told = told[told.index("**What production refuses.**") :]
    for name in NAMES:
        assert name.partition(",")[0] in told
