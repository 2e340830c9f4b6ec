"""Corrections of a merchant's balance: money that moved, or was booked wrongly, beside every payment and payout."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from accounts.models import Merchant, User
from gateway.lib import ids
from gateway.lib.modes import Mode
from gateway.lib.money import Money
from gateway.lib.states import StatefulModel
from payments.models.payment import Payment


class Correction(StatefulModel):
    """One operator, or a payment's provider, says what is to be booked, in rupees; it counts when another one confirms
    it (in test mode, also the same). `amount_minor` is always positive: the kind says which way it goes.
    """

    class Kind(models.TextChoices):
        TOP_UP = "top_up", "Top-up"
        CHARGEBACK = "chargeback", "Chargeback"
        CREDIT = "credit", "Correction in favour"
        DEBIT = "debit", "Correction against"

    class Status(models.TextChoices):
        OPEN = "open", "Waiting for a second operator"
        CONFIRMED = "confirmed", "Confirmed"
        REJECTED = "rejected", "Rejected"
        WITHDRAWN = "withdrawn", "Withdrawn"

    TRANSITIONS: ClassVar[dict[str, tuple[str, ...]]] = {
        Status.OPEN: (Status.CONFIRMED, Status.REJECTED, Status.WITHDRAWN)
    }
    # To the merchant; the others take from it.
    CREDITS: ClassVar[tuple[str, ...]] = (Kind.TOP_UP, Kind.CREDIT)
    # Money came into, or left, an account of the house at a bank or a provider.
    BANKED: ClassVar[tuple[str, ...]] = (Kind.TOP_UP, Kind.CHARGEBACK)

    public_id = models.CharField(max_length=24, unique=True, default=ids.correction_id, editable=False)
    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="+")
    mode = models.CharField(max_length=4, choices=Mode)
    kind = models.CharField(max_length=12, choices=Kind)
    status = models.CharField(max_length=12, choices=Status, default=Status.OPEN)
    currency = models.CharField(max_length=8, default="INR")
    amount_minor = models.BigIntegerField()
    payment = models.ForeignKey(  # what a chargeback, or one given back, is about, where that is known
        Payment, on_delete=models.PROTECT, null=True, blank=True, related_name="corrections"
    )
    bank_reference = models.CharField(max_length=40, blank=True, default="")  # a top-up's UTR, a dispute's number
    reason = models.CharField(max_length=200)  # the merchant reads it
    created_by = models.ForeignKey(  # none: proposed on the word of the payment's provider (`Dispute`)
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    decided_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    note = models.CharField(max_length=200, blank=True, default="")  # why it was rejected or withdrawn

    class Meta:
        constraints = [
            models.CheckConstraint(name="correction_positive", condition=Q(amount_minor__gt=0)),
            models.CheckConstraint(name="correction_has_reason", condition=~Q(reason="")),
            models.CheckConstraint(
                name="correction_four_eyes",
                condition=~Q(status="confirmed")
                | Q(mode="test", decided_by__isnull=False)
                | (Q(decided_by__isnull=False) & ~Q(decided_by=F("created_by"))),
            ),
            # One transfer, one dispute: what waits or counts is not entered a second time.
            models.UniqueConstraint(
                fields=["mode", "kind", "bank_reference"], name="correction_reference_once",
                condition=Q(status__in=["open", "confirmed"]) & ~Q(bank_reference=""),
            ),
        ]
        indexes = [
            models.Index(fields=["mode", "-created_at", "-id"], name="correction_list"),
            models.Index(fields=["mode", "merchant"], name="correction_open", condition=Q(status="open")),
        ]

    def __str__(self) -> str:
        return self.public_id

    @classmethod
    def top_ups_with(cls, mode: str, utr: str) -> models.QuerySet[Correction]:
        """Top-ups, waiting or booked, by the transfer with this UTR."""
        return cls.objects.filter(mode=mode, kind="top_up", bank_reference=utr, status__in=["open", "confirmed"])

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.currency)

    @property
    def proposer(self) -> str:
        return self.created_by.name if self.created_by else "the payment's provider"

    @property
    def signed_minor(self) -> int:
        """What it does to the merchant's balance."""
        return self.amount_minor if self.kind in self.CREDITS else -self.amount_minor
