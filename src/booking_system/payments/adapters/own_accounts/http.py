"""Accounts of clinics over HTTP."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Response

from booking_system.identity.domain.actor import Actor
from booking_system.identity.domain.policies import signed_in
from booking_system.payments.adapters.own_accounts.hooks import webhook_url
from booking_system.payments.adapters.own_accounts.models import PayPalAccountIn, StripeAccountIn
from booking_system.payments.adapters.own_accounts.shown import ClinicPaymentAccountOut
from booking_system.payments.application.own_accounts import (
    AccountWish,
    RemoveOwnAccount,
    SetOwnAccount,
    ShowOwnAccount,
)
from booking_system.payments.domain.own_account import OwnAccount, OwnProvider
from booking_system.payments.domain.refusals import PaymentKeysRefused
from booking_system.platform.http.answers import json_answer
from booking_system.platform.http.caller import caller
from booking_system.platform.http.etag import IfMatch, etag_of, expected_version
from booking_system.platform.http.routing import Routes
from booking_system.shared_kernel.errors import NotFound, NotPermitted, Stale
from booking_system.shared_kernel.identifiers import ClinicId

Caller = Annotated[Actor, Depends(caller)]
AT = "/v1/clinics/{clinic_id}/payment-accounts"


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnAccountRoutes:
    """HTTP for what a clinic's payments go to."""

    show: ShowOwnAccount
    set: SetOwnAccount
    remove: RemoveOwnAccount
    public_url: str

    def routes(self) -> Routes:
        """List the operations."""
        routes = Routes("Payment settings")
        for name, see, put, gone in (
            (
                "stripe",
                self.read_stripe_account,
                self.set_stripe_account,
                self.delete_stripe_account,
            ),
            (
                "paypal",
                self.read_paypal_account,
                self.set_paypal_account,
                self.delete_paypal_account,
            ),
        ):
            path = f"{AT}/{name}"
            routes.add(
                "GET",
                path,
                see,
                policy=signed_in,
                answers=ClinicPaymentAccountOut,
                refuses=[NotFound, NotPermitted],
            )
            routes.add(
                "PUT",
                path,
                put,
                policy=signed_in,
                answers=ClinicPaymentAccountOut,
                refuses=[NotFound, NotPermitted, Stale, PaymentKeysRefused],
            )
            routes.add(
                "DELETE",
                path,
                gone,
                policy=signed_in,
                status=204,
                answers=None,
                refuses=[NotFound, NotPermitted, Stale],
            )
        return routes

    async def read_stripe_account(self, clinic_id: UUID, actor: Caller) -> Response:
        """Read a clinic's Stripe account: where new payments go; for administrators."""
        return await self._shown(clinic_id, OwnProvider.STRIPE, actor)

    async def read_paypal_account(self, clinic_id: UUID, actor: Caller) -> Response:
        """Read a clinic's PayPal account: where new payments go; for administrators."""
        return await self._shown(clinic_id, OwnProvider.PAYPAL, actor)

    async def set_stripe_account(
        self, clinic_id: UUID, body: StripeAccountIn, actor: Caller, if_match: IfMatch = None
    ) -> Response:
        """Set a clinic's own Stripe account; for its administrators.

        Stripe is asked once whether it takes the key. Keys are stored encrypted, and shown to
        nobody. The next payment begins there; what has begun elsewhere goes on where it is. Name
        `webhook_url` at Stripe, then send its secret with this operation again.
        """
        return await self._set(clinic_id, body.wish(), if_match, actor)

    async def set_paypal_account(
        self, clinic_id: UUID, body: PayPalAccountIn, actor: Caller, if_match: IfMatch = None
    ) -> Response:
        """Set a clinic's own PayPal account; for its administrators.

        PayPal is asked once whether it takes the secret. It is stored encrypted, and shown to
        nobody. The next payment begins there; what has begun elsewhere goes on where it is. Name
        `webhook_url` at PayPal, then send the webhook's id with this operation again.
        """
        return await self._set(clinic_id, body.wish(), if_match, actor)

    async def delete_stripe_account(
        self, clinic_id: UUID, actor: Caller, if_match: IfMatch = None
    ) -> Response:
        """Delete a clinic's Stripe account: new payments go to the platform's, begun ones stay.

        The keys are kept for 180 days, for refunds, then deleted.
        """
        return await self._gone(clinic_id, OwnProvider.STRIPE, if_match, actor)

    async def delete_paypal_account(
        self, clinic_id: UUID, actor: Caller, if_match: IfMatch = None
    ) -> Response:
        """Delete a clinic's PayPal account: new payments go to the platform's, begun ones stay.

        The keys are kept for 180 days, for refunds, then deleted.
        """
        return await self._gone(clinic_id, OwnProvider.PAYPAL, if_match, actor)

    async def _shown(self, clinic_id: UUID, provider: OwnProvider, actor: Actor) -> Response:
        own = await self.show(clinic_id=ClinicId(clinic_id), provider=provider, actor=actor)
        return self._answer(own, provider)

    async def _set(
        self, clinic_id: UUID, wish: AccountWish, if_match: str | None, actor: Actor
    ) -> Response:
        own = await self.set(
            wish,
            clinic_id=ClinicId(clinic_id),
            version=expected_version(if_match),
            actor=actor,
        )
        return self._answer(own, wish.provider)

    async def _gone(
        self, clinic_id: UUID, provider: OwnProvider, if_match: str | None, actor: Actor
    ) -> Response:
        await self.remove(
            clinic_id=ClinicId(clinic_id),
            provider=provider,
            version=expected_version(if_match),
            actor=actor,
        )
        return Response(status_code=204)

    def _answer(self, own: OwnAccount | None, provider: OwnProvider) -> Response:
        url = "" if own is None else webhook_url(self.public_url, own.account)
        shown = ClinicPaymentAccountOut.of(own, provider, url)
        return json_answer(shown, headers={"ETag": etag_of(shown.version)})
