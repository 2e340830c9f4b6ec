"""Every movement of a token on chain that concerns a merchant: paid in, swept to the hot wallet, withdrawn.

One row a movement, so that the merchant's list of transactions is one query. `(network, mode, hash, position)` is the
movement's identity: `position` counts the token transfers of one transaction, so that it survives a reorganisation.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from accounts.models import Merchant
from crypto.models.addresses import DepositAddress
from crypto.models.networks import Network
from crypto.models.sessions import Session
from gateway.lib.modes import Mode
from gateway.lib.states import StatefulModel


class ChainTransaction(StatefulModel):
    class Type(models.TextChoices):
        INCOMING = "incoming", "Incoming"
        OUTGOING = "outgoing", "Outgoing"
        SWEEP = "sweep", "Sweep"

    class Status(models.TextChoices):
        PENDING = "pending", "Waiting for confirmations"
        CONFIRMED = "confirmed", "Confirmed"
        ORPHANED = "orphaned", "Left the chain"
        FAILED = "failed", "Failed"
        REVERSED = "reversed", "Credit taken back"

    TRANSITIONS: ClassVar[dict[str, tuple[str, ...]]] = {
        Status.PENDING: (Status.CONFIRMED, Status.ORPHANED, Status.FAILED),
        Status.ORPHANED: (Status.PENDING,),  # the same transfer again, in another block
        Status.CONFIRMED: (Status.REVERSED,),  # by two people, once it is not on the chain any more
        Status.REVERSED: (Status.PENDING,),  # it came back
        Status.FAILED: (Status.PENDING,),  # it was denied by a receipt, and another one shows it
    }

    type = models.CharField(max_length=8, choices=Type)
    status = models.CharField(max_length=10, choices=Status, default=Status.PENDING)
    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    mode = models.CharField(max_length=4, choices=Mode)
    network = models.ForeignKey(Network, on_delete=models.PROTECT, related_name="+")
    currency = models.CharField(max_length=8)
    transaction_hash = models.CharField(max_length=100)
    position = models.PositiveIntegerField(default=0)
    amount_minor = models.BigIntegerField()
    raw_units = models.CharField(max_length=80)
    sender = models.CharField(max_length=64)
    recipient = models.CharField(max_length=64)
    height = models.BigIntegerField(null=True, blank=True)
    block_hash = models.CharField(max_length=80, blank=True, default="")
    block_time = models.DateTimeField(null=True, blank=True)
    confirmed_at = models.DateTimeField(null=True, blank=True)
    gas_used = models.CharField(max_length=40, blank=True, default="")
    gas_price = models.CharField(max_length=40, blank=True, default="")
    gas_fee_minor = models.BigIntegerField(null=True, blank=True)  # of the network's native coin, 9 places
    # Incoming: whose it is, and why it is not simply that.
    address = models.ForeignKey(
        DepositAddress, on_delete=models.PROTECT, null=True, blank=True, related_name="transactions"
    )
    session = models.ForeignKey(Session, on_delete=models.PROTECT, null=True, blank=True, related_name="transactions")
    credited_minor = models.BigIntegerField(default=0)  # what the ledger got, fee included
    fee_minor = models.BigIntegerField(default=0)  # the part of it that the house kept, includes tax_minor
    tax_minor = models.BigIntegerField(default=0)
    checked_at = models.DateTimeField(null=True, blank=True, editable=False)  # when its receipt was last asked for
    note = models.CharField(max_length=200, blank=True, default="")  # for the operator

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["network", "mode", "transaction_hash", "position"], name="chain_transaction_once"
            ),
            models.CheckConstraint(name="chain_transaction_amount", condition=Q(amount_minor__gte=0)),
        ]
        indexes = [
            # The list with what its filters look at, the same for amounts, and what is on its way.
            models.Index(
                fields=["merchant", "mode", "-created_at", "-id"], name="chain_transaction_newest",
                include=["type", "network", "currency", "amount_minor"],
            ),
            models.Index(
                fields=["merchant", "mode", "amount_minor"], name="chain_transaction_by_amount",
                include=["type", "status", "network", "currency", "created_at", "credited_minor"],
            ),
            models.Index(
                fields=["merchant", "mode"], name="chain_transaction_on_its_way",
                include=["currency", "amount_minor"], condition=Q(type="incoming", status="pending"),
            ),
            # What was credited in a period, without reading a row.
            models.Index(
                fields=["merchant", "mode", "confirmed_at"], name="chain_transaction_credits",
                include=["network", "currency", "credited_minor", "fee_minor"],
                condition=Q(type="incoming", status="confirmed"),
            ),
            models.Index(fields=["address", "-created_at"], name="chain_transaction_address"),
            models.Index(
                fields=["network", "mode", "height"], name="chain_transaction_open", condition=Q(status="pending")
            ),
            models.Index(
                fields=["network", "mode", "checked_at"], name="chain_transaction_orphaned",
                condition=Q(status="orphaned"),
            ),
            models.Index(
                fields=["network", "mode", "height"], name="chain_transaction_height", condition=Q(type="incoming")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.transaction_hash}:{self.position}"
