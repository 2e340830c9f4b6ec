"""What a bank, or whoever pays out for us, must be able to do.

Every call carries our own reference (the payout's public id); a second call with the same reference must be the
first one repeated. Adapters raise `ProviderDown` when nothing was sent and `ProviderTimeout` when it may have
arrived.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from gateway.lib.callbacks import Callback
from gateway.lib.money import Money
from gateway.lib.providers import Outcome


@dataclass(frozen=True, slots=True)
class Transfer:
    reference: str
    amount: Money
    method: str
    beneficiary_name: str
    account_number: str = field(repr=False)
    ifsc: str
    remarks: str = ""


class PayoutProvider(Protocol):
    name: str

    def pay(self, transfer: Transfer) -> Outcome: ...

    def status(self, reference: str) -> Outcome:
        """What became of a transfer of ours; `absent` only if the bank asserts that it never heard of it."""


@runtime_checkable
class CallingBank(PayoutProvider, Protocol):
    """A bank that also tells us by itself; one without `read_callback` is asked until it has an answer."""

    def read_callback(self, headers: Mapping[str, str], body: bytes) -> Callback:
        """Raises `BadCallback` for what is not authentic or not readable. `headers` have lower-case names."""
