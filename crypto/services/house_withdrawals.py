"""The house takes its own coins out: proposed by one super admin, confirmed by another in live mode, and sent by the
machinery that sends merchants' withdrawals. See decision 27.

Only of what is the house's own, checked under the house's lock as it is proposed and again as it is confirmed. What is
open counts as taken; in the books it leaves custody and capital once its transaction is confirmed, and if that fails,
nothing was booked.
"""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.actors import Actor
from accounts.notices import tell_super_admins
from accounts.operators import check_second_person, super_admin
from crypto import accounts, formats
from crypto.chains.registry import is_enabled, known_token
from crypto.models import HouseWithdrawal, Network, Outgoing
from crypto.services.allow_list import clean_foreign_address
from crypto.services.capital import coins_of
from crypto.services.gas import native_units
from crypto.services.house_money import lock_house, own_minor
from crypto.services.outgoing import create_outgoing, take_back
from gateway.lib.crash import crash_point
from gateway.lib.errors import IllegalTransition, InvalidFields, ProviderUnavailable
from gateway.lib.modes import Mode
from gateway.lib.money import Money
from ledger.services import Line, post

Status = HouseWithdrawal.Status
_CHAIN = Actor.system("chain")
_HOT = -1


@transaction.atomic
def propose_house_withdrawal(
    *, actor: Actor, network: Network, mode: str, amount: Money, address: str, note: str
) -> HouseWithdrawal:
    """Nothing is sent before it is confirmed.

    Raises `NotAllowed`, `NotFound` (no hot wallet), `InvalidFields` (currency, amount, address, note),
    `ProviderUnavailable`.
    """
    user = super_admin(actor)
    if amount.currency not in coins_of(network, mode):
        raise InvalidFields(currency=f"must be one of {', '.join(coins_of(network, mode))}")
    if not note.strip() or len(note.strip()) > 200:
        raise InvalidFields(note="is required, with at most 200 characters")
    if not is_enabled(network, mode):
        raise ProviderUnavailable(f"{network.name} is not switched on in {mode} mode. Nothing was created.")
    row = HouseWithdrawal(
        network=network, mode=mode, currency=amount.currency, amount_minor=amount.minor, note=note.strip(),
        token=known_token(network, mode, amount.currency), address=clean_foreign_address(network, address),
        created_by=user,
    )
    _units(row)
    lock_house(network, mode)
    own = own_minor(network, mode, amount.currency)
    if amount.minor > own:
        left = Money(max(own, 0), amount.currency)
        raise InvalidFields(amount=f"is more than the house's own: {left} {left.currency} on {network.name}")
    row.save(force_insert=True)
    what = f"{amount} {amount.currency} to {row.address} on {network.code}: {row.note}"
    _write_down(actor, row, "created", what)
    if mode == Mode.LIVE:
        tell_super_admins(actor, row.public_id, "A house withdrawal was proposed", f"House withdrawal {row.pk}: {what}")
    return row


@transaction.atomic
def confirm_house_withdrawal(*, actor: Actor, withdrawal: HouseWithdrawal) -> HouseWithdrawal:
    """Orders it from the signer. In live mode whoever proposed it does not confirm it, nor does one they just made.

    Raises `NotAllowed`, `OwnRecord`, `IllegalTransition`, `InvalidFields` (the address is ours by now),
    `ProviderUnavailable`.
    """
    user = super_admin(actor)
    wallet = lock_house(withdrawal.network, withdrawal.mode)
    row = _lock(withdrawal)
    if row.mode == Mode.LIVE:
        check_second_person(row.created_by, user)
    if row.status != Status.PENDING:
        raise IllegalTransition("It does not wait for a second person any more.")
    if not is_enabled(row.network, row.mode):
        raise ProviderUnavailable(f"{row.network.name} is not switched on in {row.mode} mode. Nothing was sent.")
    clean_foreign_address(row.network, row.address)
    # What is open counts as taken, this one included.
    if own_minor(row.network, row.mode, row.currency) < 0:
        raise IllegalTransition("It is more than the house's own by now. Reject it, and propose what is left.")
    outgoing = create_outgoing(
        purpose=Outgoing.Purpose.HOUSE, network=row.network, mode=row.mode, sender=wallet.address, sender_index=_HOT,
        recipient=row.address, token=row.token, units=_units(row),
    )
    crash_point("house_withdrawal.ordered")
    row.advance(Status.PROCESSING, outgoing=outgoing, confirmed_by=user, confirmed_at=timezone.now())
    _write_down(actor, row, "confirmed", f"{row.amount} {row.currency} to {row.address} on {row.network_id}")
    return row


@transaction.atomic
def reject_house_withdrawal(*, actor: Actor, withdrawal: HouseWithdrawal, reason: str) -> HouseWithdrawal:
    """One that waits, or that nothing was signed for yet; by whoever proposed it, too.

    Raises `NotAllowed`, `InvalidFields` (reason), `IllegalTransition`.
    """
    super_admin(actor)
    if not reason.strip():
        raise InvalidFields(reason="is required")
    withdrawal.refresh_from_db()
    # Its transaction is locked before its own row, as by whoever ends a transaction.
    if withdrawal.outgoing is not None and not take_back(outgoing=withdrawal.outgoing):
        raise IllegalTransition("It is on its way already, or has ended.")
    row = _lock(withdrawal)
    if row.status != withdrawal.status:
        raise IllegalTransition("It has moved on meanwhile. Look again.")
    row.advance(Status.REJECTED, failure_reason=reason.strip()[:200], ended_at=timezone.now())
    _write_down(actor, row, "rejected", reason.strip())
    return row


@transaction.atomic
def end_house_withdrawal(*, withdrawal: HouseWithdrawal, sent: bool, failure: str) -> None:
    """In the transaction that ends its `Outgoing`: it has left custody, or nothing ever will."""
    row = _lock(withdrawal)
    if not sent:
        row.advance(Status.FAILED, failure_reason=failure[:200], ended_at=timezone.now())
        _write_down(_CHAIN, row, "failed", failure)
        return
    row.advance(Status.COMPLETED, ended_at=timezone.now())
    hash_ = row.outgoing.transaction_hash if row.outgoing is not None else ""
    _write_down(_CHAIN, row, "completed", f"Transaction {hash_}")
    post(kind="crypto.house_withdrawal", reference=f"crypto:house:{row.pk}:sent", mode=row.mode, lines=[
        Line(accounts.custody(row.mode, row.currency, row.network_id), row.amount_minor),
        Line(accounts.capital(row.mode, row.currency, row.network_id), -row.amount_minor),
    ])


def _lock(withdrawal: HouseWithdrawal) -> HouseWithdrawal:
    rows = HouseWithdrawal.objects.select_for_update(no_key=True, of=("self",))
    return rows.select_related("network", "token__network", "outgoing").get(pk=withdrawal.pk)


def _units(row: HouseWithdrawal) -> int:
    """The chain's units of it. Raises `InvalidFields` for nothing, or for more places than the chain has."""
    if row.amount_minor <= 0:
        raise InvalidFields(amount="must be greater than zero")
    if row.token is None:
        try:
            return native_units(row.network, row.amount_minor)
        except ValueError as error:
            raise InvalidFields(amount=str(error)) from error
    missing = formats.LEDGER_PLACES - row.token.decimals
    if missing > 0 and row.amount_minor % 10**missing:
        raise InvalidFields(amount=f"must have at most {row.token.decimals} decimal places on {row.network_id}")
    return formats.to_units(row.amount_minor, row.token.decimals)


def _write_down(actor: Actor, row: HouseWithdrawal, what: str, detail: str) -> None:
    audit.record(actor, f"house_withdrawal.{what}", row.public_id, mode=row.mode, detail=detail[:300])
