"""Names of accounts. An account is made by its first posting; its code says everything about it."""

from __future__ import annotations

from dataclasses import dataclass

from ledger.models import LedgerAccount

Kind = LedgerAccount.Kind


@dataclass(frozen=True, slots=True)
class AccountKey:
    """One balance's identity. `network` is a chain (crypto balances are kept per network), `counterparty` whose
    clearing account it is."""

    kind: str
    mode: str
    currency: str
    merchant_id: int | None = None
    network: str = ""
    counterparty: str = ""

    @property
    def code(self) -> str:
        owner = "h" if self.merchant_id is None else f"m/{self.merchant_id}"
        money = f"{self.currency}.{self.network}" if self.network else self.currency
        kind = f"{self.kind}.{self.counterparty}" if self.counterparty else self.kind
        return f"{owner}/{self.mode}/{money}/{kind}"


def merchant_account(merchant_id: int, mode: str, currency: str, kind: str, network: str = "") -> AccountKey:
    """`kind`: available, pending or reserved."""
    return AccountKey(kind, mode, currency, merchant_id, network)


def house_account(mode: str, currency: str, kind: str, counterparty: str = "", network: str = "") -> AccountKey:
    """`kind`: fees, tax, gas, capital, exchange, corrections, or clearing with whose money it mirrors as
    `counterparty`."""
    return AccountKey(kind, mode, currency, None, network, counterparty)
