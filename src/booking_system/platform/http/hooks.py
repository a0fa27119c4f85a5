"""Hooks: addresses that other machines call with bodies that they have signed."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Depends, Request
from starlette.types import Scope

from booking_system.platform.http.guarded import GuardedRoute
from booking_system.platform.http.input import BODY, StrictRequest
from booking_system.platform.http.signatures import Signature, Signed


class HookRoute(GuardedRoute):
    """A route whose policy is a signature over the raw body.

    Size and encoding are checked before anything is read, the signature before anything is parsed.
    No budget is charged: one network sends the events of all its customers.
    """

    def __init__(
        self, path: str, endpoint: Callable[..., Any], *, signature: Signature, **kw: Any
    ) -> None:
        """`signature` is asked for each request, and nobody else is."""
        super().__init__(path, endpoint, policy=_nobody, is_counted=False, **kw)
        # What `refuse_unguarded` looks for, and what an answer is kept by: nobody.
        self.policy, self.is_public = signature, False  # type: ignore[assignment]
        self._signature = signature

    @property
    def reads_raw_body(self) -> bool:
        """It does."""
        return True

    async def _admit(self, request: Request) -> None:
        request.scope["caller"] = None
        self._check_size(request)
        raw = await StrictRequest(request.scope, request.receive).body()
        await self._signature(
            Signed(headers=request.headers, target=_target(request.scope), body=raw)
        )

    async def _check_parameters(self, request: StrictRequest) -> None:
        """A sender adds to the address what it likes: what counts is that it was signed."""


async def raw_body(request: Request) -> bytes:
    """Dependency: the bytes whose signature holds."""
    body: bytes = request.scope[BODY]
    return body


RawBody = Annotated[bytes, Depends(raw_body)]


def _target(scope: Scope) -> bytes:
    query = scope["query_string"]
    path: bytes = scope["raw_path"]
    return path + b"?" + query if query else path


def _nobody(_: Any) -> None:
    """The signature decides."""
