"""Telling others: endpoints, events, deliveries and each attempt at one.

An event is written in the transaction of what it reports; its deliveries, with the payload fixed at that moment,
are the outbox. Deliveries are independent of each other: one that fails holds up no other.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from functools import cached_property
from typing import Any

from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models import Merchant, User
from gateway.lib import ids, secrets
from gateway.lib.modes import Mode
from gateway.lib.work import WorkModel


class Endpoint(models.Model):
    """A merchant's address that speaks one contract. `events` empty: that contract's usual ones."""

    class Contract(models.TextChoices):
        PORTAL = "portal", "Portal"
        SIGNED = "signed", "Signed"
        CHECKOUT = "checkout", "Checkout"
        DASHBOARD = "dashboard", "Dashboard"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    merchant = models.ForeignKey(Merchant, on_delete=models.CASCADE, related_name="endpoints")
    mode = models.CharField(max_length=4, choices=Mode)
    contract = models.CharField(max_length=16, choices=Contract, default=Contract.PORTAL)
    url = models.CharField(max_length=2000)
    events: models.JSONField[Any, Any] = models.JSONField(default=list, blank=True)
    enabled = models.BooleanField(default=True)
    disabled_reason = models.CharField(max_length=200, blank=True, default="")
    secret_encrypted = models.TextField()
    previous_secret_encrypted = models.TextField(blank=True, default="")
    previous_secret_until = models.DateTimeField(null=True, blank=True)
    # An endpoint's own schedule ({"max_retries": 0–10, "retry_interval": seconds}); empty: the standard one.
    retry_config: models.JSONField[Any, Any] = models.JSONField(default=dict, blank=True)
    # Asked for by one record (a session's `callback_url`): told of that record alone, and listed nowhere.
    one_off = models.BooleanField(default=False)
    failing_since = models.DateTimeField(null=True, blank=True)  # of the first failure after the last success
    notice_due = models.BooleanField(default=False)  # it was disabled, and its owner has not been told yet
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["merchant", "mode", "created_at"], name="endpoint_owner", condition=Q(deleted_at__isnull=True)
            ),
            models.Index(fields=["id"], name="endpoint_notice", condition=Q(notice_due=True)),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["merchant", "mode", "contract", "url"], name="endpoint_one_off_once", condition=Q(one_off=True)
            ),
        ]

    def __str__(self) -> str:
        return self.url

    @property
    def is_open(self) -> bool:
        """Whether deliveries are sent to it."""
        return self.enabled and self.deleted_at is None

    def signing_secrets(self, at: datetime) -> list[str]:
        """In clear, the current one first; during a rotation the previous one too."""
        rotating = self.previous_secret_until is not None and at < self.previous_secret_until
        return [self._secret, self._previous_secret] if rotating else [self._secret]

    @cached_property
    def _secret(self) -> str:
        return secrets.decrypt(self.secret_encrypted)

    @cached_property
    def _previous_secret(self) -> str:
        return secrets.decrypt(self.previous_secret_encrypted)


class CallbackSecret(models.Model):
    """What signs the one-off deliveries of a merchant that has no endpoint of their contract, whose secret would."""

    merchant = models.ForeignKey(Merchant, on_delete=models.CASCADE, related_name="+")
    mode = models.CharField(max_length=4, choices=Mode)
    contract = models.CharField(max_length=16, choices=Endpoint.Contract)
    secret_encrypted = models.TextField()
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["merchant", "mode", "contract"], name="callback_secret_once"),
        ]

    def __str__(self) -> str:
        return f"{self.contract} ({self.mode})"


class Event(models.Model):
    """Something that happened, in the core's words (`payment.succeeded`)."""

    public_id = models.CharField(max_length=24, unique=True, default=ids.event_id, editable=False)
    merchant = models.ForeignKey(Merchant, on_delete=models.CASCADE, related_name="events")
    mode = models.CharField(max_length=4, choices=Mode)
    type = models.CharField(max_length=40)
    subject = models.CharField(max_length=64)  # the public id of what it is about
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        indexes = [models.Index(fields=["subject", "id"], name="event_subject")]

    def __str__(self) -> str:
        return f"{self.type} {self.subject}"


class Delivery(WorkModel):
    """One event for one endpoint, payload fixed. `due_at` is the next attempt (null: none is planned).

    Whoever holds its lease records how an attempt ended; a replay is possible while nobody does.
    """

    class Status(models.TextChoices):
        PENDING = "pending", "Waiting"
        SUCCEEDED = "succeeded", "Delivered"
        RETRYING = "retrying", "Will be retried"
        FAILED = "failed", "Given up"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="deliveries")
    # Both are led by an index below already.
    endpoint = models.ForeignKey(Endpoint, on_delete=models.CASCADE, related_name="deliveries", db_index=False)
    merchant = models.ForeignKey(Merchant, on_delete=models.CASCADE, related_name="+", db_index=False)
    mode = models.CharField(max_length=4, choices=Mode)
    event_name = models.CharField(max_length=40)  # in the contract's words
    body = models.TextField()
    status = models.CharField(max_length=16, choices=Status, default=Status.PENDING)
    attempt_count = models.PositiveIntegerField(default=0)
    last_response_status = models.PositiveIntegerField(null=True, blank=True)
    last_error = models.CharField(max_length=200, blank=True, default="")  # why it is not delivered yet, in words
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        indexes = [
            models.Index(fields=["due_at", "id"], name="delivery_due", condition=Q(due_at__isnull=False)),
            # What waits for one endpoint, found without reading past what waits for another.
            models.Index(
                fields=["endpoint", "due_at"], name="delivery_endpoint_due", condition=Q(due_at__isnull=False)
            ),
            models.Index(fields=["merchant", "mode", "-created_at", "-id"], name="delivery_list"),
            models.Index(fields=["endpoint", "-created_at"], name="delivery_endpoint"),
        ]

    def __str__(self) -> str:
        return f"{self.event_name} → {self.endpoint_id}"


class Attempt(models.Model):
    """One request that was sent, and what came back: kept as the merchant will want to see it.

    `number` counts the times a worker took the delivery; one that is missing belongs to a worker that died.
    """

    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="attempts", db_index=False)
    number = models.PositiveIntegerField()
    started_at = models.DateTimeField()
    duration_ms = models.PositiveIntegerField()
    request_headers: models.JSONField[Any, Any] = models.JSONField(default=dict)
    response_status = models.PositiveIntegerField(null=True, blank=True)
    response_headers: models.JSONField[Any, Any] = models.JSONField(default=dict)
    response_body = models.TextField(blank=True, default="")
    error = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        ordering = ["-number"]
        constraints = [models.UniqueConstraint(fields=["delivery", "number"], name="attempt_number_once")]

    def __str__(self) -> str:
        return f"attempt {self.number}"
