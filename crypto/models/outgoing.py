"""What this gateway sends on a chain. Written down and claimed before it is signed, signed before it is broadcast.

An `Outgoing` is one intent (move this much to there) with one place in its sender's order of nonces; each `Attempt` is
a signed form of it. Whatever happens to the attempts, at most one of them can ever be mined.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models import Merchant
from crypto.models.addresses import DepositAddress
from crypto.models.networks import Network, Token
from gateway.lib.modes import Mode
from gateway.lib.states import StatefulModel
from gateway.lib.work import WorkModel


class Sender(models.Model):
    """One of our addresses as a sender: whose turn it is to sign for it, and the next nonce that nobody has.

    A nonce is taken under this row's lock. `stopped_at`: a transaction that is not ours used one of its nonces, so
    somebody else may hold its key; nothing more is signed for it until an operator says so.
    """

    network = models.ForeignKey(Network, on_delete=models.PROTECT, related_name="+")
    mode = models.CharField(max_length=4, choices=Mode)
    address = models.CharField(max_length=64)
    next_nonce = models.BigIntegerField(null=True, blank=True)  # null: not asked of the chain yet
    ahead = models.PositiveSmallIntegerField(default=0)  # looks in a row at which the chain was ahead of it
    stopped_at = models.DateTimeField(null=True, blank=True)
    stopped_reason = models.CharField(max_length=200, blank=True, default="")
    leased_until = models.DateTimeField(null=True, blank=True, editable=False)
    lease = models.CharField(max_length=16, default="", blank=True, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["network", "mode", "address"], name="sender_once")]

    def __str__(self) -> str:
        return self.address


class Outgoing(StatefulModel, WorkModel):
    class Purpose(models.TextChoices):
        SWEEP = "sweep", "Sweep"
        GAS = "gas", "Gas for a sweep"
        WITHDRAWAL = "withdrawal", "Withdrawal"
        HOUSE = "house", "House withdrawal"

    class Status(models.TextChoices):
        WAITING = "waiting", "Waiting to be signed"
        SIGNED = "signed", "Signed"
        SENT = "sent", "Broadcast"
        UNKNOWN = "unknown", "Broadcast, answer never came"
        CONFIRMED = "confirmed", "Confirmed"
        FAILED = "failed", "Failed"

    class Waits(models.TextChoices):
        TOKENS = "tokens", "The sender has too little of the token"
        GAS = "gas", "The sender has too little of the network's coin to pay the fee"
        NODE = "node", "No node of the network answers"
        FEE = "fee", "The network asks more for it than its ceiling allows"
        REFUSED = "refused", "The network would refuse it as it is"
        KEYS = "keys", "The signer has no keys for it"
        STOPPED = "stopped", "Sending from this address is stopped"
        TURN = "turn", "Another transaction of the same sender goes first"

    class Flag(models.TextChoices):
        FOREIGN = "foreign", "A transaction that is not ours used its nonce"
        OTHERWISE = "otherwise", "It was mined, but moved something else than was meant"
        REFUSED = "refused", "The nodes refuse it"
        STUCK = "stuck", "It is not mined, however much it offers"
        VANISHED = "vanished", "It had ended, and left the chain again"
        DISPUTED = "disputed", "The nodes do not agree on what became of it"

    # What brings money out of the house; the others move it from one of our addresses to another.
    LEAVING = (Purpose.WITHDRAWAL, Purpose.HOUSE)
    TRANSITIONS: ClassVar[dict[str, tuple[str, ...]]] = {
        Status.WAITING: (Status.SIGNED, Status.FAILED),
        Status.SIGNED: (Status.SENT, Status.UNKNOWN),
        Status.SENT: (Status.CONFIRMED, Status.FAILED, Status.UNKNOWN),
        Status.UNKNOWN: (Status.SENT, Status.CONFIRMED, Status.FAILED),
    }

    purpose = models.CharField(max_length=12, choices=Purpose)
    status = models.CharField(max_length=10, choices=Status, default=Status.WAITING)
    network = models.ForeignKey(Network, on_delete=models.PROTECT, related_name="+")
    mode = models.CharField(max_length=4, choices=Mode)
    sender = models.CharField(max_length=64)
    sender_index = models.IntegerField()  # in the key tree; −1 is the hot wallet
    recipient = models.CharField(max_length=64)
    token = models.ForeignKey(Token, on_delete=models.PROTECT, null=True, blank=True, related_name="+")  # null: native
    raw_units = models.CharField(max_length=80)
    nonce = models.BigIntegerField(null=True, blank=True)  # null: not given yet, or a chain without nonces
    transaction_hash = models.CharField(max_length=100, blank=True, default="")  # of the attempt that was mined
    height = models.BigIntegerField(null=True, blank=True)
    fee_raw = models.CharField(max_length=80, blank=True, default="")  # native units, once mined
    # What the block of a form that moved something else took: booked if an operator gives the intent up.
    taken_raw = models.CharField(max_length=80, blank=True, default="", db_default="")
    waits_for = models.CharField(max_length=10, choices=Waits, blank=True, default="")
    flag = models.CharField(max_length=10, choices=Flag, blank=True, default="")
    # Looks in a row at which no form of it was found although none can be mined any more, and refusals in a row.
    missing = models.PositiveSmallIntegerField(default=0)
    refusals = models.PositiveSmallIntegerField(default=0)
    failure = models.CharField(max_length=200, blank=True, default="")
    sent_at = models.DateTimeField(null=True, blank=True)
    confirmed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["network", "mode", "sender", "nonce"], name="outgoing_nonce_once",
                condition=Q(nonce__isnull=False),
            ),
        ]
        indexes = [
            models.Index(fields=["due_at"], name="outgoing_due", condition=Q(due_at__isnull=False)),
            models.Index(fields=["sender", "id"], name="outgoing_sender"),
        ]

    def __str__(self) -> str:
        return f"{self.purpose} {self.pk}"


class Attempt(models.Model):
    """One signed form of an outgoing transaction: the raw bytes are kept, so that the same ones can be sent again."""

    outgoing = models.ForeignKey(Outgoing, on_delete=models.PROTECT, related_name="attempts")
    number = models.PositiveSmallIntegerField()
    # Moves nothing to its own sender: takes the nonce away from forms that no node accepts.
    cancels = models.BooleanField(default=False)
    transaction_hash = models.CharField(max_length=100)
    raw = models.TextField()
    fee: models.JSONField[Any, Any] = models.JSONField(default=dict)
    dead_after_height = models.BigIntegerField(null=True, blank=True)  # beyond it this form can no longer be mined
    signed_at = models.DateTimeField(default=timezone.now)
    broadcast_at = models.DateTimeField(null=True, blank=True)
    answer = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["outgoing", "number"], name="attempt_once"),
            models.UniqueConstraint(fields=["transaction_hash", "outgoing"], name="attempt_hash_once"),
        ]

    def __str__(self) -> str:
        return self.transaction_hash


class GasFunding(models.Model):
    """Native coin sent to a deposit address, so that it can pay for its own sweep."""

    address = models.ForeignKey(DepositAddress, on_delete=models.PROTECT, related_name="gas_fundings")
    outgoing = models.OneToOneField(Outgoing, on_delete=models.PROTECT, related_name="gas_funding")
    amount_minor = models.BigIntegerField()  # of the native coin, 9 places
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"gas for {self.address_id}"


class Sweep(StatefulModel, WorkModel):
    """One token's balance of one address on its way to the hot wallet. One at a time for an address."""

    class Status(models.TextChoices):
        PENDING = "pending", "Waiting"
        FUNDING = "funding", "Waiting for gas"
        SENDING = "sending", "On its way"
        SWEPT = "swept", "Swept"
        FAILED = "failed", "Failed"

    TRANSITIONS: ClassVar[dict[str, tuple[str, ...]]] = {
        Status.PENDING: (Status.FUNDING, Status.SENDING, Status.FAILED),
        Status.FUNDING: (Status.SENDING, Status.FAILED),
        Status.SENDING: (Status.SWEPT, Status.FAILED),
        # Its transaction left the chain with what it had swept, and may come back with it.
        Status.SWEPT: (Status.FAILED,),
        Status.FAILED: (Status.SWEPT,),
    }

    address = models.ForeignKey(DepositAddress, on_delete=models.PROTECT, related_name="sweeps")
    token = models.ForeignKey(Token, on_delete=models.PROTECT, related_name="+")
    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    mode = models.CharField(max_length=4, choices=Mode)
    status = models.CharField(max_length=8, choices=Status, default=Status.PENDING)
    amount_minor = models.BigIntegerField()
    raw_units = models.CharField(max_length=80)
    outgoing = models.OneToOneField(Outgoing, on_delete=models.PROTECT, null=True, blank=True, related_name="sweep")
    funding = models.ForeignKey(GasFunding, on_delete=models.PROTECT, null=True, blank=True, related_name="sweeps")
    failure = models.CharField(max_length=200, blank=True, default="")
    swept_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["address"], name="sweep_one_open",
                condition=Q(status__in=["pending", "funding", "sending"]),
            ),
        ]
        indexes = [models.Index(fields=["due_at"], name="sweep_due", condition=Q(due_at__isnull=False))]

    def __str__(self) -> str:
        return f"sweep {self.pk}"


class Endowment(models.Model):
    """Coins of the simulated chain that the house brings: promised in the books first, minted once a signer has told
    its hot wallet. Until then the chain holds that much less than the books."""

    network = models.ForeignKey(Network, on_delete=models.PROTECT, related_name="+")
    mode = models.CharField(max_length=4, choices=Mode, default=Mode.TEST)
    currency = models.CharField(max_length=8)
    amount_minor = models.BigIntegerField()
    reference = models.CharField(max_length=80, unique=True)
    transaction_hash = models.CharField(max_length=100, blank=True, default="")  # empty: not minted yet
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [models.Index(fields=["id"], name="endowment_due", condition=Q(transaction_hash=""))]

    def __str__(self) -> str:
        return self.reference
