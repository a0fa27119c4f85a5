"""Several accounts at one provider: who asks is told apart by the keys, as the provider does."""

import base64
from collections.abc import Mapping, Sequence

from tests.payments.emulators.loopback import Answer, Call, Emulator
from tests.payments.emulators.paypal import PayPalEmulator
from tests.payments.emulators.stripe import StripeEmulator


class Several(Emulator):
    """Listens for all of them; a request with keys of none is answered by the first: refused."""

    def __init__(self, *accounts: StripeEmulator | PayPalEmulator) -> None:
        super().__init__(accounts[0].clock)
        self.accounts: Sequence[StripeEmulator | PayPalEmulator] = ()
        self.has(*accounts)

    def has(self, *accounts: StripeEmulator | PayPalEmulator) -> None:
        """These accounts are there from now on, and no others."""
        self.accounts = accounts
        for number, one in enumerate(accounts):
            # PayPal's tokens are told apart, while ids of Stripe's may be the same.
            if isinstance(one, PayPalEmulator):
                one._number = max(one._number, number * 10_000)

    def found_no_faults(self) -> None:
        """Nothing was against the vendor's description."""
        for one in (self, *self.accounts):
            assert not one.faults, one.faults

    def key_of(self, headers: Mapping[str, str]) -> str | None:
        return self.accounts[0].key_of(headers)

    def answer(self, call: Call) -> Answer:
        asked = next((one for one in self.accounts if _knows(one, call)), self.accounts[0])
        asked.calls.append(call)
        return asked.answer(call)


def _knows(account: StripeEmulator | PayPalEmulator, call: Call) -> bool:
    shown = call.headers.get("authorization", "")
    if isinstance(account, StripeEmulator):
        return shown == f"Bearer {account.key}"
    pair = f"{account.client_id}:{account.client_secret}".encode()
    is_login = shown == f"Basic {base64.b64encode(pair).decode()}"
    return is_login or shown.removeprefix("Bearer ") in account.tokens
