"""What was answered to an `Idempotency-Key`, stored with the effect in its transaction; signatures that were used."""

from __future__ import annotations

from django.db import models
from django.utils import timezone


class IdempotencyRecord(models.Model):
    """`status` 0: the first call is still running (until `leased_until`). Kept for 24 hours."""

    scope = models.CharField(max_length=200)  # merchant or user, mode, method and address
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(default=0)
    body = models.BinaryField(default=b"")
    lease = models.CharField(max_length=16, default="")
    leased_until = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["scope", "key"], name="idempotency_key_once")]
        indexes = [models.Index(fields=["created_at"], name="idempotency_age")]

    def __str__(self) -> str:
        return f"{self.scope} {self.key}"


class SeenSignature(models.Model):
    """A request signature of the `signed` contract that was accepted. Kept while it could be sent again."""

    signature = models.CharField(max_length=64, unique=True)
    seen_at = models.DateTimeField(default=timezone.now, db_index=True)

    def __str__(self) -> str:
        return self.signature
