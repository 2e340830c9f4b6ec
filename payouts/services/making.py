"""A payout is made: its money is held, its beneficiary known, and what is within the limits approved by itself."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction

from accounts.actors import Actor
from accounts.models import Merchant, User
from gateway.lib.crash import crash_point
from gateway.lib.errors import InvalidFields
from gateway.lib.inserting import insert_together, violates
from gateway.lib.money import FIAT, Money
from ledger.fees import quote
from ledger.models import FeePlan
from payouts.banks import ACCOUNT_NUMBER, IFSC
from payouts.errors import DuplicateReference
from payouts.models import Payout
from payouts.providers import registry
from payouts.services.beneficiaries import approvals_for, meet_beneficiary
from payouts.services.deciding import approve
from payouts.services.records import available, entry, post_step, reserved

_AUTO = Actor.system("auto-approval")


@transaction.atomic
def create_payout(
    *, actor: Actor, merchant: Merchant, mode: str, contract: str, amount: Money, reference: str,
    beneficiary_name: str, account_number: str, ifsc: str, bank_name: str = "", method: str = Payout.Method.IMPS,
    remarks: str = "", user_reference: str = "", beneficiary_details: dict[str, Any] | None = None,
    created_by: User | None = None,
) -> Payout:
    """Holds `amount` and its charge, and approves by itself what is within the merchant's limit and needs one approval.

    Raises `ProviderUnavailable` (live mode without a bank), then `InvalidFields`, `BeneficiaryBlocked`,
    `DuplicateReference`, `InsufficientBalance`.
    """
    provider = registry.provider_for(mode, merchant)
    _check_values(amount, method, account_number, ifsc)
    beneficiary = meet_beneficiary(
        actor=actor, merchant=merchant, mode=mode, name=beneficiary_name, account_number=account_number, ifsc=ifsc,
        bank_name=bank_name, created_by=created_by,
    )
    charge = quote(merchant_id=merchant.pk, product=FeePlan.Product.PAYOUT, amount=amount)
    payout = Payout(
        merchant=merchant, mode=mode, contract=contract, reference=reference, user_reference=user_reference,
        method=method, currency=amount.currency, amount_minor=amount.minor, charge_minor=charge.fee_minor,
        tax_minor=charge.tax_minor, beneficiary=beneficiary,
        approvals_needed=approvals_for(beneficiary, amount), beneficiary_name=beneficiary_name,
        account_number=account_number, ifsc=ifsc,
        bank_name=bank_name, beneficiary_details=beneficiary_details or {}, remarks=remarks,
        provider=provider.name, created_by=created_by,
    )
    _insert(actor, payout)
    limit = merchant.payout_auto_approve_minor
    if limit is not None and amount.minor <= limit and payout.approvals_needed == 1:
        approve(_AUTO, payout, f"within the limit of {Money(limit, 'INR')} INR")
    crash_point("payout.before_hold")
    post_step(payout, "hold", [available(payout, -1), reserved(payout, 1)])
    crash_point("payout.after_hold")
    return payout


def _insert(actor: Actor, payout: Payout) -> None:
    detail = f"{payout.amount} {payout.currency} and {payout.charge} charge held"
    try:
        insert_together(payout, entry(actor, payout, "payout.created", detail=detail), savepoint=False)
    except IntegrityError as error:
        if violates(error, Payout, "payout_reference_once"):
            raise DuplicateReference() from error
        raise


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
