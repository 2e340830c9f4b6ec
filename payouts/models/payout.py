"""A payout to a bank account. Amount and charge are held in the ledger when it is made."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q

from accounts.models import Merchant, User
from gateway.lib import ids
from gateway.lib.callbacks import EventModel
from gateway.lib.modes import Mode
from gateway.lib.money import Money
from gateway.lib.providers import OutboundModel
from gateway.lib.states import StatefulModel
from payouts.models.beneficiary import Beneficiary


class Payout(StatefulModel, OutboundModel):
    class Status(models.TextChoices):
        PENDING = "pending", "Waiting for approval"
        APPROVED = "approved", "Approved"
        PROCESSING = "processing", "With the bank"
        PROCESSED = "processed", "Processed"
        REJECTED = "rejected", "Rejected"
        FAILED = "failed", "Failed"

    TRANSITIONS: ClassVar[dict[str, tuple[str, ...]]] = {
        Status.PENDING: (Status.APPROVED, Status.REJECTED),
        Status.APPROVED: (Status.PROCESSING, Status.REJECTED),
        Status.PROCESSING: (Status.PROCESSED, Status.FAILED),
        Status.PROCESSED: (Status.FAILED,),  # the bank has returned it
    }

    class Method(models.TextChoices):
        IMPS = "IMPS", "IMPS"
        NEFT = "NEFT", "NEFT"
        RTGS = "RTGS", "RTGS"

    public_id = models.CharField(max_length=24, unique=True, default=ids.payout_id, editable=False)
    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="payouts")
    mode = models.CharField(max_length=4, choices=Mode)
    contract = models.CharField(max_length=16)
    reference = models.CharField(max_length=64)  # the merchant's order_id
    user_reference = models.CharField(max_length=64, blank=True, default="")
    status = models.CharField(max_length=16, choices=Status, default=Status.PENDING)
    method = models.CharField(max_length=8, choices=Method, default=Method.IMPS)
    currency = models.CharField(max_length=8)
    amount_minor = models.BigIntegerField()
    charge_minor = models.BigIntegerField()  # includes tax_minor
    tax_minor = models.BigIntegerField()
    beneficiary = models.ForeignKey(Beneficiary, on_delete=models.PROTECT, related_name="payouts")
    # As they were sent with this payout; the beneficiary's name is the one of its first payout.
    beneficiary_name = models.CharField(max_length=120)
    account_number = models.CharField(max_length=18)
    ifsc = models.CharField(max_length=11)
    bank_name = models.CharField(max_length=120, blank=True, default="")
    # What a contract must answer as it was sent (signed: email, mobile as string or number, address).
    beneficiary_details: models.JSONField[Any, Any] = models.JSONField(default=dict, blank=True)
    remarks = models.CharField(max_length=200, blank=True, default="")
    utr = models.CharField(max_length=40, blank=True, default="")
    failure_code = models.CharField(max_length=40, blank=True, default="")
    failure_reason = models.CharField(max_length=200, blank=True, default="")
    provider = models.CharField(max_length=24)
    provider_reference = models.CharField(max_length=64, blank=True, default="")  # the bank's own
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    # Two for a large first payout to a new beneficiary; the first of them leaves the payout pending.
    approvals_needed = models.PositiveSmallIntegerField(default=1)
    first_approved_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    first_approved_at = models.DateTimeField(null=True, blank=True)
    approved_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    approved_at = models.DateTimeField(null=True, blank=True)
    processed_at = models.DateTimeField(null=True, blank=True)  # null again once the bank has returned it
    # Paid, and given back by the bank; then it is failed, and `utr` stays that of the payment.
    returned_at = models.DateTimeField(null=True, blank=True)
    return_utr = models.CharField(max_length=40, blank=True, default="", db_default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["merchant", "mode", "reference"], name="payout_reference_once"),
            models.CheckConstraint(
                name="payout_sums", condition=Q(amount_minor__gt=0, charge_minor__gte=0, tax_minor__gte=0)
            ),
            models.CheckConstraint(
                name="payout_two_approvers",
                condition=Q(approved_by__isnull=True) | Q(first_approved_by__isnull=True)
                | ~Q(approved_by=models.F("first_approved_by")),
            ),
        ]
        indexes = [
            models.Index(fields=["merchant", "mode", "-created_at", "-id"], name="payout_list"),
            models.Index(fields=["mode", "-created_at", "-id"], name="payout_list_all"),
            models.Index(fields=["due_at"], name="payout_due", condition=Q(due_at__isnull=False)),
            models.Index(fields=["mode", "created_at"], name="payout_waiting", condition=Q(status="pending")),
            models.Index(
                fields=["merchant", "mode", "processed_at"], name="payout_paid",
                condition=Q(processed_at__isnull=False),
                include=["amount_minor", "charge_minor", "currency"],
            ),
            models.Index(fields=["mode", "merchant"], name="payout_flagged", condition=~Q(flag="")),
            models.Index(
                fields=["mode", "merchant", "created_at"], name="payout_by_file",
                condition=Q(provider="bank_file", status__in=["approved", "processing"]),
            ),
            models.Index(fields=["provider", "mode", "utr"], name="payout_utr", condition=~Q(utr="")),
            models.Index(
                fields=["provider", "mode", "return_utr"], name="payout_returned",
                condition=Q(returned_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.currency)

    @property
    def charge(self) -> Money:
        return Money(self.charge_minor, self.currency)

    @property
    def held(self) -> Money:
        return self.amount + self.charge


class BankEvent(EventModel):
    """A callback that a bank sent us."""

    class Meta:
        constraints = [models.UniqueConstraint(fields=["provider", "event_id"], name="bank_event_once")]


class SandboxTransfer(models.Model):
    """The sandbox bank's own books: what it was told to pay, how often, and what it did. See payouts/providers."""

    reference = models.CharField(max_length=64, unique=True)
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=8)
    decision = models.CharField(max_length=12)  # pay, reject
    decide_at = models.DateTimeField()
    code = models.CharField(max_length=40, blank=True, default="")
    utr = models.CharField(max_length=40, blank=True, default="")
    times_asked = models.PositiveIntegerField(default=1)

    def __str__(self) -> str:
        return self.reference
