"""Bank statements: the files as they were uploaded, how each bank's are read, and the credits found in them."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models import User
from gateway.lib import ids
from gateway.lib.modes import Mode
from gateway.lib.money import Money
from gateway.lib.states import StatefulModel
from gateway.lib.work import WorkModel
from payments.models.payment import Payment
from payments.models.receiving import ReceivingAccount


class StatementFormat(models.Model):
    """How one bank's statements are read: `mapping` is a `payments.statements.mapping.Mapping`."""

    name = models.CharField(max_length=60, unique=True)
    mapping: models.JSONField[Any, Any] = models.JSONField()
    updated_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")

    def __str__(self) -> str:
        return self.name


class Statement(StatefulModel, WorkModel):
    """An uploaded file. Nothing counts before an operator has seen its preview and said so."""

    class Status(models.TextChoices):
        UPLOADED = "uploaded", "Not imported yet"
        IMPORTING = "importing", "Being imported"
        IMPORTED = "imported", "Imported"
        DISCARDED = "discarded", "Discarded"

    TRANSITIONS: ClassVar[dict[str, tuple[str, ...]]] = {
        Status.UPLOADED: (Status.IMPORTING, Status.DISCARDED),
        Status.IMPORTING: (Status.IMPORTED,),
    }

    public_id = models.CharField(max_length=24, unique=True, default=ids.statement_id, editable=False)
    mode = models.CharField(max_length=4, choices=Mode)
    account = models.ForeignKey(ReceivingAccount, on_delete=models.PROTECT, related_name="statements")
    status = models.CharField(max_length=12, choices=Status, default=Status.UPLOADED)
    name = models.CharField(max_length=120)
    content = models.BinaryField()
    sha256 = models.CharField(max_length=64)
    format_name = models.CharField(max_length=60, blank=True, default="")
    mapping: models.JSONField[Any, Any] = models.JSONField(null=True, blank=True)  # null: not said yet
    # Of the import, as far as it has come.
    total = models.PositiveIntegerField(default=0)  # credits in the file
    stored = models.PositiveIntegerField(default=0)  # credits dealt with: new ones and those known before
    new = models.PositiveIntegerField(default=0)
    compared = models.PositiveIntegerField(default=0)  # new lines that were looked up among the payments
    debits = models.PositiveIntegerField(default=0)
    problems = models.PositiveIntegerField(default=0)
    credited_minor = models.BigIntegerField(default=0)
    uploaded_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    imported_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["due_at"], name="statement_due", condition=Q(due_at__isnull=False))]

    def __str__(self) -> str:
        return self.name

    @property
    def duplicates(self) -> int:
        return self.stored - self.new

    @property
    def percent(self) -> int:
        """Storing is half of the work, comparing the other."""
        if not self.total:
            return 100 if self.status == self.Status.IMPORTED else 0
        compared = self.compared / self.new if self.new else float(self.stored >= self.total)
        return int(50 * self.stored / self.total + 50 * compared)


class StatementLine(StatefulModel):
    """One credit on a bank's statement: there once, whatever files it comes in, and it pays one payment at most."""

    class Status(models.TextChoices):
        UNMATCHED = "unmatched", "Unmatched"
        MATCHED = "matched", "Matched"
        REFUNDABLE = "refundable", "To be returned"
        IGNORED = "ignored", "Ignored"

    class How(models.TextChoices):
        AUTO = "auto", "UTR and amount"
        ATTACHED = "attached", "Approved before the statement came"
        OPERATOR = "operator", "Assigned by an operator"

    TRANSITIONS: ClassVar[dict[str, tuple[str, ...]]] = {
        Status.UNMATCHED: (Status.MATCHED, Status.REFUNDABLE, Status.IGNORED),
        Status.REFUNDABLE: (Status.UNMATCHED,),
        Status.IGNORED: (Status.UNMATCHED,),
    }

    public_id = models.CharField(max_length=24, unique=True, default=ids.statement_line_id, editable=False)
    mode = models.CharField(max_length=4, choices=Mode)
    account = models.ForeignKey(ReceivingAccount, on_delete=models.PROTECT, related_name="lines")
    statement = models.ForeignKey(Statement, on_delete=models.PROTECT, related_name="lines")
    number = models.PositiveIntegerField()  # the row of the file
    fingerprint = models.CharField(max_length=64)
    day = models.DateField()
    amount_minor = models.BigIntegerField()
    utr = models.CharField(max_length=40, blank=True, default="")
    payer_vpa = models.CharField(max_length=120, blank=True, default="")
    narration = models.CharField(max_length=300, blank=True, default="")
    status = models.CharField(max_length=12, choices=Status, default=Status.UNMATCHED)
    payment = models.OneToOneField(
        Payment, on_delete=models.PROTECT, null=True, blank=True, related_name="statement_line"
    )
    how = models.CharField(max_length=12, choices=How, blank=True, default="")
    note = models.CharField(max_length=200, blank=True, default="")
    decided_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "fingerprint"], name="statement_line_once"),
            models.CheckConstraint(name="statement_line_positive", condition=Q(amount_minor__gt=0)),
            models.CheckConstraint(
                name="statement_line_payment",
                condition=Q(status="matched", payment__isnull=False) | ~Q(status="matched") & Q(payment__isnull=True),
            ),
        ]
        indexes = [
            models.Index(fields=["statement", "number"], name="statement_line_list"),
            models.Index(fields=["mode", "-day", "-id"], name="statement_line_queue", condition=Q(status="unmatched")),
            models.Index(fields=["account", "utr"], name="statement_line_utr", condition=Q(status="unmatched")),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, "INR")
