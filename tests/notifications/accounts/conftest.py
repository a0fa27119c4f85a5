"""The post of an application that a test has for itself."""

import pytest

from tests.api import Api
from tests.notifications.accounts.post import Post


@pytest.fixture
def post(api: Api) -> Post:
    return Post(api)
