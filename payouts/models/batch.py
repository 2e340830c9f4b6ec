"""Payouts by bank file: batches of approved payouts, the files made of them, and the banks' answers.

A payout is in at most one live batch, which the database enforces. What became of a line is not kept twice: it is
what became of its payout; a line only adds what was unclear about it and which file answered it.
"""

from __future__ import annotations

import secrets
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
from payouts.models.payout import Payout

# Without the letters and digits that people take for each other; banks take capitals and digits everywhere.
_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"


def format_id() -> str:
    return ids.new_id("fmt")


def batch_id() -> str:
    return ids.new_id("batch")


def result_id() -> str:
    return ids.new_id("res")


def line_reference() -> str:
    """What the bank is told and gives back: 12 capitals and digits (55 bits), checked for uniqueness as well."""
    return "P" + "".join(secrets.choice(_ALPHABET) for _ in range(11))


class BankFormat(models.Model):
    """How one bank wants its payout file, and how to read its answer; see payouts/batches/formats.py."""

    public_id = models.CharField(max_length=24, unique=True, default=format_id, editable=False)
    name = models.CharField(max_length=60, unique=True)
    columns = models.TextField()  # one a line: `Title = template`
    result: models.JSONField[Any, Any] = models.JSONField(default=dict)
    retired = models.BooleanField(default=False)
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.name


class PayoutBatch(StatefulModel):
    class Status(models.TextChoices):
        OPEN = "open", "Being put together"
        EXPORTED = "exported", "Exported, not yet sent"
        SENT = "sent", "With the bank"
        CANCELLED = "cancelled", "Cancelled"

    TRANSITIONS: ClassVar[dict[str, tuple[str, ...]]] = {
        Status.OPEN: (Status.EXPORTED, Status.CANCELLED),
        Status.EXPORTED: (Status.SENT, Status.CANCELLED),
    }

    public_id = models.CharField(max_length=24, unique=True, default=batch_id, editable=False)
    mode = models.CharField(max_length=4, choices=Mode)
    status = models.CharField(max_length=16, choices=Status, default=Status.OPEN)
    note = models.CharField(max_length=200, blank=True, default="")
    bank_format = models.ForeignKey(  # null: the plain one that is always there
        BankFormat, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    sent_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["mode", "-created_at", "-id"], name="batch_list")]

    def __str__(self) -> str:
        return self.public_id


class BatchLine(models.Model):
    """One payout in a batch. `live` until it is taken out or the batch is cancelled; then the payout is free again."""

    batch = models.ForeignKey(PayoutBatch, on_delete=models.PROTECT, related_name="lines")
    payout = models.ForeignKey(Payout, on_delete=models.PROTECT, related_name="lines")
    number = models.PositiveIntegerField()
    reference = models.CharField(max_length=12, unique=True, default=line_reference)
    live = models.BooleanField(default=True)
    problem = models.CharField(max_length=200, blank=True, default="")  # what a result file left unclear about it
    answered_by = models.ForeignKey(
        "ResultFile", on_delete=models.PROTECT, null=True, blank=True, related_name="answered"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["payout"], condition=Q(live=True), name="payout_in_one_live_batch"),
            models.UniqueConstraint(fields=["batch", "number"], name="batch_line_number"),
        ]

    def __str__(self) -> str:
        return self.reference

    @property
    def amount(self) -> Money:
        return self.payout.amount


class BatchExport(models.Model):
    """A file as it was handed out, byte for byte."""

    batch = models.ForeignKey(PayoutBatch, on_delete=models.PROTECT, related_name="exports")
    name = models.CharField(max_length=80)
    content = models.BinaryField()
    sha256 = models.CharField(max_length=64)
    lines = models.PositiveIntegerField()
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.name


class ResultFile(StatefulModel, WorkModel):
    """A bank's answer as it was uploaded. It counts for nothing until somebody has seen its preview and applies it."""

    class Status(models.TextChoices):
        PREVIEW = "preview", "To be checked"
        APPLYING = "applying", "Being applied"
        APPLIED = "applied", "Applied"
        DISCARDED = "discarded", "Discarded"

    TRANSITIONS: ClassVar[dict[str, tuple[str, ...]]] = {
        Status.PREVIEW: (Status.APPLYING, Status.DISCARDED),
        Status.APPLYING: (Status.APPLIED,),
    }

    public_id = models.CharField(max_length=24, unique=True, default=result_id, editable=False)
    batch = models.ForeignKey(PayoutBatch, on_delete=models.PROTECT, related_name="results")
    status = models.CharField(max_length=16, choices=Status, default=Status.PREVIEW)
    name = models.CharField(max_length=120)
    content = models.BinaryField()
    sha256 = models.CharField(max_length=64)
    mapping: models.JSONField[Any, Any] = models.JSONField(default=dict)  # as it was read
    rows: models.JSONField[Any, Any] = models.JSONField(default=list)  # what was read, one list a row
    report: models.JSONField[Any, Any] = models.JSONField(default=list)  # once applied: effect and problem of each row
    uploaded_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    applied_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    applied_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["due_at"], name="result_file_due", condition=Q(due_at__isnull=False))]

    def __str__(self) -> str:
        return self.public_id
