"""Requests to the deployment that have to succeed: to prepare, to look, to clean up."""

import asyncio
from secrets import token_hex
from typing import Any

from httpx import AsyncClient, HTTPError, Response

from booking_lab.race.plan import RaceProblem

TRIES = 40
PAUSE_SECONDS = 0.25
LONGEST_PAUSE_SECONDS = 10.0
TO_BE_ASKED_AGAIN = {429, 502, 503, 504}


class Refused(RaceProblem):
    """The deployment said no to something that the race needs."""

    def __init__(self, what: str, answer: Response) -> None:
        """`answer` is a refusal: only its status and code are told."""
        self.status = answer.status_code
        told = f"{answer.status_code} {code_of(answer) or ''}".strip()
        super().__init__(f"The deployment answered {told} to {what}.")


async def call(
    client: AsyncClient,
    method: str,
    path: str,
    token: str | None = None,
    tries: int = TRIES,
    **about: Any,
) -> Response:
    """Ask until there is an answer; a key makes that harmless.

    Raises `RaceProblem` where none comes, `Refused` where it is no success.
    """
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    if method == "POST":
        headers["Idempotency-Key"] = token_hex(16)
    for attempt in range(tries):
        try:
            answer = await client.request(method, path, headers=headers, **about)
        except HTTPError as error:
            if attempt + 1 == tries:
                raise RaceProblem(
                    f"The deployment cannot be reached: {type(error).__name__}."
                ) from None
            await asyncio.sleep(PAUSE_SECONDS)
            continue
        is_in_flight = code_of(answer) == "idempotency_key_in_use"
        if answer.status_code not in TO_BE_ASKED_AGAIN and not is_in_flight:
            break
        await asyncio.sleep(_pause(answer))
    if not answer.is_success:
        raise Refused(f"{method} {_without_ids(path)}", answer)
    return answer


async def made(client: AsyncClient, path: str, token: str, body: Any) -> dict[str, Any]:
    """Make something and return it. Raises as `call` does."""
    answer = await call(client, "POST", path, token, json=body)
    found: dict[str, Any] = answer.json()
    return found


def code_of(answer: Response) -> str | None:
    """Return the code of a problem; None where the answer is a success, or no problem of ours."""
    if answer.is_success:
        return None
    try:
        code = answer.json()["code"]
    except (ValueError, KeyError, TypeError):
        return None
    return str(code)


def _pause(answer: Response) -> float:
    told = answer.headers.get("retry-after", "")
    if answer.status_code == 429 and told.isdigit():
        return min(float(told), LONGEST_PAUSE_SECONDS)
    return PAUSE_SECONDS


def _without_ids(path: str) -> str:
    parts = path.split("/")
    return "/".join("{id}" if len(part) == 36 and "-" in part else part for part in parts)
