"""Accounts of clinics as providers' adapters take them."""

from pydantic import SecretStr

from booking_system.payments.adapters.providers.accounts import PayPalAccount, StripeAccount
from booking_system.payments.domain.own_account import AccountKeys, Named, OwnProvider
from booking_system.payments.domain.sighting import Account


def opened(named: Named, keys: AccountKeys, account: Account) -> StripeAccount | PayPalAccount:
    """Return the account with what opens it; payments know it as `account`."""
    options = named.options
    if named.provider is OwnProvider.PAYPAL:
        return PayPalAccount(
            account=account,
            client_id=named.name,
            client_secret=SecretStr(keys.key),
            webhook_ids=tuple(options["webhook_ids"]),
        )
    return StripeAccount(
        account=account,
        secret_key=SecretStr(keys.key),
        webhook_secrets=tuple(map(SecretStr, keys.webhooks)),
        publishable_key=options["publishable_key"],
        methods=tuple(options["methods"]),
        is_own=True,
    )
