"""Settings: defaults that work, and one plain sentence for each value that does not."""

import re
from pathlib import Path

import pytest

from booking_system.bootstrap.production import RULES
from booking_system.bootstrap.secret_key import key_kept_in
from booking_system.bootstrap.settings import USUAL_DRAIN_SECONDS, Settings, SettingsProblem
from tests.bootstrap.processes import SOURCE

HIDDEN = "correct-horse"


@pytest.fixture(autouse=True)
def _nothing_set(tmp_path: Path, clean_environment: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def sentences(monkeypatch: pytest.MonkeyPatch, **values: str) -> list[str]:
    for name, value in values.items():
        monkeypatch.setenv(f"BOOKING_{name}", value)
    with pytest.raises(SettingsProblem) as raised:
        Settings()
    assert str(raised.value) == " ".join(raised.value.sentences)
    return raised.value.sentences


def test_the_defaults_work_on_one_machine() -> None:
    settings = Settings()
    assert settings.public_url == "http://127.0.0.1:8000"
    assert settings.database_url is None
    assert settings.rate_limit is True
    assert settings.demo is True
    assert not settings.in_production
    assert settings.drains_for == 0.0
    assert Settings(drain_seconds=2.5).drains_for == 2.5


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("PORT", HIDDEN, "BOOKING_PORT must be a number from 1 to 65535."),
        ("PORT", "0", "BOOKING_PORT must be a number from 1 to 65535."),
        ("DATABASE_POOL_SIZE", "0", "BOOKING_DATABASE_POOL_SIZE must be a number from 1 to 200."),
        ("API_PROCESSES", "65", "BOOKING_API_PROCESSES must be a number from 1 to 64."),
        ("DRAIN_SECONDS", "-1", "BOOKING_DRAIN_SECONDS must be a number from 0 to 600."),
        ("DRAIN_SECONDS", "601", "BOOKING_DRAIN_SECONDS must be a number from 0 to 600."),
        ("ENV", HIDDEN, "BOOKING_ENV must be development or production."),
        ("DEMO", HIDDEN, "BOOKING_DEMO must be true or false."),
        ("RATE_LIMIT", HIDDEN, "BOOKING_RATE_LIMIT must be on or off."),
        (
            "READS_PER_MINUTE",
            "-1",
            "BOOKING_READS_PER_MINUTE must be a number from 0 to 1000000.",
        ),
        (
            "WRITES_PER_MINUTE",
            "1000001",
            "BOOKING_WRITES_PER_MINUTE must be a number from 0 to 1000000.",
        ),
        ("SESSION_DAYS", "-1", "BOOKING_SESSION_DAYS must be a number from 1 to 3650, or 0."),
        ("SESSION_DAYS", "3651", "BOOKING_SESSION_DAYS must be a number from 1 to 3650, or 0."),
        ("SESSION_IDLE_DAYS", "0", "BOOKING_SESSION_IDLE_DAYS must be a number from 1 to 365."),
        ("SESSION_IDLE_DAYS", "366", "BOOKING_SESSION_IDLE_DAYS must be a number from 1 to 365."),
        ("LOG_FORMAT", HIDDEN, "BOOKING_LOG_FORMAT must be console or json."),
        ("LOG_LEVEL", HIDDEN, "BOOKING_LOG_LEVEL must be debug, info, warning or error."),
        ("ADMIN_EMAIL", HIDDEN, "BOOKING_ADMIN_EMAIL must be an e-mail address."),
    ],
)
def test_a_wrong_value_is_one_sentence_that_does_not_quote_it(
    name: str, value: str, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sentences(monkeypatch, **{name: value}) == [sentence]


@pytest.mark.parametrize(
    "url",
    [
        f"mysql://booking:{HIDDEN}@localhost/booking",
        f"postgresql://booking:{HIDDEN}@localhost",
        f"postgresql://booking@localhost/booking?{HIDDEN}",
        f"postgresql://[{HIDDEN}/booking",
        f"postgresql://booking:{HIDDEN}/oops@localhost:5432/booking?port=no",
    ],
)
def test_a_wrong_database_address_is_never_quoted(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (sentence,) = sentences(monkeypatch, DATABASE_URL=url)
    assert sentence.startswith("BOOKING_DATABASE_URL must be an address like postgresql://")
    assert HIDDEN not in sentence


@pytest.mark.parametrize(
    "url", ["ftp://x", "booking.example.com", f"https://u:{HIDDEN}@x", "https://x?y", "http://["]
)
def test_the_public_address_must_be_one(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (sentence,) = sentences(monkeypatch, PUBLIC_URL=url)
    assert sentence.startswith("BOOKING_PUBLIC_URL must be an address")
    assert HIDDEN not in sentence


@pytest.mark.parametrize(
    "url",
    [
        "postgresql:///booking?host=/run/postgresql&port=5433",
        "postgresql://booking:secret@one:5432,two:5433/booking?sslmode=require",
        "postgres://localhost/booking",
    ],
)
def test_the_usual_database_addresses_are_taken(url: str) -> None:
    assert Settings(database_url=url).url_for_migrations == url


def test_what_needs_a_session_goes_past_a_pooler() -> None:
    pooler, direct, owner = (f"postgresql://{name}/booking" for name in ("pooler", "db", "owner"))
    settings = Settings(database_url=pooler, database_direct_url=direct)
    assert settings.is_pooled
    assert settings.direct_url == settings.url_for_migrations == direct
    assert Settings(database_url=pooler, migration_url=owner).url_for_migrations == owner
    for one in (
        Settings(database_url=pooler),
        Settings(database_url=direct, database_direct_url=direct),
    ):
        assert not one.is_pooled
        assert one.direct_url == one.database_url
    assert not Settings().is_pooled


def test_every_wrong_value_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(sentences(monkeypatch, PORT="x", ENV="x", API_PROCESSES="x")) == 3


def test_production_refuses_unsafe_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the settings that have any; test_production.py goes through all that it refuses."""
    unsafe = ("SECRET_KEY", "DATABASE_URL", "DEMO", "PUBLIC_URL")
    assert sentences(monkeypatch, ENV="Production", DEMO="true") == [
        rule.sentence for rule in RULES if rule.about.removeprefix("BOOKING_") in unsafe
    ]


def test_production_means_no_demo(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    key_kept_in(tmp_path)
    monkeypatch.setenv("BOOKING_ENV", "production")
    monkeypatch.setenv("BOOKING_SECRET_KEY", str(tmp_path / "secret-key.pem"))
    login = f"booking:{HIDDEN}-of-grey-otters"
    monkeypatch.setenv("BOOKING_DATABASE_URL", f"postgresql://{login}@localhost/booking")
    monkeypatch.setenv("BOOKING_PUBLIC_URL", "https://booking.example.com")
    settings = Settings()
    assert settings.in_production
    assert settings.drains_for == USUAL_DRAIN_SECONDS > 0
    assert settings.model_copy(update={"drain_seconds": 0.0}).drains_for == 0.0
    assert settings.demo is False
    assert settings.url_for_migrations == settings.database_url
    assert HIDDEN not in repr(settings)


def test_what_belongs_together_is_set_together(monkeypatch: pytest.MonkeyPatch) -> None:
    address = "postgresql://localhost/booking"
    given = {"ADMIN_PASSWORD": HIDDEN, "MIGRATION_URL": address, "DATABASE_DIRECT_URL": address}
    assert sentences(monkeypatch, **given) == [
        "BOOKING_ADMIN_EMAIL and BOOKING_ADMIN_PASSWORD must be set together.",
        "BOOKING_DATABASE_DIRECT_URL needs BOOKING_DATABASE_URL beside it.",
        "BOOKING_MIGRATION_URL needs BOOKING_DATABASE_URL beside it.",
    ]


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("0.0.0.0", "http://127.0.0.1:8000"),
        ("::", "http://[::1]:8000"),
        ("fd00::1", "http://[fd00::1]:8000"),
        ("booking.example.com", "http://booking.example.com:8000"),
    ],
)
def test_the_public_address_follows_host_and_port(host: str, url: str) -> None:
    assert Settings(host=host).public_url == url


def test_the_environment_wins_over_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = "BOOKING_PORT=1111\nBOOKING_HOST=localhost\nOTHER=1\nBOOKING_PUBLIC_URL=\n"
    (tmp_path / ".env").write_text(file)
    monkeypatch.setenv("BOOKING_PORT", "2222")
    assert Settings().public_url == "http://localhost:2222"


def test_an_unreadable_file_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"BOOKING_HOST=\xff\xfe\n")
    with pytest.raises(SettingsProblem, match=r"The file \.env cannot be read"):
        Settings()


def test_the_example_lists_every_setting_with_its_default() -> None:
    example = (SOURCE.parent / ".env.example").read_text(encoding="utf-8")
    listed = re.findall(r"^#BOOKING_(\w+)=", example, re.MULTILINE)
    assert sorted(name.lower() for name in listed) == sorted(Settings.model_fields)
