"""Accounts of our own that payers send money to by UPI, and proposals of matches that need a second pair of eyes."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from accounts.models import User
from gateway.lib import ids
from gateway.lib.modes import Mode
from gateway.lib.money import Money
from gateway.lib.states import StatefulModel
from payments.models.payment import Payment


class ReceivingAccount(models.Model):
    """One UPI id. It never changes: payments name it, and statements are read against it."""

    public_id = models.CharField(max_length=24, unique=True, default=ids.receiving_account_id, editable=False)
    mode = models.CharField(max_length=4, choices=Mode)
    vpa = models.CharField(max_length=120)
    bank_name = models.CharField(max_length=80)
    holder = models.CharField(max_length=80)  # whom the payer's app names
    daily_limit_minor = models.BigIntegerField(null=True, blank=True)  # paise a day of Asia/Kolkata; null: none
    active = models.BooleanField(default=True)
    last_assigned_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["mode", "vpa"], name="receiving_account_once"),
            models.CheckConstraint(
                name="receiving_limit_positive",
                condition=Q(daily_limit_minor__isnull=True) | Q(daily_limit_minor__gt=0),
            ),
        ]

    def __str__(self) -> str:
        return self.vpa


class MatchProposal(StatefulModel):
    """One operator says that a large payment has arrived; it counts when another one confirms."""

    class Status(models.TextChoices):
        OPEN = "open", "Waiting for a second operator"
        CONFIRMED = "confirmed", "Confirmed"
        WITHDRAWN = "withdrawn", "Withdrawn"

    TRANSITIONS: ClassVar[dict[str, tuple[str, ...]]] = {Status.OPEN: (Status.CONFIRMED, Status.WITHDRAWN)}

    public_id = models.CharField(max_length=24, unique=True, default=ids.proposal_id, editable=False)
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="proposals")
    line = models.ForeignKey(
        "payments.StatementLine", on_delete=models.PROTECT, null=True, blank=True, related_name="proposals"
    )
    status = models.CharField(max_length=12, choices=Status, default=Status.OPEN)
    utr = models.CharField(max_length=40, blank=True, default="")
    received_minor = models.BigIntegerField()
    proposed_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    decided_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    note = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["payment"], condition=Q(status="open"), name="proposal_one_open"),
            models.CheckConstraint(
                name="proposal_four_eyes", condition=~Q(status="confirmed") | ~Q(decided_by=F("proposed_by"))
            ),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def received(self) -> Money:
        return Money(self.received_minor, self.payment.currency)
