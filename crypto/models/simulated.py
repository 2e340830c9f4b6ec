"""The simulated chain's own tables: what a real chain's nodes would keep. Nothing of the gateway's state is in them.

Empty blocks have no rows: a height follows from the clock (`SimulatedEra`), a block's hash from its height and the
number of reorganisations that passed over it (`SimulatedFork`). Units are decimal text, since they outgrow 64 bits.
"""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q
from django.utils import timezone

from crypto.models.networks import Network
from gateway.lib.modes import Mode


class SimulatedNetwork(models.Model):
    """One simulated chain, and how well its node behaves at the moment (`faults`)."""

    network = models.ForeignKey(Network, on_delete=models.CASCADE, related_name="+")
    mode = models.CharField(max_length=4, choices=Mode)
    gas_price = models.BigIntegerField(default=10**9)  # what a block asks for, on chains that have such a price
    faults: models.JSONField[Any, Any] = models.JSONField(default=dict, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["network", "mode"], name="simulated_network_once")]

    def __str__(self) -> str:
        return f"{self.network_id} ({self.mode})"


class SimulatedEra(models.Model):
    """From `first_height` at `started_at` on, a block every `block_seconds`; with 0, `last_height` is the end."""

    chain = models.ForeignKey(SimulatedNetwork, on_delete=models.CASCADE, related_name="eras")
    first_height = models.BigIntegerField()
    last_height = models.BigIntegerField()
    started_at = models.DateTimeField(default=timezone.now)
    block_seconds = models.FloatField(default=0)

    def __str__(self) -> str:
        return f"from {self.first_height}"


class SimulatedFork(models.Model):
    """Blocks `first_height`–`last_height` were replaced by others."""

    chain = models.ForeignKey(SimulatedNetwork, on_delete=models.CASCADE, related_name="forks")
    first_height = models.BigIntegerField()
    last_height = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.first_height}–{self.last_height}"


class SimulatedTransaction(models.Model):
    """`moves` are [contract ("" is the native coin), sender, recipient, units]. Waiting while it has no height and is
    not `gone` (replaced, expired, or dropped by a reorganisation)."""

    chain = models.ForeignKey(SimulatedNetwork, on_delete=models.CASCADE, related_name="transactions")
    hash = models.CharField(max_length=100)
    sender = models.CharField(max_length=64)
    nonce = models.BigIntegerField(null=True, blank=True)
    moves: models.JSONField[Any, Any] = models.JSONField(default=list)
    outside = models.BooleanField(default=False)  # by somebody with unlimited funds, who pays no fee of ours
    fails = models.BooleanField(default=False)
    gas = models.BigIntegerField(default=0)
    gas_price = models.BigIntegerField(default=0)  # the most it offers
    dead_after_height = models.BigIntegerField(null=True, blank=True)
    gone = models.BooleanField(default=False)
    height = models.BigIntegerField(null=True, blank=True)
    position = models.PositiveIntegerField(default=0)  # in its block
    succeeded = models.BooleanField(default=False)
    fee = models.CharField(max_length=80, default="0")  # native units paid
    price_paid = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["chain", "hash"], name="simulated_transaction_once")]
        indexes = [
            models.Index(
                fields=["chain", "id"], name="simulated_waiting", condition=Q(height__isnull=True, gone=False)
            ),
            models.Index(fields=["chain", "height", "position"], name="simulated_block"),
            models.Index(fields=["chain", "sender"], name="simulated_sender"),
        ]

    def __str__(self) -> str:
        return self.hash


class SimulatedBalance(models.Model):
    chain = models.ForeignKey(SimulatedNetwork, on_delete=models.CASCADE, related_name="balances")
    contract = models.CharField(max_length=64, blank=True)
    address = models.CharField(max_length=64)
    units = models.CharField(max_length=80, default="0")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["chain", "contract", "address"], name="simulated_balance_once")
        ]

    def __str__(self) -> str:
        return f"{self.units} of {self.contract or 'native'} at {self.address}"
