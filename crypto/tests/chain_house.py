"""A house on the simulated chain, for the tests of sending: money that came in and was credited, and a clock that the
test moves.
"""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from accounts.actors import Actor
from crypto import accounts, formats, sending, sweeping
from crypto.chains.simulated import control
from crypto.models import ChainTransaction, DepositAddress, Outgoing, Sender, Sweep, Token, Withdrawal
from crypto.services import withdrawal_steps
from crypto.services.pool import fill_pool_of
from crypto.services.reconciling import reconcile
from crypto.services.withdrawals import create_withdrawal
from gateway.lib.money import Money
from ledger.queries import wallets
from ledger.services import Line, post
from ledger.testing import assert_ledger_balances

ONE = 10**8  # of a token, in the ledger's units
ADMIN = Actor.system("tests")
OUTSIDE = {
    "BSC": "0x52908400098527886E0F7030069857D2E4169EE7",
    "ETH": "0x8617E340B3D01FA5F11F306F4090FD50E238070D",
    "TRX": "TJRabPrwbZy45sbavfcjinPJC18kjpRTv8",
    "SOL": "4zMMC9srt5Ri5X14GAgXhaHii3GnPAEERYPJgZJDncDU",
}


def open_house(network):
    """A hot wallet and three addresses."""
    fill_pool_of(network=network, mode="test")


def receive(merchant, network, minor, *, currency="USDT", address=None, dust=0):
    """A payment to an address, confirmed and credited in full."""
    token = Token.objects.get(network=network, mode="test", currency=currency)
    if address is None:
        address = DepositAddress.objects.filter(network=network, mode="test", times_used=0).order_by("index")[0]
    units = formats.to_units(minor, token.decimals) + dust
    paid = control.pay(network, currency=currency, recipient=address.address, units=units)
    control.mine(network)
    row = ChainTransaction.objects.create(
        type="incoming", status="confirmed", merchant=merchant, mode="test", network=network, currency=currency,
        transaction_hash=paid, amount_minor=minor, raw_units=str(units), sender="outside", recipient=address.address,
        address=address, credited_minor=minor, confirmed_at=timezone.now(),
    )
    DepositAddress.objects.filter(pk=address.pk).update(
        merchant=merchant, times_used=1, received_minor=address.received_minor + minor
    )
    post(kind="crypto.credit", reference=f"crypto:credit:{row.pk}", mode="test", lines=[
        Line(accounts.custody("test", currency, network.code), -minor),
        Line(accounts.available(merchant.pk, "test", currency, network.code), minor),
    ])
    return DepositAddress.objects.get(pk=address.pk)


def withdraw(merchant, minor, network="BSC", *, currency="USDT", address=None, method="crypto", created_by=None):
    return create_withdrawal(
        actor=Actor(created_by, "tests"), merchant=merchant, mode="test", amount=Money(minor, currency), method=method,
        network=network, address=(address or OUTSIDE[network]) if method == "crypto" else "", created_by=created_by,
    )


def everything_is_due():
    """As if every wait and every lease had passed."""
    long_ago = timezone.now() - timedelta(minutes=10)
    for model in (Outgoing, Sweep, Withdrawal):
        model.objects.filter(leased_until__isnull=False).update(leased_until=long_ago)
        model.objects.filter(due_at__isnull=False).update(due_at=long_ago)
    Sender.objects.filter(leased_until__isnull=False).update(leased_until=long_ago)


def step(*networks, blocks=1):
    """Everybody does what is due, and a block comes."""
    everything_is_due()
    withdrawal_steps.drive_withdrawals()
    sweeping.sweep_what_is_due()
    sending.drive_outgoing(limit=100)
    for network in networks:
        control.mine(network, blocks)


def settle_down(*networks, rounds=12):
    """Until nothing is open any more."""
    for _ in range(rounds):
        step(*networks, blocks=40)
        if not is_busy():
            return
    raise AssertionError(f"still open: {[(o.purpose, o.status, o.waits_for, o.flag) for o in Outgoing.objects.all()]}")


def is_busy():
    return (
        Outgoing.objects.exclude(status__in=["confirmed", "failed"]).exists()
        or Sweep.objects.exclude(status__in=["swept", "failed"]).exists()
    )


def own(merchant, network="BSC", currency="USDT"):
    """(available, reserved) in 10⁻⁸."""
    for wallet in wallets(merchant_ids=[merchant.pk], mode="test"):
        if (wallet.currency, wallet.network) == (currency, network):
            return wallet.available_minor, wallet.reserved_minor
    return 0, 0


def assert_exact(*networks):
    """The books hold together, and the chain says the same."""
    assert_ledger_balances()
    rows = reconcile(("test",), networks)
    assert rows
    assert [str(row) for row in rows if not row.is_exact] == []
