"""Kept sums of sessions and of transfers, so that a figure of a year reads days, not rows.

Triggers of the database write one `change` beside whatever they count, in its transaction: what was there with a minus,
what is there with a plus. Changes are folded into rows of an hour, of a day and so on; whoever reads adds both up, so a
figure is exact at every moment, and nobody waits for a row. Rows of one key add up; there may be several.
"""

from __future__ import annotations

from datetime import UTC, datetime

from django.db import models
from django.db.models import Q

from accounts.models import Merchant
from gateway.lib.modes import Mode

# Where a moment is counted that there is not (yet): a session that nobody has paid.
NEVER = datetime(9999, 1, 1, tzinfo=UTC)
# Where amounts are counted that belong to no moment.
EVER = datetime(1970, 1, 1, tzinfo=UTC)


def amount_bucket(minor: int) -> tuple[int, int]:
    """Amounts of the same three first digits: from the first to before the second."""
    width = int(10 ** max(len(str(minor)) - 3, 0))
    first = minor - minor % width
    return first, first + width


class Figure(models.Model):
    """`at` is the beginning of the hour or day (UTC) that a row counts."""

    CHANGE = "change"

    merchant = models.ForeignKey(
        Merchant, on_delete=models.CASCADE, null=True, db_constraint=False, db_index=False, related_name="+"
    )
    mode = models.CharField(max_length=4, choices=Mode)
    kind = models.CharField(max_length=12)
    at = models.DateTimeField()
    network = models.CharField(max_length=8, default="")
    currency = models.CharField(max_length=8, default="")

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.kind} {self.at:%Y-%m-%dT%H}"


class SessionFigure(Figure):
    """How many sessions there are in each status.

    A `change` knows the hour a session was opened, what it asks for, and the day it was paid.
    """

    class Kind(models.TextChoices):
        CHANGE = "change", "Not folded yet"
        HOUR = "hour", "Opened in an hour"
        DAY = "day", "Opened on a day"
        PAID = "paid", "Paid on a day"
        AMOUNT = "amount", "Asking for about so much"
        PRICE = "price", "Opened on a day, paid, asking for exactly so much"

    amount_minor = models.BigIntegerField(default=0)
    paid_on = models.DateTimeField(null=True)
    pending = models.BigIntegerField(default=0)
    paid = models.BigIntegerField(default=0)
    failed = models.BigIntegerField(default=0)
    expired = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["merchant", "mode", "kind", "at", "amount_minor", "network", "currency"],
                name="session_figure_once", condition=~Q(kind="change"),
            ),
        ]
        indexes = [
            models.Index(fields=["merchant", "mode", "kind", "at"], name="session_figure"),
            models.Index(fields=["id"], name="session_figure_changes", condition=Q(kind="change")),
        ]


class TransferFigure(Figure):
    """How many movements on chain there are of each type, and what was credited by them.

    Sums of money are kept as whole tokens and the rest, which never outgrow 64 bits. A `change` knows the hour a
    movement was first seen and the hour it was credited.
    """

    class Kind(models.TextChoices):
        CHANGE = "change", "Not folded yet"
        HOUR = "hour", "First seen in an hour"
        DAY = "day", "First seen on a day"
        CREDIT_HOUR = "credit_hour", "Credited in an hour"
        CREDIT_DAY = "credit_day", "Credited on a day"

    credited_at = models.DateTimeField(null=True)
    incoming = models.BigIntegerField(default=0)
    outgoing = models.BigIntegerField(default=0)
    sweep = models.BigIntegerField(default=0)
    credits = models.BigIntegerField(default=0)
    credited_whole = models.BigIntegerField(default=0)
    credited_rest = models.BigIntegerField(default=0)
    fee_whole = models.BigIntegerField(default=0)
    fee_rest = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["merchant", "mode", "kind", "at", "network", "currency"], name="transfer_figure_once",
                condition=~Q(kind="change"),
            ),
        ]
        indexes = [
            models.Index(fields=["merchant", "mode", "kind", "at"], name="transfer_figure"),
            models.Index(fields=["id"], name="transfer_figure_changes", condition=Q(kind="change")),
        ]
