"""Withdrawals to a bank account: tokens against rupees through the house's exchange accounts, then a payout.

The rate is promised on request. The tokens stay where they are on chain; in the books they become the house's. What
the payout costs is taken from the rupees. If it fails, the conversion is undone in the same transaction that released
it: the merchant has its tokens again, on the networks they came from, and never the rupees as well. See decision 15.
"""

from __future__ import annotations

from django.conf import settings
from django.utils import timezone

from accounts.actors import Actor
from accounts.models import SettlementAccount
from accounts.settlement import settlement_account
from crypto import accounts
from crypto.chains.registry import is_enabled, token_for
from crypto.errors import NoSettlementAccount, RateMissing
from crypto.models import Withdrawal
from crypto.services.withdrawal_ends import available, end_failed, lock, post_step, reserved, write_down
from gateway.lib.errors import InvalidFields
from gateway.lib.ids import random_text
from gateway.lib.money import Money
from gateway.lib.work import ended
from ledger.errors import InsufficientBalance
from ledger.fees import quote
from ledger.models import FeePlan, LedgerAccount
from ledger.services import Line, house_account, merchant_account
from payouts.models import Payout
from payouts.providers.registry import provider_for
from payouts.services import create_payout

Status = Withdrawal.Status
_BANK = Actor.system("bank")
_TOKEN = 10**8
_CONTRACT = "dashboard"


def prepare(row: Withdrawal) -> None:
    """Sets the rate, the rupees, and from which networks the tokens come.

    Raises `RateMissing`, `ProviderUnavailable`, `NoSettlementAccount`, `InvalidFields`, `InsufficientBalance`.
    """
    rate = settings.CRYPTO_INR_RATES.get(row.currency)
    if rate is None:
        raise RateMissing()
    provider_for(row.mode, row.merchant)
    _usable_account(row)
    row.rate = str(Money(rate, "INR"))
    row.inr_minor = row.net.minor * rate // _TOKEN
    if _payable(row) <= 0:
        raise InvalidFields(amount="is too small: the bank's charge would eat it")
    row.held = _draw(row)


def _usable_account(row: Withdrawal) -> SettlementAccount:
    account = settlement_account(row.merchant, row.mode)
    if account is None:
        raise NoSettlementAccount()
    if account.usable_from > timezone.now():
        raise NoSettlementAccount(
            f"The settlement account was changed. It can be used from {account.usable_from:%d %b %Y, %H:%M} UTC on."
        )
    return account


def _payable(row: Withdrawal) -> int:
    """The largest amount that, with the payout's charge on it, is not more than the rupees given."""
    guess = row.inr_minor - _charge(row, row.inr_minor)
    if guess <= 0 or guess + _charge(row, guess) == row.inr_minor:
        return max(guess, 0)  # a fixed charge, as a rule
    low, high = guess, row.inr_minor
    while low < high:
        middle = (low + high + 1) // 2
        if middle + _charge(row, middle) <= row.inr_minor:
            low = middle
        else:
            high = middle - 1
    return low


def _charge(row: Withdrawal, amount: int) -> int:
    return quote(merchant_id=row.merchant_id, product=FeePlan.Product.PAYOUT, amount=Money(amount, "INR")).fee_minor


def _draw(row: Withdrawal) -> dict[str, int]:
    """From the networks with most first, and from none that is off or whose token is: the tokens become the house's,
    which may have switched it off because it does not want them. Raises `InsufficientBalance` if all together have too
    little."""
    rows = LedgerAccount.objects.filter(
        merchant=row.merchant, mode=row.mode, currency=row.currency, kind="available", balance__gt=0
    ).exclude(network="")
    if row.network is not None:
        rows = rows.filter(network=row.network.code)
    held: dict[str, int] = {}
    missing = row.amount_minor
    for network, balance in rows.order_by("-balance", "network").values_list("network", "balance"):
        if missing and is_enabled(network, row.mode) and token_for(network, row.mode, row.currency) is not None:
            held[network] = min(balance, missing)
            missing -= held[network]
    if missing:
        raise InsufficientBalance()
    return held


def pay_out(actor: Actor, row: Withdrawal) -> None:
    """Converts what is held and makes the payout, in the caller's transaction.

    Raises what `create_payout` raises, and `NoSettlementAccount`; then nothing was changed.
    """
    account = _usable_account(row)
    amount = _payable(row)
    # Exactly what the payout takes; a paisa that its charge leaves over stays with the house.
    row.inr_minor = amount + _charge(row, amount)
    post_step(row, "convert", [*reserved(row, -1), *_earned(row, 1), *_exchanged(row, 1)])
    payout = create_payout(
        actor=actor, merchant=row.merchant, mode=row.mode, contract=_CONTRACT, amount=Money(amount, "INR"),
        reference=f"{row.public_id}-{random_text(6)}", beneficiary_name=account.holder,
        account_number=account.account_number, ifsc=account.ifsc, bank_name=account.bank_name,
        remarks=f"Withdrawal {row.pk}", created_by=row.created_by,
    )
    row.advance(
        Status.PROCESSING, processed_at=timezone.now(), payout=payout, inr_minor=row.inr_minor, trouble="", **ended()
    )
    write_down(actor, row, "withdrawal.processing", detail=f"Payout {payout.public_id} of {payout.amount} INR")


def payout_ended(payout: Payout) -> None:
    """Called within the transaction that ends a payout, whoever's it is; again for one that the bank returns."""
    row = Withdrawal.objects.filter(payout=payout).first()
    if row is None:
        return
    row = lock(row)
    if payout.status == Payout.Status.PROCESSED:
        row.advance(Status.COMPLETED, completed_at=timezone.now(), **ended())
        write_down(_BANK, row, "withdrawal.completed", event="withdrawal.completed", detail=f"UTR {payout.utr}")
        return
    end_failed(_BANK, row, "payout_failed", f"The payout failed: {payout.failure_reason}")
    post_step(row, "return", [*available(row, 1), *_earned(row, -1), *_exchanged(row, -1)])


def _fee_shares(row: Withdrawal) -> dict[str, int]:
    """The fee, taken from the networks with most first; the database keeps no order of its own."""
    shares, left = {}, row.fee_minor
    for network, minor in sorted(row.held.items(), key=lambda item: (-item[1], item[0])):
        shares[network] = min(minor, left)
        left -= shares[network]
    return shares


def _earned(row: Withdrawal, sign: int) -> list[Line]:
    tax, lines = row.tax_minor, []
    for network, share in _fee_shares(row).items():
        part = min(tax, share)
        tax -= part
        lines.append(Line(accounts.fees(row.mode, row.currency, network), sign * (share - part)))
        lines.append(Line(accounts.tax(row.mode, row.currency, network), sign * part))
    return lines


def _exchanged(row: Withdrawal, sign: int) -> list[Line]:
    """The tokens to the house, network by network, and the rupees to the merchant."""
    shares = _fee_shares(row)
    lines = [
        Line(house_account(row.mode, row.currency, "exchange", network=network), sign * (minor - shares[network]))
        for network, minor in row.held.items()
    ]
    return [
        *lines,
        Line(house_account(row.mode, "INR", "exchange"), -sign * row.inr_minor),
        Line(merchant_account(row.merchant_id, row.mode, "INR", "available"), sign * row.inr_minor),
    ]
