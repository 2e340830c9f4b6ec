"""Files of a merchant's own records that it asked for: made once, served for a day, then gone."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models import Merchant, User
from gateway.lib import ids
from gateway.lib.modes import Mode
from gateway.lib.states import StatefulModel
from gateway.lib.work import WorkModel

MEDIA_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "json": "application/json",
    "pdf": "application/pdf",
}


def export_id() -> str:
    return ids.new_id("exp")


def _said(name: str, value: Any) -> str:
    """Amounts are kept in minor units."""
    return f"{Decimal(value).scaleb(-8):.8f}" if name in ("min_amount", "max_amount") else str(value)


class Export(StatefulModel, WorkModel):
    """What to write down, and how far that is. There is a file while it is `ready`, and never half of one."""

    class Status(models.TextChoices):
        PENDING = "pending", "Waiting"
        PROCESSING = "processing", "Being made"
        READY = "ready", "Ready"
        FAILED = "failed", "Failed"
        EXPIRED = "expired", "Expired"

    class Format(models.TextChoices):
        CSV = "csv", "CSV"
        XLSX = "xlsx", "Excel"
        JSON = "json", "JSON"
        PDF = "pdf", "PDF"

    class Type(models.TextChoices):
        SESSIONS = "sessions", "Sessions"
        TRANSACTIONS = "transactions", "Transactions"
        ADDRESSES = "addresses", "Deposit addresses"

    TRANSITIONS: ClassVar[dict[str, tuple[str, ...]]] = {
        Status.PENDING: (Status.PROCESSING, Status.FAILED),
        Status.PROCESSING: (Status.READY, Status.FAILED),
        Status.READY: (Status.EXPIRED,),
    }

    public_id = models.CharField(max_length=24, unique=True, default=export_id, editable=False)
    merchant = models.ForeignKey(Merchant, on_delete=models.CASCADE, related_name="+")
    mode = models.CharField(max_length=4, choices=Mode)
    status = models.CharField(max_length=10, choices=Status, default=Status.PENDING)
    format = models.CharField(max_length=4, choices=Format)
    type = models.CharField(max_length=12, choices=Type)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()  # included
    criteria: models.JSONField[Any, Any] = models.JSONField(default=dict, blank=True)  # column words → value
    rows_done = models.PositiveIntegerField(default=0)
    record_count = models.PositiveIntegerField(null=True, blank=True)
    file_size = models.BigIntegerField(null=True, blank=True)  # bytes
    failure = models.CharField(max_length=200, blank=True, default="")
    expires_at = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        indexes = [
            models.Index(fields=["due_at"], name="export_due", condition=Q(due_at__isnull=False)),
            models.Index(fields=["expires_at"], name="export_expiry", condition=Q(status="ready")),
            models.Index(fields=["merchant", "mode", "-created_at", "-id"], name="export_list"),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def is_ready(self) -> bool:
        """Whether its file may be given out now."""
        return self.status == self.Status.READY and self.expires_at is not None and timezone.now() < self.expires_at

    @property
    def is_open(self) -> bool:
        return self.status in (self.Status.PENDING, self.Status.PROCESSING)

    @property
    def state(self) -> Export.Status:
        """Its status; a file whose day is over has expired, thrown away or not."""
        is_over = self.status == self.Status.READY and not self.is_ready
        return self.Status.EXPIRED if is_over else self.Status(self.status)

    @property
    def narrowed_to(self) -> str:
        """`min amount 50.00000000, type incoming`; nothing where it holds all of its period."""
        wanted = sorted(self.criteria.items())
        return ", ".join(f"{name.replace('_', ' ')} {_said(name, value)}" for name, value in wanted)

    @property
    def size_text(self) -> str:
        """`245KB`, `1.2MB`: in thousands, as file managers show them; nothing before there is a file."""
        size = self.file_size
        if size is None:
            return ""
        if size < 1_000_000:
            return f"{size}B" if size < 1000 else f"{round(size / 1000)}KB"
        return f"{size / 1_000_000:.1f}MB"

    @property
    def media_type(self) -> str:
        return MEDIA_TYPES[self.Format(self.format)]

    @property
    def file_name(self) -> str:
        return f"{self.public_id}.{self.format}"
