"""Beneficiaries: known from their first payout on, blocked and unblocked, and trusted once money has reached them."""

from __future__ import annotations

import hashlib

from django.conf import settings
from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from accounts import audit
from accounts.actors import Actor
from accounts.models import Role
from accounts.operators import acting_for
from gateway.lib.compiled import Compiled, Slot
from gateway.lib.errors import InvalidFields
from gateway.lib.money import Money
from payouts.banks import bank_of
from payouts.errors import BeneficiaryBlocked
from payouts.models import Beneficiary, Payout

Status = Beneficiary.Status
_BENEFICIARY: Compiled[Beneficiary] = Compiled(
    lambda: Beneficiary.objects.filter(merchant=Slot("merchant"), mode=Slot("mode"), fingerprint=Slot("fingerprint"))
)


def fingerprint_of(account_number: str, ifsc: str) -> str:
    """One for one bank account, however the beneficiary is called."""
    return hashlib.sha256(f"{account_number}|{ifsc}".encode()).hexdigest()


def known_beneficiary(payout: Payout) -> Beneficiary | None:
    """The merchant's beneficiary with the payout's account, if there is one yet. Raises `BeneficiaryBlocked`."""
    found = _BENEFICIARY.first(merchant=payout.merchant_id, mode=payout.mode, fingerprint=_fingerprint(payout))
    return _not_blocked(found) if found else None


def meet_beneficiary(actor: Actor, payout: Payout) -> Beneficiary:
    """Makes it, unless somebody else was faster. Raises `BeneficiaryBlocked`."""
    beneficiary, new = Beneficiary.objects.get_or_create(
        merchant=payout.merchant, mode=payout.mode, fingerprint=_fingerprint(payout),
        defaults={
            "name": payout.beneficiary_name, "account_number": payout.account_number, "ifsc": payout.ifsc,
            "created_by": payout.created_by, "bank_name": payout.bank_name or bank_of(payout.ifsc),
        },
    )
    if new:
        _write_down(actor, beneficiary, "beneficiary.created", f"{payout.beneficiary_name}, {payout.ifsc}")
    return _not_blocked(beneficiary)


def _fingerprint(payout: Payout) -> str:
    return fingerprint_of(payout.account_number, payout.ifsc)


def _not_blocked(beneficiary: Beneficiary) -> Beneficiary:
    if beneficiary.status == Status.BLOCKED:
        raise BeneficiaryBlocked()
    return beneficiary


def approvals_for(beneficiary: Beneficiary, amount: Money) -> int:
    """Two for a large payout to somebody whom nothing has reached yet, else one."""
    limit: int | None = settings.NEW_BENEFICIARY_SECOND_APPROVAL_ABOVE
    return 2 if beneficiary.is_new and limit is not None and amount.minor > limit else 1


def check_not_blocked(beneficiary_id: int) -> None:
    if Beneficiary.objects.filter(pk=beneficiary_id, status=Status.BLOCKED).exists():
        raise BeneficiaryBlocked()


def note_paid(payout: Payout) -> None:
    Beneficiary.objects.filter(pk=payout.beneficiary_id).update(last_paid_at=timezone.now())


def note_returned(payout: Payout) -> None:
    """Its account is as trusted as what did reach it. The lock: what is paid to it at this moment counts as well."""
    row = Beneficiary.objects.select_for_update(no_key=True).get(pk=payout.beneficiary_id)
    row.last_paid_at = row.payouts.aggregate(last=Max("processed_at"))["last"]
    row.save(update_fields=["last_paid_at"])


@transaction.atomic
def block_beneficiary(*, actor: Actor, beneficiary: Beneficiary, reason: str) -> Beneficiary:
    """No new payout to it is taken, none that waits is approved, and none that is approved goes into a batch.

    An operator or the merchant's own user. Raises `NotAllowed`, `NotFound`, `InvalidFields`, `IllegalTransition`.
    """
    acting_for(actor, beneficiary.merchant_id, Role.MERCHANT)
    _check_reason(reason)
    beneficiary.advance(Status.BLOCKED)
    _write_down(actor, beneficiary, "beneficiary.blocked", reason.strip()[:200])
    return beneficiary


@transaction.atomic
def unblock_beneficiary(*, actor: Actor, beneficiary: Beneficiary, reason: str) -> Beneficiary:
    """Operators only: whoever took a merchant's sign-in must not be able to lift a block."""
    acting_for(actor, beneficiary.merchant_id)
    _check_reason(reason)
    beneficiary.advance(Status.ACTIVE)
    _write_down(actor, beneficiary, "beneficiary.unblocked", reason.strip()[:200])
    return beneficiary


def _check_reason(reason: str) -> None:
    if not reason.strip():
        raise InvalidFields(reason="is required")


def _write_down(actor: Actor, row: Beneficiary, action: str, detail: str) -> None:
    audit.record(actor, action, row.public_id, merchant=row.merchant_id, mode=row.mode, detail=detail)
