"""Coins of the simulated chain, made out of nothing, and booked against `custody`, so that chain and books agree to the
unit. Real ones, which an operator says the house has sent, are `services.capital`'s.
"""

from __future__ import annotations

from django.db import transaction

from accounts.models import Merchant
from crypto import accounts, formats
from crypto.models import Endowment, Network, Token
from crypto.queries import hot_wallet
from crypto.services.gas import native_minor
from crypto.services.outgoing import TASK
from gateway.lib.jobs import wake
from gateway.lib.modes import Mode
from gateway.lib.money import Money
from ledger.services import Line, post

# In the native coin; a transaction costs far less on each.
_GAS_GIFTS = {"evm": 1, "tron": 1000, "solana": 1}


@transaction.atomic
def endow_merchant(*, merchant: Merchant, network: Network, amount: Money, reference: str) -> None:
    """Gives a merchant test money at once; the signer mints it for the hot wallet when it comes by."""
    made = Endowment.objects.get_or_create(
        reference=reference, defaults={"network": network, "currency": amount.currency, "amount_minor": amount.minor}
    )[1]
    if made:
        mode = Mode.TEST.value
        post(kind="deposit", reference=f"deposit:{reference}", mode=mode, lines=[
            Line(accounts.custody(mode, amount.currency, network.code), -amount.minor),
            Line(accounts.available(merchant.pk, mode, amount.currency, network.code), amount.minor),
        ])
        wake(TASK)


def mint_what_is_due() -> int:
    """Mints what was promised, wherever a signer has told its hot wallet. Chain and row change in one transaction."""
    due = Endowment.objects.filter(transaction_hash="").values_list("pk", flat=True)
    return sum(_mint(pk) for pk in list(due[:20]))


@transaction.atomic
def _mint(pk: int) -> bool:
    from crypto.chains.simulated import control

    row = Endowment.objects.select_for_update(of=("self",)).select_related("network").get(pk=pk)
    wallet = hot_wallet(row.network, row.mode)
    if row.transaction_hash or not wallet:
        return False
    token = Token.objects.get(network=row.network, mode=row.mode, currency=row.currency)
    units = formats.to_units(row.amount_minor, token.decimals)
    minted = control.mint(row.network, row.mode, currency=row.currency, recipient=wallet, units=units)
    Endowment.objects.filter(pk=pk).update(transaction_hash=minted)
    return True


@transaction.atomic
def give_gas(*, network: Network, mode: str, address: str) -> None:
    """The simulated chain's faucet, recorded as the house's own coins."""
    from crypto.chains.simulated import control

    units = _GAS_GIFTS[network.family] * 10**network.native_decimals
    given = control.give_native(network, mode, recipient=address, units=units)
    minor = native_minor(network, units)
    Endowment.objects.create(
        network=network, mode=mode, currency=network.native, amount_minor=minor, reference=f"gas:{given}"[:80],
        transaction_hash=given,
    )
    _book(network, mode, network.native, minor, given)


def _book(network: Network, mode: str, currency: str, minor: int, transaction_hash: str) -> None:
    reference = f"crypto:capital:{network.code}:{transaction_hash}"[:120]
    post(kind="crypto.capital", reference=reference, mode=mode, lines=[
        Line(accounts.custody(mode, currency, network.code), -minor),
        Line(accounts.capital(mode, currency, network.code), minor),
    ])
