"""`check` says what a deployment survives, of servers as they are set up."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from booking_system.bootstrap import checks, survival
from booking_system.bootstrap.settings import Settings
from booking_system.bootstrap.survival import Facts, of_a_deployment, of_one_machine
from tests.bootstrap.roles import deployed_by
from tests.postgres import TestServer

SOUND = Facts(
    role="booking_api",
    is_standby=False,
    flushes=True,
    writes_whole_pages=True,
    wal_level="replica",
    archives=True,
    archiving_fails=False,
    commits="on",
    names="ANY 1 (one, two)",
    standbys=2,
    unseen=0,
    waited_for=2,
    hosts=3,
)
CRASH = "The database survives a crash of its programs and of its machine"
WHOLE = "The loss of the primary, with its disk, loses no acknowledged booking, if"
FINDS = "BOOKING_DATABASE_URL names 3 hosts: after a failover the program finds"


def test_a_sound_deployment_survives_the_loss_of_its_primary() -> None:
    crash, lost, found = of_a_deployment(SOUND)
    assert crash.startswith(CRASH)
    assert lost.startswith(WHOLE)
    assert found.startswith(FINDS)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"is_standby": True}, "BOOKING_DATABASE_URL leads to a standby"),
        ({"flushes": False}, "does not survive a loss of power: fsync is off"),
        ({"writes_whole_pages": False}, "loss of power: full_page_writes is off"),
        (
            {"commits": "off", "names": "", "standbys": 0},
            "not whole: synchronous_commit is off for the role booking_api",
        ),
        ({"commits": "off"}, "does not wait for its standbys: synchronous_commit is off"),
        ({"commits": "local"}, "does not wait for its standbys: synchronous_commit is local"),
        ({"commits": "remote_write"}, "its standbys: synchronous_commit is remote_write"),
        ({"names": "", "waited_for": 0}, "no synchronous standby (2 are connected"),
        ({"names": " ", "standbys": 1, "waited_for": 0}, "standby (one is connected"),
        ({"names": "", "standbys": 0, "waited_for": 0}, "The database has no standby: where"),
        (
            {"names": "", "standbys": 0, "wal_level": "minimal"},
            "None can be connected before wal_level is replica",
        ),
        ({"unseen": 2, "waited_for": 0}, "GRANT pg_monitor TO booking_api;"),
        ({"waited_for": 0, "standbys": 0}, "Nothing is acknowledged at present: each commit waits"),
        ({"waited_for": 0, "standbys": 0}, "synchronous_standby_names, and none is connected"),
        ({"names": "FIRST 3 (a, b, c, d)"}, "waits for 3 of the standbys"),
        ({"names": "2 (a, b)"}, "The loss of one more standby stops everything that writes"),
        ({"waited_for": 1}, "The loss of one more standby stops everything that writes"),
        ({"hosts": 1}, "names one host: after a failover the program finds the server that writes"),
        ({"archives": False}, "WAL is not archived"),
        ({"archiving_fails": True}, "the last attempt failed"),
    ],
)
def test_what_lacks_is_told(change: Mapping[str, object], told: str) -> None:
    facts = replace(SOUND, **change)  # type: ignore[arg-type]
    said = list(of_a_deployment(facts))
    assert any(told in one for one in said), said
    assert set(said) != set(of_a_deployment(SOUND))


@pytest.mark.parametrize(
    ("names", "wanted"),
    [
        ("", 0),
        ("*", 1),
        ("a, b", 1),
        ("ANY 2 (a, b, c)", 2),
        ("first 1 (a)", 1),
        ("3 (a, b, c)", 3),
        ('"any 2"', 1),
    ],
)
def test_it_is_read_for_how_many_a_commit_waits(names: str, wanted: int) -> None:
    assert replace(SOUND, names=names).wanted == wanted


@pytest.mark.parametrize(
    "change",
    [{"commits": "local"}, {"names": ""}, {"waited_for": 0}, {"unseen": 1}, {"flushes": False}],
)
def test_nothing_is_promised_that_does_not_hold(change: Mapping[str, object]) -> None:
    facts = replace(SOUND, **change)  # type: ignore[arg-type]
    promised = (CRASH,) if "flushes" in change else (WHOLE,)
    assert not any(one.startswith(promised) for one in of_a_deployment(facts))


def test_one_machine_needs_backups() -> None:
    crash, disk = of_one_machine(replace(SOUND, names="", standbys=0, waited_for=0, hosts=1))
    assert crash.startswith(CRASH)
    assert "does not survive the loss of this machine's disk" in disk
    assert "booking-system backup" in disk


async def test_the_database_is_asked_with_the_rights_of_the_program(postgres: TestServer) -> None:
    """The server of these tests is fast and forgetful."""
    async with deployed_by("postgres", postgres) as deployed:
        for url, role in ((deployed.api, "booking_api"), (deployed.superuser, "postgres")):
            facts = await survival._asked(Settings(database_url=url))
            assert (facts.role, facts.flushes, facts.commits) == (role, False, "off")
            assert (facts.standbys, facts.wanted, facts.hosts) == (0, 0, 1)
        told = await survival.told(Settings(database_url=deployed.api), is_embedded=False)
        assert "fsync is off" in told[0]


async def test_check_says_it_where_the_database_can_be_asked(postgres: TestServer) -> None:
    async with postgres.database() as url:
        found = await checks.findings(Settings(database_url=url), is_embedded=True)
        assert [one.partition(":")[0] for one in found.survives] == [
            "The database does not survive a loss of power",
            "It does not survive the loss of this machine's disk",
        ]
    gone = await checks.findings(Settings(database_url="postgresql://booking@127.0.0.1:1/booking"))
    assert gone.survives == ()
