"""Chains and tokens as data: another EVM chain or another token is a row, not code."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone

from gateway.lib.modes import Mode


class Network(models.Model):
    """A chain. Which ones are on in live mode, and their RPC addresses, come from the environment."""

    class Family(models.TextChoices):
        EVM = "evm", "EVM"
        TRON = "tron", "Tron"
        SOLANA = "solana", "Solana"

    class FeeModel(models.TextChoices):
        EIP1559 = "eip1559", "EIP-1559"
        LEGACY = "legacy", "Gas price"
        TRON = "tron", "Energy and bandwidth"
        SOLANA = "solana", "Signatures and priority"

    code = models.CharField(max_length=8, primary_key=True)  # BSC, ETH, POL, TRX, SOL
    name = models.CharField(max_length=40)
    family = models.CharField(max_length=8, choices=Family)
    fee_model = models.CharField(max_length=8, choices=FeeModel)
    chain_id = models.BigIntegerField(null=True, blank=True)
    confirmations = models.PositiveIntegerField()
    block_milliseconds = models.PositiveIntegerField()
    native = models.CharField(max_length=8)  # the coin that pays for gas, as a ledger currency: BNB
    native_decimals = models.PositiveSmallIntegerField()
    explorer = models.CharField(max_length=60)  # https://bscscan.com
    transaction_path = models.CharField(max_length=40, default="/tx/{}")
    address_path = models.CharField(max_length=40, default="/address/{}")
    scan_span = models.PositiveIntegerField(default=500)  # blocks asked for in one call
    scan_overlap = models.PositiveIntegerField(default=3)  # blocks read again each time
    lag_seconds = models.PositiveIntegerField(default=300)  # behind this, its checkout closes
    # The most that one transaction may cost (native, 9 places): a node that asks for more is not believed.
    fee_ceiling_minor = models.BigIntegerField(default=0)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["position"]

    def __str__(self) -> str:
        return self.code


class Token(models.Model):
    """A token's contract on one network, in one mode."""

    network = models.ForeignKey(Network, on_delete=models.PROTECT, related_name="tokens")
    mode = models.CharField(max_length=4, choices=Mode)
    currency = models.CharField(max_length=8)  # USDT, USDC
    contract = models.CharField(max_length=64)  # in the network's own spelling; EVM lower case
    decimals = models.PositiveSmallIntegerField()
    sweep_minimum_minor = models.BigIntegerField(default=5 * 10**8)
    active = models.BooleanField(default=True)  # off: no new session or withdrawal; what comes is credited as before

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["network", "mode", "currency"], name="token_currency_once"),
            models.UniqueConstraint(fields=["network", "mode", "contract"], name="token_contract_once"),
        ]

    def __str__(self) -> str:
        return f"{self.currency} on {self.network_id} ({self.mode})"


class ChainState(models.Model):
    """How far a network is scanned in one mode, and whether its checkout is open.

    A range counts as scanned only when it was answered whole; `scanned_height` never passes what was not read, unless
    the hole is a `ScanGap`.
    """

    network = models.ForeignKey(Network, on_delete=models.PROTECT, related_name="states")
    mode = models.CharField(max_length=4, choices=Mode)
    scanned_height = models.BigIntegerField(null=True, blank=True)
    head_height = models.BigIntegerField(default=0)
    head_moved_at = models.DateTimeField(null=True, blank=True)  # when the head was last seen to grow
    checked_at = models.DateTimeField(null=True, blank=True)  # when a node last answered
    looked_at = models.DateTimeField(null=True, blank=True)  # when a watcher last asked
    scanned_time = models.DateTimeField(null=True, blank=True)  # the chain's own time at `scanned_height`
    closed_since = models.DateTimeField(null=True, blank=True)  # null: checkout is open
    closed_reason = models.CharField(max_length=200, blank=True, default="")
    leased_until = models.DateTimeField(null=True, blank=True, editable=False)  # one watcher a network
    lease = models.CharField(max_length=16, default="", blank=True, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["network", "mode"], name="chain_state_once")]

    def __str__(self) -> str:
        return f"{self.network_id} ({self.mode})"


class BlockMark(models.Model):
    """The hash of a block as it was scanned; another hash at its height later is a reorganisation."""

    state = models.ForeignKey(ChainState, on_delete=models.CASCADE, related_name="marks")
    height = models.BigIntegerField()
    hash = models.CharField(max_length=80)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["state", "height"], name="block_mark_once")]

    def __str__(self) -> str:
        return f"{self.height} {self.hash}"


class ScanGap(models.Model):
    """A range that no node would answer; asked for again until one does. Open while `closed_at` is null."""

    state = models.ForeignKey(ChainState, on_delete=models.CASCADE, related_name="gaps")
    first_height = models.BigIntegerField()
    last_height = models.BigIntegerField()
    tries = models.PositiveIntegerField(default=0)
    last_error = models.CharField(max_length=200, blank=True, default="")
    due_at = models.DateTimeField(default=timezone.now)
    opened_at = models.DateTimeField(default=timezone.now)
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["state", "due_at"], name="scan_gap_open", condition=Q(closed_at__isnull=True))]

    def __str__(self) -> str:
        return f"{self.first_height}–{self.last_height}"


class RpcNode(models.Model):
    """What we know of one RPC address: tried in the order of health. Its URL may hold a key: only a label is kept."""

    network = models.ForeignKey(Network, on_delete=models.CASCADE, related_name="nodes")
    mode = models.CharField(max_length=4, choices=Mode)
    label = models.CharField(max_length=120)  # host and a digest of the whole URL
    height = models.BigIntegerField(default=0)
    failures = models.PositiveIntegerField(default=0)  # in a row
    last_error = models.CharField(max_length=200, blank=True, default="")
    answered_at = models.DateTimeField(null=True, blank=True)
    resting_until = models.DateTimeField(null=True, blank=True)
    latency_ms = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["network", "mode", "label"], name="rpc_node_once")]

    def __str__(self) -> str:
        return self.label


class HotWallet(models.Model):
    """Where sweeps go and withdrawals come from: written by the signer at its start, so that the others know it."""

    network = models.ForeignKey(Network, on_delete=models.PROTECT, related_name="+")
    mode = models.CharField(max_length=4, choices=Mode)
    address = models.CharField(max_length=64)
    seen_at = models.DateTimeField(default=timezone.now)  # when a signer last said that it holds its key
    # Where the next deposit address is taken from the key tree, at the least (see services/pool.py).
    first_index = models.PositiveIntegerField(default=0, db_default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["network", "mode"], name="hot_wallet_once")]

    def __str__(self) -> str:
        return self.address
