"""How much: accounts, postings and entries of a double-entry ledger in minor units.

Guarantees, kept by the database itself (see migration 0002): entries and postings are never changed or deleted,
every posting's entries sum to zero per currency, and no merchant's account goes below zero.

Signs: a merchant's positive balance is money the gateway owes it. Clearing accounts mirror money held elsewhere
(a bank, a provider, a chain) and are therefore normally negative; fees and tax are positive, gas spent is negative.
"""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from accounts.models import Merchant, User
from gateway.lib.modes import Mode


class LedgerAccount(models.Model):
    """One balance. Merchants' accounts carry it (`balance`) under a lock; house accounts only have entries."""

    class Kind(models.TextChoices):
        AVAILABLE = "available", "Available"
        PENDING = "pending", "Pending settlement"
        RESERVED = "reserved", "Reserved"
        FEES = "fees", "Fees earned"
        TAX = "tax", "GST collected"
        CLEARING = "clearing", "Clearing"
        GAS = "gas", "Gas spent"
        CAPITAL = "capital", "The house's own coins"
        EXCHANGE = "exchange", "Converted between currencies"
        CORRECTIONS = "corrections", "Corrections"
        LOSSES = "losses", "Losses borne"

    code = models.CharField(max_length=120, unique=True)  # "m/7/test/INR/available", "h/test/INR/clearing.sandbox"
    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    mode = models.CharField(max_length=4, choices=Mode)
    kind = models.CharField(max_length=24, choices=Kind)
    currency = models.CharField(max_length=8)
    network = models.CharField(max_length=16, blank=True, default="")
    counterparty = models.CharField(max_length=40, blank=True, default="")  # whose clearing account
    balance = models.BigIntegerField(default=0)
    sequence = models.BigIntegerField(default=0)  # of the last entry, merchants' accounts only
    head_hash = models.CharField(max_length=64, blank=True, default="")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="ledger_merchant_floor", condition=Q(merchant__isnull=True) | Q(balance__gte=0)
            )
        ]
        indexes = [models.Index(fields=["merchant", "mode", "currency"], name="ledger_account_owner")]

    def __str__(self) -> str:
        return self.code


class Posting(models.Model):
    """A balanced transaction. `reference` names the business event, so that it is booked once."""

    kind = models.CharField(max_length=40)  # "payment.capture", "payout.hold", …
    reference = models.CharField(max_length=120, unique=True)
    mode = models.CharField(max_length=4, choices=Mode)
    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    digest = models.CharField(max_length=64)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [models.Index(fields=["merchant", "mode", "-id"], name="posting_merchant")]

    def __str__(self) -> str:
        return self.reference


class Entry(models.Model):
    """One line of a posting. Merchants' entries carry the balance after them and a link of the hash chain."""

    posting = models.ForeignKey(Posting, on_delete=models.PROTECT, related_name="entries")
    account = models.ForeignKey(LedgerAccount, on_delete=models.PROTECT, related_name="entries")
    currency = models.CharField(max_length=8)
    amount = models.BigIntegerField()
    sequence = models.BigIntegerField(null=True, blank=True)
    balance_after = models.BigIntegerField(null=True, blank=True)
    hash = models.CharField(max_length=64, blank=True, default="")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.CheckConstraint(name="entry_moves_something", condition=~Q(amount=0)),
            models.UniqueConstraint(fields=["account", "sequence"], name="entry_sequence_once"),
        ]
        indexes = [models.Index(fields=["account", "id"], include=["amount"], name="entry_account")]

    def __str__(self) -> str:
        return f"{self.account_id}: {self.amount} {self.currency}"


class Verification(models.Model):
    """One run of `verify_books`, so that its last result can be shown and watched."""

    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(default=timezone.now)
    problems = models.PositiveIntegerField()
    first_problem = models.TextField(blank=True, default="")

    def __str__(self) -> str:
        return f"{self.ended_at:%Y-%m-%d %H:%M}: {self.problems}"


class RolledBalance(models.Model):
    """A house account's sum of entries up to `through_id`, so that its balance needs only the newer ones."""

    account = models.OneToOneField(LedgerAccount, on_delete=models.CASCADE, related_name="rolled")
    through_id = models.BigIntegerField()
    balance = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.account_id} through {self.through_id}"


class FeePlan(models.Model):
    """What a product costs from a moment on: `fixed_minor` + `basis_points` of the amount, and GST on both.

    A row without a merchant is the installation's default. Rows are dated and never changed, so what is booked
    stays explained.
    """

    class Product(models.TextChoices):
        PAYIN_UPI = "payin_upi", "UPI payment"
        PAYIN_CARD = "payin_card", "Card payment"
        PAYOUT = "payout", "Payout"
        CRYPTO_PAYIN = "crypto_payin", "Crypto payment"
        CRYPTO_WITHDRAWAL = "crypto_withdrawal", "Crypto withdrawal"

    merchant = models.ForeignKey(Merchant, on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    product = models.CharField(max_length=24, choices=Product)
    fixed_minor = models.BigIntegerField(default=0)
    basis_points = models.PositiveIntegerField(default=0)
    gst_basis_points = models.PositiveIntegerField(default=0)
    refunds_fee = models.BooleanField(default=False)
    effective_from = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        indexes = [
            models.Index("product", "merchant", F("effective_from").desc(), name="fee_plan_lookup")
        ]

    def __str__(self) -> str:
        return f"{self.product} {self.fixed_minor} + {self.basis_points} bp"
