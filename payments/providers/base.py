"""What a payment provider must be able to do. Adapters speak a provider's own language and nothing of our states.

Every call carries our own reference (the payment's or refund's public id), and the provider must treat a second
call with the same reference as the first one repeated. Adapters raise `ProviderDown` when nothing was sent and
`ProviderTimeout` when it may have arrived, and hold no state of ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from gateway.lib.callbacks import Callback as Callback  # adapters take it from here
from gateway.lib.callbacks import Message, kept_id
from gateway.lib.money import Money
from gateway.lib.providers import Outcome
from payments.providers.cards import CardDetails


@dataclass(frozen=True, slots=True)
class Charge:
    """Money wanted from a payer: by `vpa`, by `token` (a card), or by what the payer says was sent (`claimed_utr`).

    `return_url` is our own page, where the payer's browser goes after a step at the bank, by GET or POST. Nothing that
    it brings along is read.
    """

    reference: str
    amount: Money
    method: str
    vpa: str = ""
    token: str = field(default="", repr=False)
    claimed_utr: str = ""
    capture: bool = True
    return_url: str = ""


@dataclass(frozen=True, slots=True)
class Reversal:
    """Money to give back of the charge `charge_reference`."""

    reference: str
    charge_reference: str
    amount: Money


@dataclass(frozen=True, slots=True)
class Chargeback(Message):
    """Of our payment `reference` the provider took money back, or, with `returned`, gave it back after that (a dispute
    that was won). `chargeback_id` is the provider's, the same in both messages; `code` its reason.
    """

    chargeback_id: str
    amount_minor: int
    currency: str
    code: str = ""
    returned: bool = False

    def __post_init__(self) -> None:
        Message.__post_init__(self)
        if type(self.amount_minor) is not int or not 0 < self.amount_minor < 1 << 63:
            raise ValueError("the amount of a chargeback is a positive integer of minor units")
        if not (self.currency.isascii() and self.currency.isalnum()):
            raise ValueError("the currency of a chargeback is its code")
        object.__setattr__(self, "chargeback_id", kept_id(self.chargeback_id))
        object.__setattr__(self, "currency", self.currency[:8])
        object.__setattr__(self, "code", "".join(filter(str.isprintable, self.code))[:40])


class PaymentProvider(Protocol):
    name: str
    # An authorisation moves the money at once (UPI): a capture is then a matter of our books alone.
    captures_at_once: bool
    # Nobody is called: operators and bank statements decide, into accounts of our own (`ReceivingAccount`).
    decided_by_people: bool

    def tokenise(self, card: CardDetails) -> str:
        """A token of at most 120 characters that stands for the card and contains nothing of it."""

    def authorise(self, charge: Charge) -> Outcome:
        """Pending with `step_url` where the payer must first go to the bank."""

    def capture(self, charge: Charge) -> Outcome: ...

    def refund(self, reversal: Reversal) -> Outcome: ...

    def status(self, reference: str) -> Outcome:
        """What became of a charge or a refund of ours; with `step_url` again while the payer is still to go there."""

    def read_callback(self, headers: Mapping[str, str], body: bytes) -> Callback | Chargeback:
        """Raises `BadCallback` for what is not authentic or not readable. `headers` have lower-case names."""
