"""Where a merchant's withdrawals may go: listed wallets, usable a while after they were added, never one of ours.

In live mode only listed ones count; in test mode any good address does, until the merchant has listed one. A sign-in
that was taken over cannot lead money elsewhere at once: the owner is told of every change, and the new address waits.
"""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import audit
from accounts.actors import Actor
from accounts.models import Merchant
from accounts.settlement import check_may_change, delay
from crypto import formats
from crypto.models import DepositAddress, HotWallet, Network, Token, Withdrawal, WithdrawalAddress
from gateway.lib.errors import IllegalTransition, InvalidFields
from gateway.lib.modes import Mode

_MOST = 50


@transaction.atomic
def add_address(
    *, actor: Actor, merchant: Merchant, mode: str, network: Network, address: str, label: str = ""
) -> WithdrawalAddress:
    """Raises `NotAllowed`, `NotFound`, `InvalidFields` (address, label)."""
    check_may_change(actor, merchant)
    clean = clean_foreign_address(network, address)
    if "\0" in label or len(label.strip()) > 60:
        raise InvalidFields(label="must have at most 60 characters")
    present = WithdrawalAddress.objects.filter(merchant=merchant, mode=mode, removed_at__isnull=True)
    if present.count() >= _MOST:
        raise InvalidFields(address=f"is one too many: {_MOST} are the most")
    try:
        with transaction.atomic():
            row = WithdrawalAddress.objects.create(
                merchant=merchant, mode=mode, network=network, address=clean, label=label.strip(),
                usable_from=timezone.now() + delay(mode), created_by=actor.user,
            )
    except IntegrityError as error:
        raise InvalidFields(address="is on the list already") from error
    _write_down(actor, row, "added")
    return row


@transaction.atomic
def remove_address(*, actor: Actor, address: WithdrawalAddress) -> None:
    """At once: a withdrawal there that has not begun fails, one that waits for its approval is given none (an operator
    rejects it), and one that is being sent goes on.

    Raises `NotAllowed`, `NotFound`, `IllegalTransition`.
    """
    check_may_change(actor, address.merchant)
    rows = WithdrawalAddress.objects.filter(pk=address.pk, removed_at__isnull=True)
    if not rows.update(removed_at=timezone.now(), notice_due=True):
        raise IllegalTransition("This address is not on the list any more.")
    _write_down(actor, address, "removed")


def _write_down(actor: Actor, row: WithdrawalAddress, what: str) -> None:
    audit.record(
        actor, f"withdrawal_address.{what}", row.merchant.public_id, merchant=row.merchant, mode=row.mode,
        detail=f"{row.address} on {row.network_id}",
    )


def clean_foreign_address(network: Network, text: str) -> str:
    """In the network's own spelling. Raises `InvalidFields` for a bad one, one of our own, and a token's."""
    if not text.strip():
        raise InvalidFields(address="is required")
    try:
        clean = formats.clean_address(network, text)
    except ValueError as error:
        raise InvalidFields(address=str(error)) from error
    if _is_ours(network, clean):
        raise InvalidFields(address="belongs to this gateway: money cannot be withdrawn to it")
    if _is_contract(network, clean):
        raise InvalidFields(address="is a token's own contract: whatever is sent to it is lost")
    return clean


def _is_contract(network: Network, address: str) -> bool:
    """Of any token known here, in either mode: it is copied from an explorer for a wallet, and nobody has its key."""
    form = formats.lookup_form(network, address)
    return Token.objects.filter(network__family=network.family, contract=form).exists()


def _is_ours(network: Network, address: str) -> bool:
    """On any network of the same family: whoever has the key has it on all of them."""
    form = formats.lookup_form(network, address)
    same = {"network__family": network.family}
    if DepositAddress.objects.filter(**same, lookup=form).exists():
        return True
    wallets = HotWallet.objects.filter(**same).values_list("address", flat=True)
    return form in {formats.lookup_form(network, wallet) for wallet in wallets}


def is_removed(withdrawal: Withdrawal) -> bool:
    """Whether the merchant took its wallet off the list since; never listed (test mode) is not removed.

    Listed anew it waits anew, for what was asked before as well: whoever lists it now may not be who asked then.
    """
    known = WithdrawalAddress.objects.filter(
        merchant=withdrawal.merchant_id, mode=withdrawal.mode, network=withdrawal.network_id,
        address=withdrawal.address,
    )
    return known.exists() and not known.filter(removed_at__isnull=True, usable_from__lte=timezone.now()).exists()


def check_address(*, merchant: Merchant, mode: str, network: Network, text: str) -> str:
    """An address that the merchant may withdraw to now, in the network's own spelling. Raises `InvalidFields`."""
    clean = clean_foreign_address(network, text)
    listed = WithdrawalAddress.objects.filter(merchant=merchant, mode=mode, removed_at__isnull=True)
    known = WithdrawalAddress.objects.filter(merchant=merchant, mode=mode, network=network, address=clean)
    if mode == Mode.TEST and not listed.exists() and not known.exists():
        return clean
    row = listed.filter(network=network, address=clean).first()
    if row is None:
        raise InvalidFields(address="is not on your list of withdrawal addresses")
    if row.usable_from > timezone.now():
        raise InvalidFields(address=f"can be used from {row.usable_from:%d %b %Y, %H:%M} UTC on")
    return clean
