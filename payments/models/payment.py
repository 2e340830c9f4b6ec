"""Money in: orders, payments and refunds, for all three fiat contracts.

Every payment belongs to an order. The checkout contract shows orders as such; the portal and signed contracts
know only a merchant's own `order_id`, which is the order's `reference` (unique per merchant and mode).

All amounts are integers of minor units. A payment's lifecycle (`status`), whether it was captured
(`captured_at`) and what has been given back are separate facts.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from accounts.models import Merchant, User
from gateway.lib import ids
from gateway.lib.callbacks import EventModel
from gateway.lib.modes import Mode
from gateway.lib.money import Money
from gateway.lib.providers import OutboundModel
from gateway.lib.states import StatefulModel


class Contract(models.TextChoices):
    """Through which contract a record came in."""

    PORTAL = "portal", "Portal"
    SIGNED = "signed", "Signed"
    CHECKOUT = "checkout", "Checkout"


class Order(StatefulModel):
    class Status(models.TextChoices):
        CREATED = "created", "Created"
        ATTEMPTED = "attempted", "Attempted"
        PAID = "paid", "Paid"

    TRANSITIONS: ClassVar[dict[str, tuple[str, ...]]] = {
        Status.CREATED: (Status.ATTEMPTED, Status.PAID),
        Status.ATTEMPTED: (Status.PAID,),
    }

    public_id = models.CharField(max_length=24, unique=True, default=ids.order_id, editable=False)
    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="orders")
    mode = models.CharField(max_length=4, choices=Mode)
    contract = models.CharField(max_length=16, choices=Contract)
    status = models.CharField(max_length=16, choices=Status, default=Status.CREATED)
    reference = models.CharField(max_length=64, null=True, blank=True)
    receipt = models.CharField(max_length=40, blank=True, default="")
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=8)
    notes: models.JSONField[Any, Any] = models.JSONField(default=dict, blank=True)
    public = models.BooleanField(default=False)
    manual_capture = models.BooleanField(default=False)
    redirect_url = models.CharField(max_length=2000, blank=True, default="")  # where its hosted page leads back to
    expires_at = models.DateTimeField(null=True, blank=True)  # from then on no new payment; what is under way may end
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["merchant", "mode", "reference"], name="order_reference_once"),
            models.CheckConstraint(name="order_amount_positive", condition=Q(amount_minor__gt=0)),
        ]
        indexes = [models.Index(fields=["merchant", "mode", "-created_at", "-id"], name="order_list")]

    def __str__(self) -> str:
        return self.reference or self.public_id

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.currency)

    @property
    def has_expired(self) -> bool:
        return self.expires_at is not None and self.expires_at <= timezone.now()


class Payment(StatefulModel, OutboundModel):
    class Status(models.TextChoices):
        CREATED = "created", "Waiting for the payer"
        PROCESSING = "processing", "Processing"
        SUCCEEDED = "succeeded", "Succeeded"
        FAILED = "failed", "Failed"

    TRANSITIONS: ClassVar[dict[str, tuple[str, ...]]] = {
        Status.CREATED: (Status.PROCESSING, Status.FAILED),
        Status.PROCESSING: (Status.SUCCEEDED, Status.FAILED),
        # Money that arrives after all is booked, and flagged: see services/outcomes.py.
        Status.FAILED: (Status.SUCCEEDED,),
    }

    class Method(models.TextChoices):
        UPI = "upi", "UPI"
        CARD = "card", "Card"

    public_id = models.CharField(max_length=24, unique=True, default=ids.payment_id, editable=False)
    page_token = models.CharField(max_length=24, unique=True, default=ids.page_token, editable=False)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="payments")
    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="payments")
    mode = models.CharField(max_length=4, choices=Mode)
    contract = models.CharField(max_length=16, choices=Contract)
    status = models.CharField(max_length=16, choices=Status, default=Status.CREATED)
    method = models.CharField(max_length=8, choices=Method)
    currency = models.CharField(max_length=8)
    amount_minor = models.BigIntegerField()
    received_minor = models.BigIntegerField(null=True, blank=True)
    refunded_minor = models.BigIntegerField(default=0)
    refunding_minor = models.BigIntegerField(default=0)
    # Quoted when the payment is made, anew where another sum is received. `fee_minor` includes `tax_minor` (GST).
    fee_minor = models.BigIntegerField(default=0)
    tax_minor = models.BigIntegerField(default=0)
    payer_name = models.CharField(max_length=120, blank=True, default="")
    payer_email = models.CharField(max_length=254, blank=True, default="")
    payer_phone = models.CharField(max_length=20, blank=True, default="")
    payer_reference = models.CharField(max_length=64, blank=True, default="")  # the merchant's own user id
    vpa = models.CharField(max_length=120, blank=True, default="")
    card_brand = models.CharField(max_length=20, blank=True, default="")
    card_last_four = models.CharField(max_length=4, blank=True, default="")
    card_expiry = models.CharField(max_length=7, blank=True, default="")  # "2027-04"
    card_fingerprint = models.CharField(max_length=64, blank=True, default="")
    # What the payer says, not proven and so not unique; `utr` is what a provider or an operator confirmed.
    claimed_utr = models.CharField(max_length=40, blank=True, default="")
    utr = models.CharField(max_length=40, blank=True, default="")
    comments = models.CharField(max_length=200, blank=True, default="")
    redirect_url = models.CharField(max_length=2000, blank=True, default="")
    failure_code = models.CharField(max_length=40, blank=True, default="")
    failure_reason = models.CharField(max_length=200, blank=True, default="")
    provider = models.CharField(max_length=24)
    provider_reference = models.CharField(max_length=64, blank=True, default="")
    provider_token = models.CharField(max_length=120, blank=True, default="")  # stands for a card; never a PAN
    receiving_account = models.CharField(max_length=120, blank=True, default="")  # the VPA that was shown
    # How long the payer is waited for: to confirm on the page, or at the bank (see services/steps.py).
    expires_at = models.DateTimeField(null=True, blank=True)
    # Where the payer must go while a step at the bank is open; coming back proves nothing.
    step_url = models.CharField(max_length=2000, blank=True, default="", db_default="")
    step_returned_at = models.DateTimeField(null=True, blank=True)
    completed_at = models.DateTimeField(null=True, blank=True)
    capture_requested_at = models.DateTimeField(null=True, blank=True)  # by the merchant, maybe before it succeeded
    captured_at = models.DateTimeField(null=True, blank=True)
    settled_at = models.DateTimeField(null=True, blank=True)  # when its money became available
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(name="payment_amount_positive", condition=Q(amount_minor__gt=0)),
            models.CheckConstraint(
                name="payment_refunds_within_capture",
                condition=Q(refunded_minor__gte=0, refunding_minor__gte=0)
                & (
                    Q(refunded_minor=0, refunding_minor=0)
                    | Q(received_minor__gte=F("refunded_minor") + F("refunding_minor"))
                ),
            ),
            # One payment of an order can succeed; a second one that would is stopped by the database.
            models.UniqueConstraint(fields=["order"], condition=Q(status="succeeded"), name="payment_one_success"),
            models.UniqueConstraint(
                fields=["mode", "receiving_account", "utr"],
                condition=~Q(utr="") & ~Q(receiving_account=""),
                name="payment_utr_once",
            ),
        ]
        indexes = [
            models.Index(fields=["merchant", "mode", "-created_at", "-id"], name="payment_list"),
            models.Index(fields=["mode", "-created_at", "-id"], name="payment_list_all"),
            models.Index(fields=["due_at"], name="payment_due", condition=Q(due_at__isnull=False)),
            models.Index(fields=["expires_at"], name="payment_expiry", condition=Q(status="created")),
            # The panel's figures read these alone, without the rows.
            models.Index(
                fields=["merchant", "mode", "completed_at"], name="payment_ended",
                condition=Q(completed_at__isnull=False),
                include=["status", "captured_at", "received_minor", "fee_minor", "currency"],
            ),
            models.Index(
                fields=["mode", "completed_at"], name="payment_ended_all", condition=Q(completed_at__isnull=False),
                include=["status", "captured_at", "received_minor", "fee_minor", "currency"],
            ),
            models.Index(fields=["mode", "merchant"], name="payment_open", condition=Q(status="processing")),
            # Only live payments rotate over accounts of our own, and are looked up for statements.
            models.Index(
                fields=["receiving_account", "created_at"], name="payment_receiving",
                condition=Q(mode="live") & ~Q(receiving_account=""),
            ),
            models.Index(
                fields=["receiving_account", "claimed_utr"], name="payment_claimed",
                condition=Q(mode="live") & ~Q(claimed_utr=""),
            ),
            models.Index(fields=["mode", "merchant"], name="payment_flagged", condition=~Q(flag="")),
            models.Index(
                fields=["mode", "merchant"], name="payment_uncaptured",
                condition=Q(status="succeeded", captured_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.currency)

    @property
    def gross(self) -> Money:
        """What was received; until that is known, what was asked for."""
        return self.amount if self.received_minor is None else Money(self.received_minor, self.currency)

    @property
    def fee(self) -> Money:
        return Money(self.fee_minor, self.currency)

    @property
    def net(self) -> Money:
        """What reaches the merchant: received (or, before that, asked) less the fee."""
        return self.gross - self.fee

    @property
    def awaits_payer(self) -> bool:
        """The payer has to act (send the money and say so, or choose how to pay), and nobody asks a provider yet."""
        return self.status == self.Status.CREATED and self.due_at is None

    @property
    def awaits_bank_step(self) -> bool:
        """The payer has to confirm at the bank, where `step_url` leads."""
        return self.status == self.Status.PROCESSING and bool(self.step_url)

    def charged_back(self) -> int:
        """What confirmed chargebacks took of it and was not given back, in minor units."""
        rows = self.corrections.filter(kind__in=["chargeback", "credit"], status="confirmed")
        signed = models.Case(models.When(kind="chargeback", then=F("amount_minor")), default=-F("amount_minor"))
        return int(rows.aggregate(sum=models.Sum(signed))["sum"] or 0)

    def refundable(self) -> int:
        """What can still be given back, in minor units: neither refunded, nor being refunded, nor charged back."""
        if self.captured_at is None:
            return 0
        gone = self.refunded_minor + self.refunding_minor + self.charged_back()
        return max((self.received_minor or 0) - gone, 0)


class Refund(StatefulModel, OutboundModel):
    class Status(models.TextChoices):
        PENDING = "pending", "Pending"
        PROCESSED = "processed", "Processed"
        FAILED = "failed", "Failed"

    TRANSITIONS: ClassVar[dict[str, tuple[str, ...]]] = {Status.PENDING: (Status.PROCESSED, Status.FAILED)}

    public_id = models.CharField(max_length=24, unique=True, default=ids.refund_id, editable=False)
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="refunds")
    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="refunds")
    mode = models.CharField(max_length=4, choices=Mode)
    status = models.CharField(max_length=16, choices=Status, default=Status.PENDING)
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=8)
    # What its hold took of the payment's own money that was not settled yet; the rest came from `available`.
    from_pending_minor = models.BigIntegerField(default=0, db_default=0)
    reason = models.CharField(max_length=200, blank=True, default="")
    error_code = models.CharField(max_length=40, blank=True, default="")
    error_description = models.CharField(max_length=200, blank=True, default="")
    provider_reference = models.CharField(max_length=64, blank=True, default="")
    completed_at = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        constraints = [models.CheckConstraint(name="refund_amount_positive", condition=Q(amount_minor__gt=0))]
        indexes = [
            models.Index(fields=["merchant", "mode", "-created_at", "-id"], name="refund_list"),
            models.Index(fields=["due_at"], name="refund_due", condition=Q(due_at__isnull=False)),
            models.Index(fields=["mode", "completed_at"], name="refund_ended", condition=Q(completed_at__isnull=False)),
            models.Index(fields=["mode", "merchant"], name="refund_open", condition=Q(status="pending") | ~Q(flag="")),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.currency)


class ProviderEvent(EventModel):
    """A callback that a provider sent us."""

    class Meta:
        constraints = [models.UniqueConstraint(fields=["provider", "event_id"], name="provider_event_once")]


class SandboxCharge(models.Model):
    """The sandbox provider's own books: what it was asked, how often, and what it decided.

    It is the other side of the wire. The gateway's domain never reads it except through the provider interface;
    tests do, as a witness of how often money really moved.
    """

    reference = models.CharField(max_length=64, unique=True)  # our payment's or refund's id, sent along
    kind = models.CharField(max_length=8)  # charge, refund
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=8)
    decision = models.CharField(max_length=12)  # succeed, fail, wait, step
    decide_at = models.DateTimeField()
    code = models.CharField(max_length=40, blank=True, default="")
    utr = models.CharField(max_length=40, blank=True, default="")
    return_url = models.CharField(max_length=2000, blank=True, default="", db_default="")
    times_asked = models.PositiveIntegerField(default=1)

    def __str__(self) -> str:
        return self.reference
