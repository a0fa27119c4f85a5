"""The rules of the house, checked on the code itself."""

import importlib
import inspect
import pkgutil
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from dependency_injector import containers, providers
from fastapi import FastAPI

import booking_lab
import booking_system
from booking_system.bootstrap.container import Container
from booking_system.platform.http.assembly import UnguardedRouteError, refuse_unguarded
from booking_system.platform.http.problems import all_refusals, status_of
from booking_system.shared_kernel import errors

ROOT = Path(booking_system.__file__).parent
LONGEST_FILE = 300
CONTRACT = """
    invalid_signature malformed_request unauthenticated invalid_credentials token_expired
    forbidden not_found slot_not_found method_not_allowed request_head_too_large
    request_head_too_slow slot_unavailable
    slot_already_booked slot_held too_many_holds slot_overlap availability_overlap
    patient_overlap booking_not_active invalid_transition bookings_affected email_taken
    hold_expired hold_already_extended idempotency_key_in_use payment_already_made
    consultation_not_open guest_already_invited external_id_taken restore_conflict
    precondition_failed body_too_large file_too_large unsupported_media_type
    validation_error invalid_cursor slot_in_past notice_too_short
    beyond_horizon too_many_open_bookings cancel_too_late service_required
    service_not_offered nonexistent_local_time password_too_weak idempotency_key_reused
    payment_not_required rate_limited internal_error overloaded dependency_unavailable
    outcome_unknown plan_too_large possible_duplicate invitation_over feed_reset
    link_over address_not_lifted
    payment_in_progress refund_exceeds_payment payment_disputed payment_keys_refused
    webhook_endpoint_not_enabled webhook_delivery_under_way too_many_webhook_endpoints
    too_many_calendar_feeds
    file_not_ready file_refused file_storage_full range_not_satisfiable
    draining
"""
CODES = set(CONTRACT.split())
"""The closed list that clients rely on."""
KINDS = {
    errors.NotFound,
    errors.Conflict,
    errors.RuleViolation,
    errors.NotPermitted,
    errors.Unauthenticated,
    errors.Gone,
    errors.Stale,
    errors.Malformed,
    errors.TooLarge,
    errors.TooMany,
    errors.Unavailable,
}
SOURCES = sorted(ROOT.rglob("*.py"))
LABORATORY = sorted(Path(booking_lab.__file__).parent.rglob("*.py"))


def modules() -> Iterator[ModuleType]:
    for found in pkgutil.walk_packages([str(ROOT)], "booking_system."):
        yield importlib.import_module(found.name)


def opening(text: str) -> str:
    """The first line of what the file says of itself; to parse all of it takes long."""
    told = re.match(r'r?"""(.*?)"""\n', text, re.DOTALL)
    return told[1].strip().splitlines()[0].rstrip() if told and told[1].strip() else ""


# One test for all files: a thousand tests of a millisecond take their workers seconds.
def test_a_file_is_short_and_opens_with_what_it_is_for() -> None:
    texts = {source: source.read_text() for source in (*SOURCES, *LABORATORY)}
    assert len(texts) > 800
    assert [one for one, text in texts.items() if len(text.splitlines()) > LONGEST_FILE] == []
    unsaid = [
        one for one, text in texts.items() if not opening(text).endswith((".", ":", ";", "?"))
    ]
    assert unsaid == []


def test_every_refusal_has_a_code_of_the_contract_and_a_kind() -> None:
    list(modules())
    refusals = [kind for kind in all_refusals() if kind.__module__.startswith("booking_system")]
    assert len(refusals) > 30
    for refusal in refusals:
        assert refusal.code in CODES, refusal
        assert 400 <= status_of(refusal) <= 503
        assert refusal.title().endswith("."), refusal
        if not refusal.__module__.endswith("http.problems"):
            assert KINDS & set(refusal.__mro__), refusal


def test_a_code_means_one_status() -> None:
    list(modules())
    statuses = Counter({(kind.code, status_of(kind)) for kind in all_refusals()})
    assert [code for code, count in Counter(c for c, _ in statuses).items() if count > 1] == []


def _use_cases() -> set[type]:
    found = set()
    for module in modules():
        if ".application." in module.__name__ and not module.__name__.endswith("ports"):
            for _, thing in inspect.getmembers(module, inspect.isclass):
                if thing.__module__ == module.__name__ and "__call__" in vars(thing):
                    found.add(thing)
    return found


def test_every_use_case_is_reachable_from_the_container() -> None:
    assert issubclass(Container, containers.DeclarativeContainer)
    wanted = _use_cases()
    kinds = [providers.Factory, providers.Singleton]
    provided = [provider.provides for provider in Container.traverse(types=kinds)]
    made = {base for one in provided if inspect.isclass(one) for base in one.__mro__}
    assert len(wanted) > 30
    assert {case.__name__ for case in wanted - made} == set()


def test_nothing_is_committed_outside_of_where_transactions_are_made() -> None:
    postgres = "platform/postgres"
    allowed = {
        f"{postgres}/transaction.py",
        f"{postgres}/driver_blocks.py",
        f"{postgres}/whole.py",
        "bootstrap/migrations.py",
    }
    committing = {
        str(source.relative_to(ROOT))
        for source in SOURCES
        if re.search(r"\.commit\(\)|[\"' ]COMMIT[;\"]", source.read_text())
    }
    assert committing <= allowed


def test_no_adapter_of_the_database_knows_an_address_or_a_status() -> None:
    seen = 0
    for source in SOURCES:
        text = source.read_text()
        if "import asyncpg" in text and "fastapi" not in text and "bootstrap" not in source.parts:
            seen += 1
            assert "/v1/" not in text, source
            assert not re.search(r"\bstatus(_code)?\s*[:=]\s*(int|\d)", text), source
    assert seen > 20


def test_no_clock_is_hidden_in_the_pure_rings() -> None:
    for source in SOURCES:
        if {"domain", "application", "shared_kernel"} & set(source.relative_to(ROOT).parts):
            text = source.read_text()
            for hidden in ("datetime.now(", "utcnow(", "time.time(", "uuid4(", "import random"):
                assert hidden not in text, (source, hidden)


def test_a_route_without_a_policy_stops_the_program() -> None:
    app = FastAPI(openapi_url=None)
    refuse_unguarded(app)
    app.add_api_route("/naked", lambda: None)

    with pytest.raises(UnguardedRouteError, match="/naked"):
        refuse_unguarded(app)
