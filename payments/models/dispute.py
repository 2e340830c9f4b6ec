"""What a provider says of money of a payment that it took back, and maybe gave back after that."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone

from payments.models.correction import Correction
from payments.models.payment import Payment


class Dispute(models.Model):
    """One chargeback by the provider's own id. It books nothing: `chargeback` and `credit` are what was proposed for
    it. What was said and could not be proposed is `problem`, in words, for operators alone.
    """

    provider = models.CharField(max_length=24)
    dispute_id = models.CharField(max_length=80)
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="disputes")
    code = models.CharField(max_length=40, blank=True, default="")  # the provider's reason
    taken_minor = models.BigIntegerField(null=True, blank=True)
    returned_minor = models.BigIntegerField(null=True, blank=True)
    problem = models.CharField(max_length=200, blank=True, default="")
    chargeback = models.OneToOneField(Correction, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    credit = models.OneToOneField(Correction, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["provider", "dispute_id"], name="dispute_once"),
            models.CheckConstraint(
                name="dispute_positive",
                condition=(Q(taken_minor=None) | Q(taken_minor__gt=0))
                & (Q(returned_minor=None) | Q(returned_minor__gt=0)),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.provider} {self.dispute_id}"
