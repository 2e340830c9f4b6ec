"""Whom a merchant pays: one bank account of somebody's, known from its first payout on."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from accounts.models import Merchant, User
from gateway.lib import ids
from gateway.lib.modes import Mode
from gateway.lib.states import StatefulModel


def beneficiary_id() -> str:
    return ids.new_id("ben")


class Beneficiary(StatefulModel):
    """Its account is what counts; the name is that of its first payout, and `created_at` when that was."""

    class Status(models.TextChoices):
        ACTIVE = "active", "Active"
        BLOCKED = "blocked", "Blocked"

    TRANSITIONS: ClassVar[dict[str, tuple[str, ...]]] = {
        Status.ACTIVE: (Status.BLOCKED,),
        Status.BLOCKED: (Status.ACTIVE,),
    }

    public_id = models.CharField(max_length=24, unique=True, default=beneficiary_id, editable=False)
    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="beneficiaries")
    mode = models.CharField(max_length=4, choices=Mode)
    status = models.CharField(max_length=16, choices=Status, default=Status.ACTIVE)
    name = models.CharField(max_length=120)
    account_number = models.CharField(max_length=18)
    ifsc = models.CharField(max_length=11)
    bank_name = models.CharField(max_length=120, blank=True, default="")
    fingerprint = models.CharField(max_length=64)  # of account and IFSC: payouts/beneficiaries.py
    last_paid_at = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["merchant", "mode", "fingerprint"], name="beneficiary_once"),
        ]
        indexes = [models.Index(fields=["mode", "-created_at", "-id"], name="beneficiary_list")]

    def __str__(self) -> str:
        return self.public_id

    @property
    def is_new(self) -> bool:
        """Whether nothing has ever reached it."""
        return self.last_paid_at is None
