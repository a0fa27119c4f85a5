"""The signing key: made once whoever races, readable by its owner only, never quoted."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

from booking_system.bootstrap import secret_key
from booking_system.bootstrap.secret_key import SecretKeyError, key_from, key_kept_in
from booking_system.bootstrap.settings import Settings, SettingsProblem

RIVALS = 8


@pytest.fixture(autouse=True)
def _nothing_set(tmp_path: Path, clean_environment: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def pem_of(key: PrivateKeyTypes) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


def test_the_key_is_made_once_and_is_its_owners_alone(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "new")
    key = settings.signing_key()
    assert settings.signing_key() == key
    assert [place.name for place in (tmp_path / "new").iterdir()] == ["secret-key.pem"]
    assert (tmp_path / "new" / "secret-key.pem").stat().st_mode & 0o777 == 0o600


def test_of_rivals_one_makes_the_key_and_all_use_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    everybody_has_looked = threading.Barrier(RIVALS)
    make = secret_key._new_key

    def made_after_all_have_looked() -> bytes:
        everybody_has_looked.wait(10)
        return make()

    monkeypatch.setattr(secret_key, "_new_key", made_after_all_have_looked)
    with ThreadPoolExecutor(RIVALS) as rivals:
        keys = set(rivals.map(key_kept_in, [tmp_path] * RIVALS))
    assert keys == {(tmp_path / "secret-key.pem").read_text()}
    assert len(list(tmp_path.iterdir())) == 1


def test_a_key_is_given_as_text_as_one_line_or_as_a_path(tmp_path: Path) -> None:
    pem = key_kept_in(tmp_path)
    assert key_from(pem) == pem
    assert key_from(pem.replace("\n", "\\n")) == pem
    assert key_from(str(tmp_path / "secret-key.pem")) == pem
    assert Settings(secret_key=pem).signing_key() == pem


@pytest.mark.parametrize(
    "other", [ec.generate_private_key(ec.SECP384R1()), rsa.generate_private_key(65537, 2048)]
)
def test_another_kind_of_key_is_refused(other: PrivateKeyTypes) -> None:
    with pytest.raises(SettingsProblem) as raised:
        Settings(secret_key=pem_of(other))
    assert raised.value.sentences[0].startswith("The secret key must be a P-256 private key")


def test_the_keys_beside_it_are_given_as_texts_as_one_line_or_as_paths(tmp_path: Path) -> None:
    one, two, three = (key_kept_in(tmp_path / name) for name in ("one", "two", "three"))
    paths = [str(tmp_path / name / "secret-key.pem") for name in ("two", "three")]
    for written in (two + three, (two + three).replace("\n", "\\n"), ", ".join(paths)):
        settings = Settings(secret_key=one, other_secret_keys=written)
        assert settings.signing_key() == one
        assert settings.keyring().keys == (one, two, three)
        assert two not in repr(settings)
    assert Settings(secret_key=one).keyring().keys == (one,)
    assert Settings(secret_key=one, other_secret_keys=one + two).keyring().keys == (one, two)


@pytest.mark.parametrize(
    "value", ["correct-horse", "-----BEGIN PRIVATE KEY-----correct-horse", "{one},correct-horse"]
)
def test_another_key_that_is_none_is_refused_and_not_quoted(value: str, tmp_path: Path) -> None:
    key_kept_in(tmp_path)
    with pytest.raises(SettingsProblem) as raised:
        Settings(other_secret_keys=value.format(one=tmp_path / "secret-key.pem"))
    (sentence,) = raised.value.sentences
    assert sentence.startswith(("BOOKING_OTHER_SECRET_KEYS is neither", "The secret key must be"))
    assert "correct-horse" not in sentence


def test_what_is_no_key_is_refused_and_not_quoted() -> None:
    for value in ("correct-horse", "-----BEGIN PRIVATE KEY-----correct-horse"):
        with pytest.raises(SettingsProblem) as raised:
            Settings(secret_key=value)
        assert "correct-horse" not in str(raised.value)


def test_a_key_that_cannot_be_kept_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SecretKeyError, match="can be neither read nor made"):
        key_kept_in(tmp_path / "file" / "below")
    (tmp_path / "secret-key.pem").write_bytes(b"\xff")
    with pytest.raises(SettingsProblem, match="can be neither read nor made"):
        Settings(data_dir=tmp_path).signing_key()
