"""Checkout sessions: an amount of one token wanted on one network, at an address of its own, until a moment."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models import Merchant, User
from crypto.models.networks import Network
from gateway.lib.modes import Mode
from gateway.lib.money import Money
from gateway.lib.states import StatefulModel


class Session(StatefulModel):
    """Lifecycle (`status`), amount (`received_minor` against `amount_minor`) and what is odd (`flags`) are separate."""

    class Status(models.TextChoices):
        PENDING = "pending", "Waiting for payment"
        PAID = "paid", "Paid"
        FAILED = "failed", "Underpaid"
        EXPIRED = "expired", "Expired"

    TRANSITIONS: ClassVar[dict[str, tuple[str, ...]]] = {
        Status.PENDING: (Status.PAID, Status.FAILED, Status.EXPIRED),
        Status.PAID: (Status.FAILED,),  # a credit was taken back, and what is left is not enough
        # The rest, or all of it, came after the end: it is credited, and flagged late.
        Status.FAILED: (Status.PAID,),
        Status.EXPIRED: (Status.PAID,),
    }

    class Flag(models.TextChoices):
        UNDERPAID = "underpaid", "Less came than was asked"
        OVERPAID = "overpaid", "More came than was asked"
        LATE = "late", "Paid after it had ended"
        WRONG_TOKEN = "wrong_token", "Paid in another token"
        SEVERAL = "several", "Paid in several transfers"
        REORGANISED = "reorganised", "A transfer left the chain again"
        DUST = "dust", "The chain's amount has more places than the ledger"
        VANISHED = "vanished", "A confirmed transfer left the chain"
        UNBOOKED = "unbooked", "A transfer could not be booked"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="sessions")
    mode = models.CharField(max_length=4, choices=Mode)
    status = models.CharField(max_length=8, choices=Status, default=Status.PENDING)
    reference = models.CharField(max_length=100)
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=8)
    network = models.ForeignKey(Network, on_delete=models.PROTECT, related_name="sessions")
    address = models.ForeignKey("crypto.DepositAddress", on_delete=models.PROTECT, related_name="sessions")
    customer_email = models.CharField(max_length=254, blank=True, default="")
    customer_name = models.CharField(max_length=120, blank=True, default="")
    description = models.CharField(max_length=500, blank=True, default="")
    callback_url = models.CharField(max_length=2000, blank=True, default="")
    metadata: models.JSONField[Any, Any] = models.JSONField(default=dict, blank=True)
    required_confirmations = models.PositiveIntegerField()
    expires_at = models.DateTimeField()
    # Confirmed transfers, in the session's own currency, before the fee. What was credited and charged stands in the
    # ledger; the same figures are kept here for lists.
    received_minor = models.BigIntegerField(default=0)
    fee_minor = models.BigIntegerField(default=0)
    tax_minor = models.BigIntegerField(default=0)
    transaction_hash = models.CharField(max_length=100, blank=True, default="")  # of the first that stands
    flags: models.JSONField[Any, Any] = models.JSONField(default=list, blank=True)
    flag_cleared_at = models.DateTimeField(null=True, blank=True)
    # What its flags say needs a person, and nobody has cleared it.
    for_person = models.BooleanField(default=False, db_default=False)
    seen_at = models.DateTimeField(null=True, blank=True)  # the first transfer was in a block
    paid_at = models.DateTimeField(null=True, blank=True)  # enough was there, and confirmed
    ended_at = models.DateTimeField(null=True, blank=True)
    released_at = models.DateTimeField(null=True, blank=True)  # when it gave its address back
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["merchant", "mode", "reference"], name="session_reference_once"),
            models.CheckConstraint(
                name="session_sums",
                condition=Q(amount_minor__gt=0, received_minor__gte=0, fee_minor__gte=0, tax_minor__gte=0),
            ),
        ]
        indexes = [
            # Every order of the lists with what their filters look at: a page is found without reading rows.
            models.Index(
                fields=["merchant", "mode", "-created_at", "-id"], name="session_newest",
                include=["status", "network", "currency"],
            ),
            models.Index(
                fields=["merchant", "mode", "status", "-created_at", "-id"], name="session_of_status",
                include=["network", "currency"],
            ),
            models.Index(
                fields=["merchant", "mode", "amount_minor", "id"], name="session_by_amount",
                include=["status", "network", "currency", "created_at"],
            ),
            models.Index(fields=["expires_at"], name="session_expiry", condition=Q(status="pending")),
            models.Index(fields=["address", "-created_at"], name="session_address"),
            models.Index(fields=["mode", "merchant"], name="session_for_person", condition=Q(for_person=True)),
            # Whose an address is, and what it was last used for.
            models.Index(
                fields=["merchant", "mode", "address", "-created_at", "-id"], name="session_of_address",
                include=["currency"],
            ),
        ]

    def __str__(self) -> str:
        return str(self.id)

    @property
    def public_id(self) -> str:
        return str(self.id)

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.currency)

    @property
    def received(self) -> Money:
        return Money(self.received_minor, self.currency)


class SessionEvent(models.Model):
    """One line of a session's timeline, in the contract's words (`session_created`, `payment_received`, …)."""

    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="timeline")
    event = models.CharField(max_length=40)
    details = models.CharField(max_length=200)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["at", "id"]

    def __str__(self) -> str:
        return self.event


class TransactionClaim(models.Model):
    """Somebody says "here is my transaction hash"; the watcher looks it up on chain and says what became of it."""

    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="claims")
    transaction_hash = models.CharField(max_length=100)
    # Nobody: the payer.
    claimed_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    result = models.CharField(max_length=200, blank=True, default="")  # empty: not looked up yet
    attached = models.BooleanField(default=False)
    due_at = models.DateTimeField(null=True, blank=True, default=timezone.now)
    tries = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["session", "transaction_hash"], name="claim_once"),
        ]

    def __str__(self) -> str:
        return self.transaction_hash
