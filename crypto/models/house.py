"""What the house takes out of its hot wallets for itself: its own coins, never merchants'."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from accounts.models import User
from crypto.models.networks import Network, Token
from crypto.models.outgoing import Outgoing
from gateway.lib.modes import Mode
from gateway.lib.money import Money
from gateway.lib.states import StatefulModel


class HouseWithdrawal(StatefulModel):
    """Proposed by one super admin, confirmed by another; nothing is booked until it has left the chain's custody."""

    class Status(models.TextChoices):
        PENDING = "pending", "Waits for a second person"
        PROCESSING = "processing", "On its way"
        COMPLETED = "completed", "Completed"
        FAILED = "failed", "Failed"
        REJECTED = "rejected", "Rejected"

    TRANSITIONS: ClassVar[dict[str, tuple[str, ...]]] = {
        Status.PENDING: (Status.PROCESSING, Status.REJECTED),
        Status.PROCESSING: (Status.COMPLETED, Status.FAILED, Status.REJECTED),
    }

    network = models.ForeignKey(Network, on_delete=models.PROTECT, related_name="+")
    mode = models.CharField(max_length=4, choices=Mode)
    status = models.CharField(max_length=10, choices=Status, default=Status.PENDING)
    currency = models.CharField(max_length=8)
    token = models.ForeignKey(Token, on_delete=models.PROTECT, null=True, blank=True, related_name="+")  # null: native
    amount_minor = models.BigIntegerField()
    address = models.CharField(max_length=64)
    note = models.CharField(max_length=200)
    outgoing = models.OneToOneField(
        Outgoing, on_delete=models.PROTECT, null=True, blank=True, related_name="house_withdrawal"
    )
    failure_reason = models.CharField(max_length=200, blank=True, default="")
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    confirmed_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    confirmed_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.CheckConstraint(name="house_withdrawal_amount", condition=Q(amount_minor__gt=0))]
        indexes = [
            models.Index(
                fields=["mode", "network", "currency"], name="house_withdrawal_open",
                condition=Q(status__in=["pending", "processing"]),
            ),
        ]

    def __str__(self) -> str:
        return f"house withdrawal {self.pk}"

    @property
    def public_id(self) -> str:
        return f"house-withdrawal-{self.pk}"

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.currency)
