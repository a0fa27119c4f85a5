"""A route says in which way its requests have their effect once, an answer what was made."""

from pathlib import Path
from uuid import uuid4

import pytest
from fastapi import Response

from booking_system.identity.domain.policies import public, signed_in
from booking_system.platform.http.answers import json_answer, making_answer
from booking_system.platform.http.once import InOneTransaction
from booking_system.platform.http.routing import Routes, UndecidedRouteError
from tests.access.repeating import named
from tests.api import code_of
from tests.platform.own_routes import own_api


async def make_thing() -> Response:
    """Make one."""
    return json_answer({"id": uuid4()}, status=201)


def test_a_post_of_somebody_known_has_to_say_it() -> None:
    routes = Routes("Things")
    with pytest.raises(UndecidedRouteError, match="POST /v1/things"):
        routes.add("POST", "/v1/things", make_thing, policy=signed_in, answers=None)
    with pytest.raises(UndecidedRouteError):
        routes.add("POST", "/v1/things", make_thing, policy=public, knows_caller=True, answers=None)


@pytest.mark.parametrize("path", ["/v1/things", "/v1/auth/things"])
@pytest.mark.parametrize("method", ["GET", "PUT", "POST"])
def test_nothing_else_may_say_it(method: str, path: str) -> None:
    policy = signed_in if method != "POST" or "auth" in path else public
    with pytest.raises(UndecidedRouteError):
        Routes("Things").add(
            method, path, make_thing, policy=policy, answers=None, once=InOneTransaction()
        )


async def test_what_was_made_is_said_and_never_read_out_of_the_body(
    database_url: str, tmp_path: Path
) -> None:
    made = uuid4()

    async def make_quietly() -> Response:
        """Make one, whose body has an id of something else."""
        headers = {"Location": f"/v1/things/{made}"}
        return making_answer({"id": uuid4(), "items": "none"}, [made], headers=headers)

    routes = Routes("Things")
    for path, endpoint in (("/v1/things", make_thing), ("/v1/quiet-things", make_quietly)):
        routes.add(
            "POST",
            path,
            endpoint,
            policy=signed_in,
            status=201,
            answers=None,
            once=InOneTransaction(),
            shown=False,
        )
    async with own_api(database_url, tmp_path, routes) as api:
        by, key = await api.person(), named()
        assert code_of(await api.post("/v1/things", by=by, headers=key)) == (500, "internal_error")
        assert (await api.post("/v1/quiet-things", by=by, headers=key)).status_code == 201
        async with api.container.database().driver_transaction() as connection:
            (row,) = await connection.fetch("SELECT answer, resource_ids FROM idempotency_keys")
    # What did not say it is undone.
    assert row["answer"] == f"201 /v1/things/{made}"
    assert row["resource_ids"] == [made]
