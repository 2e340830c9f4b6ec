"""A payout is made: its money is held, its beneficiary known, and what is within the limits approved by itself.

Payout, trail and hold are one statement on PostgreSQL: the merchant's wallet is locked for that statement and its
commit, and never while we think. Only a beneficiary that is met for the first time needs a transaction around it.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

from django.db import IntegrityError, transaction

from accounts.actors import Actor
from accounts.models import AuditRecord, Merchant, User
from gateway.lib.crash import crash_point
from gateway.lib.errors import InvalidFields
from gateway.lib.inserting import violates
from gateway.lib.jobs import wake
from gateway.lib.money import FIAT, Money
from ledger.fees import quote
from ledger.models import FeePlan
from ledger.services import post_with
from payouts.banks import ACCOUNT_NUMBER, IFSC
from payouts.errors import DuplicateReference
from payouts.models import Beneficiary, Payout
from payouts.providers import registry
from payouts.services.beneficiaries import approvals_for, known_beneficiary, meet_beneficiary
from payouts.services.deciding import approval
from payouts.services.records import available, entry, reserved, step_reference

_AUTO = Actor.system("auto-approval")


def create_payout(
    *, actor: Actor, merchant: Merchant, mode: str, contract: str, amount: Money, reference: str,
    beneficiary_name: str, account_number: str, ifsc: str, bank_name: str = "", method: str = Payout.Method.IMPS,
    remarks: str = "", user_reference: str = "", beneficiary_details: dict[str, Any] | None = None,
    created_by: User | None = None,
) -> Payout:
    """Holds `amount` and its charge, and approves by itself what is within the merchant's limit and needs one approval.

    Raises `ProviderUnavailable` (live mode without a bank), then `InvalidFields`, `BeneficiaryBlocked`,
    `DuplicateReference`, `InsufficientBalance`; then nothing was changed.
    """
    provider = registry.provider_for(mode, merchant)
    _check_values(amount, method, account_number, ifsc)
    charge = quote(merchant_id=merchant.pk, product=FeePlan.Product.PAYOUT, amount=amount)
    payout = Payout(
        merchant=merchant, mode=mode, contract=contract, reference=reference, user_reference=user_reference,
        method=method, currency=amount.currency, amount_minor=amount.minor, charge_minor=charge.fee_minor,
        tax_minor=charge.tax_minor, beneficiary_name=beneficiary_name, account_number=account_number, ifsc=ifsc,
        bank_name=bank_name, beneficiary_details=beneficiary_details or {}, remarks=remarks,
        provider=provider.name, created_by=created_by,
    )
    beneficiary = known_beneficiary(payout)
    with nullcontext() if beneficiary else transaction.atomic():
        _hold(actor, payout, beneficiary or meet_beneficiary(actor, payout))
    if payout.status == Payout.Status.APPROVED and payout.due_at:
        wake("payouts.drive")
    crash_point("payout.after_hold")
    return payout


def _hold(actor: Actor, payout: Payout, beneficiary: Beneficiary) -> None:
    payout.beneficiary, payout.approvals_needed = beneficiary, approvals_for(beneficiary, payout.amount)
    detail = f"{payout.amount} {payout.currency} and {payout.charge} charge held"
    trail = [entry(actor, payout, "payout.created", detail=detail), *_approved_by_itself(payout)]
    crash_point("payout.before_hold")
    try:
        post_with(
            payout, *trail, kind="payout.hold", reference=step_reference(payout, "hold"), mode=payout.mode,
            lines=[available(payout, -1), reserved(payout, 1)],
        )
    except IntegrityError as error:
        if violates(error, Payout, "payout_reference_once"):
            raise DuplicateReference() from error
        raise


def _approved_by_itself(payout: Payout) -> list[AuditRecord]:
    """Makes a new payout an approved one where the merchant's limit says so; what the trail says of it."""
    limit = payout.merchant.payout_auto_approve_minor
    if limit is None or payout.amount_minor > limit or payout.approvals_needed > 1:
        return []
    payout.begin(Payout.Status.APPROVED, **approval(payout))
    return [entry(_AUTO, payout, "payout.approved", detail=f"within the limit of {Money(limit, 'INR')} INR")]


def _check_values(amount: Money, method: str, account_number: str, ifsc: str) -> None:
    if amount.currency not in FIAT:
        raise InvalidFields(currency=f"must be {' or '.join(FIAT)}")
    if amount.minor <= 0:
        raise InvalidFields(amount="must be greater than zero")
    if method not in Payout.Method.values:
        raise InvalidFields(method=f"must be one of {', '.join(Payout.Method.values)}")
    if not ACCOUNT_NUMBER.fullmatch(account_number):
        raise InvalidFields(account_number="must have 9 to 18 digits")
    if not IFSC.fullmatch(ifsc):
        raise InvalidFields(ifsc="must be an IFSC such as HDFC0001234")
