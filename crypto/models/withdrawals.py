"""Withdrawals: a merchant's crypto balance sent to a wallet of its own, or paid out in rupees to its bank account."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models import Merchant, User
from crypto.models.networks import Network
from crypto.models.outgoing import Outgoing
from gateway.lib.modes import Mode
from gateway.lib.money import Money
from gateway.lib.states import StatefulModel
from gateway.lib.work import WorkModel


class Withdrawal(StatefulModel, WorkModel):
    """Amount held in the ledger on request; the fee is part of it (`net` is what is sent)."""

    class Status(models.TextChoices):
        PENDING = "pending", "Pending"
        PROCESSING = "processing", "Processing"
        COMPLETED = "completed", "Completed"
        FAILED = "failed", "Failed"

    TRANSITIONS: ClassVar[dict[str, tuple[str, ...]]] = {
        Status.PENDING: (Status.PROCESSING, Status.FAILED),
        Status.PROCESSING: (Status.COMPLETED, Status.FAILED),
        Status.COMPLETED: (Status.FAILED,),  # to a bank account alone, whose bank has returned the rupees
    }

    class Method(models.TextChoices):
        CRYPTO = "crypto", "Crypto"
        FIAT = "fiat", "Bank account"

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="withdrawals")
    mode = models.CharField(max_length=4, choices=Mode)
    status = models.CharField(max_length=10, choices=Status, default=Status.PENDING)
    method = models.CharField(max_length=6, choices=Method)
    currency = models.CharField(max_length=8)
    amount_minor = models.BigIntegerField()
    fee_minor = models.BigIntegerField(default=0)  # includes tax_minor
    tax_minor = models.BigIntegerField(default=0)
    network = models.ForeignKey(Network, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    address = models.CharField(max_length=64, blank=True, default="")
    # Fiat: from which networks' balances it was held ({"BSC": minor}), at what rate, and the payout it became.
    held: models.JSONField[Any, Any] = models.JSONField(default=dict, blank=True)
    rate = models.CharField(max_length=24, blank=True, default="")  # rupees for one token, as promised on request
    inr_minor = models.BigIntegerField(default=0)  # paise that were given for the tokens: payout and its charge
    payout = models.ForeignKey("payouts.Payout", on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    outgoing = models.OneToOneField(
        Outgoing, on_delete=models.PROTECT, null=True, blank=True, related_name="withdrawal"
    )
    note = models.CharField(max_length=200, blank=True, default="")
    needs_approval = models.BooleanField(default=False)
    approved_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    approved_at = models.DateTimeField(null=True, blank=True)
    trouble = models.CharField(max_length=200, blank=True, default="")  # what it waits for, for an operator
    failure_code = models.CharField(max_length=40, blank=True, default="")
    failure_reason = models.CharField(max_length=200, blank=True, default="")
    processed_at = models.DateTimeField(null=True, blank=True)
    completed_at = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="withdrawal_sums", condition=Q(amount_minor__gt=0, fee_minor__gte=0, tax_minor__gte=0)
            ),
        ]
        indexes = [
            models.Index(fields=["merchant", "mode", "-created_at", "-id"], name="withdrawal_list"),
            models.Index(fields=["due_at"], name="withdrawal_due", condition=Q(due_at__isnull=False)),
            models.Index(
                fields=["mode", "merchant"], name="withdrawal_to_approve",
                condition=Q(status="pending", needs_approval=True, approved_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"withdrawal {self.pk}"

    @property
    def public_id(self) -> str:
        return f"withdrawal-{self.pk}"

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.currency)

    @property
    def net(self) -> Money:
        return Money(self.amount_minor - self.fee_minor, self.currency)


class WithdrawalAddress(models.Model):
    """A wallet that a merchant's withdrawals may go to, from `usable_from` on (a delay after each change)."""

    merchant = models.ForeignKey(Merchant, on_delete=models.CASCADE, related_name="withdrawal_addresses")
    mode = models.CharField(max_length=4, choices=Mode)
    network = models.ForeignKey(Network, on_delete=models.PROTECT, related_name="+")
    address = models.CharField(max_length=64)
    label = models.CharField(max_length=60, blank=True, default="")
    usable_from = models.DateTimeField(default=timezone.now)
    removed_at = models.DateTimeField(null=True, blank=True)
    notice_due = models.BooleanField(default=True)  # the owner is still to be told of the last change
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["merchant", "mode", "network", "address"], name="withdrawal_address_once",
                condition=Q(removed_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return self.address
