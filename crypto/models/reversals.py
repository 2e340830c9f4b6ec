"""Credits taken back: a confirmed transfer that is not on the chain any more, and what that cost whom."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from accounts.models import Merchant, User
from crypto.models.networks import Network
from crypto.models.transactions import ChainTransaction
from gateway.lib.modes import Mode
from gateway.lib.money import Money
from gateway.lib.states import StatefulModel


class CreditReversal(StatefulModel):
    """One operator proposes it; it is booked when another one confirms it (in test mode, also the same).

    `round` counts a transfer's credits from 0: one that came back and was credited again may be taken back again.
    What was credited stands here as it stood then: amount, and the fee in it with its tax.
    """

    class Status(models.TextChoices):
        OPEN = "open", "Waiting for a second operator"
        CONFIRMED = "confirmed", "Booked"
        REJECTED = "rejected", "Rejected"
        WITHDRAWN = "withdrawn", "Withdrawn"

    TRANSITIONS: ClassVar[dict[str, tuple[str, ...]]] = {
        Status.OPEN: (Status.CONFIRMED, Status.REJECTED, Status.WITHDRAWN)
    }

    transaction = models.ForeignKey(ChainTransaction, on_delete=models.PROTECT, related_name="reversals")
    round = models.PositiveIntegerField(default=0)
    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="+")
    mode = models.CharField(max_length=4, choices=Mode)
    status = models.CharField(max_length=10, choices=Status, default=Status.OPEN)
    network = models.ForeignKey(Network, on_delete=models.PROTECT, related_name="+")
    currency = models.CharField(max_length=8)
    amount_minor = models.BigIntegerField()
    fee_minor = models.BigIntegerField(default=0)  # includes tax_minor
    tax_minor = models.BigIntegerField(default=0)
    credited_at = models.DateTimeField()
    # Booked: what the merchant did not have any more, which the house bears; and what it got back of that later.
    shortfall_minor = models.BigIntegerField(default=0)
    recovered_minor = models.BigIntegerField(default=0)
    booked_at = models.DateTimeField(null=True, blank=True)
    returned_at = models.DateTimeField(null=True, blank=True)  # the transfer was credited again
    reason = models.CharField(max_length=200)
    note = models.CharField(max_length=200, blank=True, default="")
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    decided_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(name="credit_reversal_reason", condition=~Q(reason="")),
            models.CheckConstraint(
                name="credit_reversal_sums",
                condition=Q(
                    amount_minor__gt=0, fee_minor__gte=0, fee_minor__lte=F("amount_minor"), tax_minor__gte=0,
                    tax_minor__lte=F("fee_minor"), shortfall_minor__gte=0,
                    shortfall_minor__lte=F("amount_minor") - F("fee_minor"), recovered_minor__gte=0,
                    recovered_minor__lte=F("shortfall_minor"),
                ),
            ),
            models.CheckConstraint(
                name="credit_reversal_four_eyes",
                condition=~Q(status="confirmed")
                | Q(mode="test", decided_by__isnull=False)
                | (Q(decided_by__isnull=False) & ~Q(decided_by=F("created_by"))),
            ),
            models.UniqueConstraint(
                fields=["transaction", "round"], name="credit_reversal_once",
                condition=Q(status__in=["open", "confirmed"]),
            ),
        ]
        indexes = [
            models.Index(fields=["mode", "merchant"], name="credit_reversal_open", condition=Q(status="open")),
            # Those that may still come back.
            models.Index(
                fields=["mode", "network", "booked_at"], name="credit_reversal_gone",
                condition=Q(status="confirmed", returned_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"credit reversal {self.pk}"

    @property
    def public_id(self) -> str:
        return f"credit-reversal-{self.pk}"

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.currency)

    @property
    def net_minor(self) -> int:
        """What the merchant had got."""
        return self.amount_minor - self.fee_minor

    @property
    def taken_minor(self) -> int:
        """What the merchant gave back."""
        return self.net_minor - self.shortfall_minor
