"""What an operator can set about consultations."""

import pytest

from booking_system.bootstrap.checks import described
from booking_system.bootstrap.settings import Settings, SettingsProblem

TURNS = "turns:turn.example.com:443?transport=tcp"
SECRET = "0123456789abcdef"


def told(monkeypatch: pytest.MonkeyPatch, **values: str) -> list[str]:
    for name, value in values.items():
        monkeypatch.setenv(f"BOOKING_{name}", value)
    with pytest.raises(SettingsProblem) as caught:
        Settings()
    assert not any(SECRET[:9] in one for one in caught.value.sentences)
    return caught.value.sentences


def test_without_any_there_are_no_servers() -> None:
    ice = Settings().ice
    assert (ice.stun, ice.turn, ice.secret) == ((), (), "")
    assert list(Settings().consultation_advice()) == []


def test_addresses_stand_between_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOOKING_ICE_SERVERS", "stun:a.example.com:3478, stuns:b.example.com")
    monkeypatch.setenv("BOOKING_TURN_URL", f"turn:a.example.com?transport=udp,{TURNS}")
    monkeypatch.setenv("BOOKING_TURN_SECRET", SECRET)
    settings = Settings()
    assert settings.ice.stun == ("stun:a.example.com:3478", "stuns:b.example.com")
    assert settings.ice.turn == ("turn:a.example.com?transport=udp", TURNS)
    assert settings.ice.secret == SECRET
    assert SECRET not in repr(settings)
    assert list(settings.consultation_advice()) == []


@pytest.mark.parametrize(
    "url",
    [
        f"redis://:{SECRET}@redis.example.com:6379/0",
        f"rediss://name:{SECRET}@[::1]",
        "unix:///run/valkey/valkey.sock",
    ],
)
def test_redis_is_a_server_or_a_socket(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    assert Settings().redis is None
    monkeypatch.setenv("BOOKING_REDIS_URL", url)
    settings = Settings()
    assert settings.redis == url
    assert SECRET not in repr(settings)
    assert SECRET not in "".join(described(settings))


def test_a_relay_without_tls_is_advised_against(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOOKING_TURN_URL", "turn:turn.example.com:3478?transport=udp")
    monkeypatch.setenv("BOOKING_TURN_SECRET", SECRET)
    (advice,) = Settings().consultation_advice()
    assert advice.startswith("BOOKING_TURN_URL has no address that begins with turns:")


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"ICE_SERVERS": "turn:a.example.com"}, "BOOKING_ICE_SERVERS must be addresses like stun:"),
        ({"TURN_URL": "https://a.example.com"}, "BOOKING_TURN_URL must be addresses like turns:"),
        ({"TURN_SECRET": SECRET[:15]}, "BOOKING_TURN_SECRET must have at least 16 characters."),
        ({"TURN_URL": TURNS}, "BOOKING_TURN_URL and BOOKING_TURN_SECRET must be set together."),
        ({"REDIS_URL": f"http://{SECRET}@x"}, "BOOKING_REDIS_URL must be an address like redis:"),
        ({"REDIS_URL": f"redis://:{SECRET}@x:no"}, "BOOKING_REDIS_URL must be an address like"),
        ({"REDIS_URL": "redis://"}, "BOOKING_REDIS_URL must be an address like redis://"),
        ({"REDIS_URL": "redis://x/one"}, "BOOKING_REDIS_URL must be an address like redis://"),
        ({"REDIS_URL": "unix://"}, "BOOKING_REDIS_URL must be an address like redis://"),
        ({"TURN_SECRET": SECRET}, "BOOKING_TURN_URL and BOOKING_TURN_SECRET must be set together."),
    ],
)
def test_wrong_settings_are_a_sentence(
    monkeypatch: pytest.MonkeyPatch, values: dict[str, str], sentence: str
) -> None:
    (only,) = told(monkeypatch, **values)
    assert only.startswith(sentence)
