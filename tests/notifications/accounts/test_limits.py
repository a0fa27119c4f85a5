"""How often may be asked for mails, and how often tokens may be tried."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.api import Api, code_of, running_api
from tests.notifications.accounts.post import EMAIL, NEW_PASSWORD, Post, bearer

LIMITED = (429, "rate_limited")
ANY = "A" * 43


@pytest.fixture
async def api(database_url: str, tmp_path: Path) -> AsyncIterator[Api]:
    async with running_api(database_url, tmp_path, rate_limit=True) as api:
        yield api


async def test_mails_and_tokens_are_limited(api: Api, post: Post) -> None:
    made = await post.registered()
    for email in (EMAIL, "nobody@example.org"):
        for _ in range(5):
            await post.wants_reset(email)
        refused = await api.post("/v1/auth/password-reset", {"email": email})
        assert code_of(refused) == LIMITED
        assert int(refused.headers["retry-after"]) > 3000
    path, headers = "/v1/auth/verify-email/resend", bearer(made)
    codes = [code_of(await api.send("POST", path, headers=headers)) for _ in range(6)]
    assert codes == [(202, None)] * 5 + [LIMITED]
    for _ in range(60):
        await post.verify(ANY)
    assert code_of(await post.verify(ANY)) == LIMITED
    assert code_of(await post.reset(ANY, NEW_PASSWORD)) == LIMITED
