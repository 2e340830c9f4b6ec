"""Coins that an operator says the house has sent to a hot wallet: recorded once each, and mended where they were
mistyped. A record is a posting; its reference holds mode, network, coin and transaction, those of before only network
and transaction. It is mended by its reverse, once (`:reversed`), and by what is right, in one transaction.
"""

from __future__ import annotations

from django.db import transaction

from accounts import audit
from accounts.actors import Actor
from accounts.operators import super_admin
from crypto import accounts
from crypto.models import Network, Token
from crypto.services.house_money import lock_house, own_minor
from gateway.lib.errors import IllegalTransition, InvalidFields
from gateway.lib.money import Money
from ledger.models import Posting
from ledger.services import Line, post

KIND, REVERSAL, OLD = "crypto.capital", ":reversed", "crypto:capital:"
_LONGEST = 120  # of a posting's reference
_MOST = 99  # times that one transaction is mended


@transaction.atomic
def record_capital(*, actor: Actor, network: Network, mode: str, amount: Money, transaction_hash: str) -> None:
    """A super admin says that the house has sent this to the hot wallet. Each transaction is booked once a coin.

    Raises `NotAllowed`, `NotFound` (no hot wallet), `InvalidFields`. The next reconciliation tells whether it is true.
    """
    super_admin(actor)
    known = coins_of(network, mode)
    if amount.currency not in known:
        raise InvalidFields(currency=f"must be one of {', '.join(known)}")
    if amount.minor <= 0:
        raise InvalidFields(amount="must be greater than zero")
    if not transaction_hash.strip():
        raise InvalidFields(transaction_hash="is required")
    lock_house(network, mode)
    spelled = _spelled(network, transaction_hash)
    if _was_recorded_before(network, mode, amount.currency, spelled, transaction_hash.strip()):
        raise InvalidFields(transaction_hash=f"is recorded already for {amount.currency}: correct that record")
    reference = _free_reference(network, mode, amount.currency, spelled)
    post(kind=KIND, reference=reference, mode=mode, lines=_lines(network, mode, amount, 1))
    _write_down(actor, "capital.recorded", network, mode, f"{amount} {amount.currency}, {spelled}")


@transaction.atomic
def correct_capital(*, actor: Actor, record: Posting, reason: str, amount: Money | None) -> None:
    """Takes a record back, once, and records `amount` for the same transaction in its place (None: nothing).

    Raises `NotAllowed`, `InvalidFields` (reason, amount), `IllegalTransition` (taken back already, or without it the
    house would hold less of a token than merchants own, or than it is about to take out).
    """
    super_admin(actor)
    if not reason.strip():
        raise InvalidFields(reason="is required")
    network, was, hash_ = recorded(record)
    if amount is not None and (amount.minor <= 0 or amount == was):
        raise InvalidFields(amount="must be another one than was recorded, and greater than zero")
    lock_house(network, record.mode)
    if Posting.objects.filter(reference=record.reference + REVERSAL).exists():
        raise IllegalTransition("This record was taken back already.")
    post(
        kind="crypto.capital_reversed", reference=record.reference + REVERSAL, mode=record.mode,
        lines=_lines(network, record.mode, was, -1),
    )
    said = f"{was} {was.currency}, {hash_}"
    _write_down(actor, "capital.reversed", network, record.mode, f"{said}: {reason.strip()}")
    if amount is not None:
        record_capital(actor=actor, network=network, mode=record.mode, amount=amount, transaction_hash=hash_)
    # Of coins that pay fees merchants own none; what was spent and never recorded must not keep a mistake alive.
    if was.currency != network.native and own_minor(network, record.mode, was.currency) < 0:
        raise IllegalTransition(
            f"Without it the house would hold less {was.currency} on {network.name} than merchants own. Nothing was "
            "changed."
        )


def recorded(record: Posting) -> tuple[Network, Money, str]:
    """Where, how much, and by which transaction: of a record, old ones too."""
    entry = record.entries.select_related("account").get(account__kind="capital")
    account = entry.account
    head = record.reference.removeprefix(_prefix(account.network, record.mode, account.currency))
    hash_ = head.partition(":")[0] if head != record.reference else record.reference.split(":", 3)[-1]
    return Network.objects.get(code=account.network), Money(entry.amount, account.currency), hash_


def coins_of(network: Network, mode: str) -> list[str]:
    """The network's own coin and its tokens."""
    return [network.native, *Token.objects.filter(network=network, mode=mode).values_list("currency", flat=True)]


def _spelled(network: Network, transaction_hash: str) -> str:
    """One spelling for one transaction: base58 tells capitals apart, hexadecimal digits do not."""
    text = transaction_hash.strip()
    if ":" in text:
        raise InvalidFields(transaction_hash="is no transaction hash")
    return text if network.family == Network.Family.SOLANA else text.lower()


def _prefix(network: str, mode: str, currency: str) -> str:
    return f"coins:{mode}:{network}:{currency}:"


def _was_recorded_before(network: Network, mode: str, currency: str, *spellings: str) -> bool:
    """In the form of old, which does not hold the coin."""
    rows = Posting.objects.filter(
        reference__in=[f"{OLD}{network.code}:{each}"[:_LONGEST] for each in spellings], mode=mode,
        entries__account__currency=currency,
    )
    found = set(rows.values_list("reference", flat=True))
    undone = Posting.objects.filter(reference__in=[each + REVERSAL for each in found])
    return undone.count() < len(found)


def _free_reference(network: Network, mode: str, currency: str, spelled: str) -> str:
    """The first is without a number; each later one follows a record that was taken back. Under the house's lock."""
    first = _prefix(network.code, mode, currency) + spelled
    if len(f"{first}:{_MOST}{REVERSAL}") > _LONGEST:
        raise InvalidFields(transaction_hash="is too long")
    taken = set(Posting.objects.filter(reference__startswith=first).values_list("reference", flat=True))
    for number in range(1, _MOST + 1):
        reference = first if number == 1 else f"{first}:{number}"
        if reference not in taken:
            return reference
        if reference + REVERSAL not in taken:
            break
    raise InvalidFields(transaction_hash=f"is recorded already for {currency}: correct that record")


def _lines(network: Network, mode: str, amount: Money, sign: int) -> list[Line]:
    return [
        Line(accounts.custody(mode, amount.currency, network.code), -sign * amount.minor),
        Line(accounts.capital(mode, amount.currency, network.code), sign * amount.minor),
    ]


def _write_down(actor: Actor, action: str, network: Network, mode: str, detail: str) -> None:
    audit.record(actor, action, f"hot-wallet-{network.code}", mode=mode, detail=detail[:200])
