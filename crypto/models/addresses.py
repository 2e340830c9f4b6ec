"""The pool of deposit addresses: made ahead by the signer, given to one open session at a time, rested, used again."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from accounts.models import Merchant
from crypto.models.networks import Network
from gateway.lib.modes import Mode


class DepositAddress(models.Model):
    """`index` is its place in the key tree. Balances are sums of what this gateway saw confirmed and swept."""

    class SweepStatus(models.TextChoices):
        PENDING = "pending", "Waiting to be swept"
        SWEPT = "swept", "Swept"
        FAILED = "failed", "Sweep failed"

    network = models.ForeignKey(Network, on_delete=models.PROTECT, related_name="addresses")
    mode = models.CharField(max_length=4, choices=Mode)
    address = models.CharField(max_length=64)  # as the network spells it (EIP-55 for EVM)
    lookup = models.CharField(max_length=64)  # EVM lower case, else as `address`; what transfers are matched by
    index = models.PositiveIntegerField()
    is_active = models.BooleanField(default=True)
    # Who used it last.
    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    currency = models.CharField(max_length=8, blank=True, default="")  # of its current or last session
    session = models.OneToOneField(
        "crypto.Session", on_delete=models.PROTECT, null=True, blank=True, related_name="holds"
    )  # the open one
    rests_until = models.DateTimeField(null=True, blank=True)
    times_used = models.PositiveIntegerField(default=0)
    first_used_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    # In USDT and USDC together: one address may be paid in both.
    received_minor = models.BigIntegerField(default=0)
    swept_minor = models.BigIntegerField(default=0)
    sweep_status = models.CharField(max_length=8, choices=SweepStatus, blank=True, default="")
    checked_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["network", "mode", "index"], name="address_index_once"),
            models.UniqueConstraint(fields=["network", "mode", "lookup"], name="address_once"),
            models.CheckConstraint(
                name="address_sums", condition=Q(received_minor__gte=F("swept_minor"), swept_minor__gte=0)
            ),
        ]
        indexes = [
            models.Index(
                fields=["network", "mode", "rests_until"], name="address_free",
                condition=Q(session__isnull=True, is_active=True),
            ),
            models.Index(fields=["merchant", "mode", "-created_at", "-id"], name="address_list"),
        ]

    def __str__(self) -> str:
        return self.address

    @property
    def held_minor(self) -> int:
        return self.received_minor - self.swept_minor
