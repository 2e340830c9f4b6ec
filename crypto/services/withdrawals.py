"""A withdrawal is asked for: checked, its amount held in the ledger, and approved by itself within the limit.

`create_withdrawal` never sends anything; a worker starts what is approved (`withdrawal_steps`). The fee is part of the
amount: `net` is what is sent.
"""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from accounts.actors import Actor
from accounts.models import Merchant, User
from crypto import formats
from crypto.chains.registry import is_enabled, token_for
from crypto.models import Network, Token, Withdrawal
from crypto.services import withdrawal_fiat
from crypto.services.allow_list import check_address
from crypto.services.withdrawal_deciding import approve_withdrawal, reject_withdrawal
from crypto.services.withdrawal_ends import post_hold, write_down
from crypto.services.withdrawal_limits import check_daily_limit, needs_approval
from crypto.services.withdrawal_steps import TASK
from gateway.lib.crash import crash_point
from gateway.lib.errors import InvalidFields, ProviderUnavailable
from gateway.lib.jobs import wake
from gateway.lib.money import Money
from ledger.fees import Quote, quote
from ledger.models import FeePlan

__all__ = ["approve_withdrawal", "create_withdrawal", "quote_withdrawal", "reject_withdrawal"]

Method = Withdrawal.Method
CURRENCIES = ("USDT", "USDC")


@transaction.atomic
def create_withdrawal(
    *, actor: Actor, merchant: Merchant, mode: str, amount: Money, method: str, network: str = "", address: str = "",
    note: str = "", created_by: User | None = None,
) -> Withdrawal:
    """Holds `amount` on its network (fiat: on the networks with most, or `network` alone).

    Raises `InvalidFields` (amount, currency, method, network, address), `ProviderUnavailable`, `NoSettlementAccount`,
    `DailyLimitReached`, `InsufficientBalance`.
    """
    _check_words(amount, method, note)
    row = Withdrawal(
        merchant=merchant, mode=mode, method=method, currency=amount.currency, amount_minor=amount.minor,
        note=note.strip(), needs_approval=needs_approval(amount), created_by=created_by,
    )
    _checked_network(row, network, is_required=method == Method.CRYPTO)
    charge = quote_withdrawal(merchant=merchant, amount=amount, token=_token(row))
    row.fee_minor, row.tax_minor = charge.fee_minor, charge.tax_minor
    if method == Method.CRYPTO:
        row.address = check_address(merchant=merchant, mode=mode, network=_network(row), text=address)
    elif address:
        raise InvalidFields(address="is not used: money goes to the settlement account")
    Merchant.objects.select_for_update(no_key=True).get(pk=merchant.pk)  # one withdrawal of a merchant at a time
    row.created_at = row.updated_at = timezone.now()
    check_daily_limit(merchant, mode, amount, row.created_at)
    if method == Method.FIAT:
        withdrawal_fiat.prepare(row)
    else:
        row.held = {network: amount.minor}
    return _hold(actor, row)


def _hold(actor: Actor, row: Withdrawal) -> Withdrawal:
    if not row.needs_approval:
        row.due_at = timezone.now()
    row.save(force_insert=True)
    write_down(actor, row, "withdrawal.created", detail=f"{row.amount} {row.currency} held, {_where(row)}")
    crash_point("withdrawal.before_hold")
    post_hold(row)
    crash_point("withdrawal.after_hold")
    if row.due_at:
        wake(TASK)
    return row


def quote_withdrawal(*, merchant: Merchant, amount: Money, token: Token | None) -> Quote:
    """The fee; what is left is a whole number of the token's own units, so that all of it can be sent.

    Raises `InvalidFields` when the amount has too many places, or the fee eats all of it.
    """
    charge = quote(merchant_id=merchant.pk, product=FeePlan.Product.CRYPTO_WITHDRAWAL, amount=amount)
    fee = charge.fee_minor
    if token is not None and token.decimals < formats.LEDGER_PLACES:
        unit = 10 ** (formats.LEDGER_PLACES - token.decimals)
        if amount.minor % unit:
            raise InvalidFields(amount=f"must have at most {token.decimals} decimal places on {token.network_id}")
        fee = -(-fee // unit) * unit
    if fee >= amount.minor:
        raise InvalidFields(amount="must be more than the fee")
    return Quote(fee, charge.tax_minor)


def _check_words(amount: Money, method: str, note: str) -> None:
    if amount.currency not in CURRENCIES:
        raise InvalidFields(currency=f"must be one of {', '.join(CURRENCIES)}")
    if amount.minor <= 0:
        raise InvalidFields(amount="must be greater than zero")
    if method not in Method.values:
        raise InvalidFields(method=f"must be one of {', '.join(Method.values)}")
    if len(note.strip()) > 200 or "\0" in note:
        raise InvalidFields(note="must have at most 200 characters")


def _checked_network(row: Withdrawal, code: str, *, is_required: bool) -> None:
    """Raises `ProviderUnavailable` for one that is off in this mode: nothing could be sent there."""
    if not code and not is_required:
        return
    found = Network.objects.filter(code=code).first()
    if found is None or _token_on(found, row) is None:
        codes = Network.objects.filter(tokens__currency=row.currency, tokens__mode=row.mode, tokens__active=True)
        raise InvalidFields(network=f"must be one of {', '.join(codes.distinct().values_list('code', flat=True))}")
    if not is_enabled(found, row.mode):
        raise ProviderUnavailable(f"{found.name} is not switched on in {row.mode} mode. Nothing was created.")
    row.network = found


def _token_on(network: Network, row: Withdrawal) -> Token | None:
    return token_for(network, row.mode, row.currency)


def _token(row: Withdrawal) -> Token | None:
    """Only what is sent on a chain must fit the chain's places."""
    return _token_on(row.network, row) if row.network is not None and row.method == Method.CRYPTO else None


def _network(row: Withdrawal) -> Network:
    assert row.network is not None
    return row.network


def _where(row: Withdrawal) -> str:
    if row.method == Method.CRYPTO:
        return f"to {row.address} on {row.network_id}"
    return f"for {Money(row.inr_minor, 'INR')} INR at {row.rate}, from {', '.join(row.held)}"
