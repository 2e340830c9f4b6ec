"""Live UPI without a payment company: payers send money to UPI ids of our own, and a bank statement proves it.

Nobody is called. A payment that its payer confirmed stays `processing` until an operator approves or rejects it, or a
line of a statement matches it (payments/statements). A refund is sent by hand, and ended by an operator.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn

from gateway.lib.errors import ProviderUnavailable
from gateway.lib.providers import Outcome
from payments.errors import BadCallback
from payments.providers.base import Charge, Reversal
from payments.providers.cards import CardDetails


class ManualUpi:
    name = "manual_upi"
    captures_at_once = True
    decided_by_people = True

    def tokenise(self, card: CardDetails) -> NoReturn:
        raise ProviderUnavailable("Cards cannot be taken in live mode. Nothing was created.")

    def authorise(self, charge: Charge) -> Outcome:
        return Outcome("pending")

    def capture(self, charge: Charge) -> Outcome:
        return Outcome("pending")

    def refund(self, reversal: Reversal) -> Outcome:
        return Outcome("pending")

    def status(self, reference: str) -> Outcome:
        return Outcome("pending")

    def read_callback(self, headers: Mapping[str, str], body: bytes) -> NoReturn:
        raise BadCallback()


MANUAL_UPI = ManualUpi()
