"""Transfers at depth: each one's receipt is read, and only what it says is credited."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from django.db import DataError
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Coalesce
from django.utils import timezone

from crypto import opinions
from crypto.chains.base import Block, Chain, NodeError
from crypto.models import ChainState, ChainTransaction, CreditReversal
from crypto.services import credit_rounds, crediting, deposits
from crypto.watcher import forks
from gateway.lib.crash import crash_point
from ledger.errors import BalanceTooLarge

log = structlog.get_logger(__name__)
Status = ChainTransaction.Status
_BATCH = 200
_FAILURES = 3
# How often what is doubtful or has left the chain is asked for again, and for how long.
_AGAIN = timedelta(seconds=60)
_ORPHANS_FOR = timedelta(days=7)


def confirm_due(chain: Chain, state: ChainState, head: Block) -> int:
    """Credits what lies deep enough under `head`; returns how many transfers."""
    failures = credited = 0
    for row in _deep_enough(state, head)[:_BATCH]:
        try:
            credited += _settle(chain, row, head)
        except NodeError:
            _behind_the_others(row)
            failures += 1
            if failures >= _FAILURES:
                break
        except (BalanceTooLarge, DataError):
            deposits.doubt(row, "More than the merchant's balance can hold: not booked.")
    return credited


def _incoming(state: ChainState) -> QuerySet[ChainTransaction]:
    return ChainTransaction.objects.filter(
        type=ChainTransaction.Type.INCOMING, network=state.network_id, mode=state.mode
    ).select_related("network", "session")


def _deep_enough(state: ChainState, head: Block) -> QuerySet[ChainTransaction]:
    asked_long_ago = Q(checked_at__isnull=True) | Q(checked_at__lt=timezone.now() - _AGAIN)
    wanted = Coalesce(F("session__required_confirmations"), state.network.confirmations)
    rows = _incoming(state).filter(asked_long_ago, status=Status.PENDING)
    deep = rows.annotate(wanted=wanted).filter(height__lte=head.height + 1 - F("wanted"))
    return deep.order_by(F("checked_at").asc(nulls_first=True), "height", "id")


def _behind_the_others(row: ChainTransaction) -> None:
    """It is asked about again in the next round, after those that were not yet: a few that no node can answer must not
    keep everybody else from being credited."""
    ChainTransaction.objects.filter(pk=row.pk).update(checked_at=timezone.now() - _AGAIN)


def _settle(chain: Chain, row: ChainTransaction, head: Block) -> bool:
    receipt = chain.receipt(row.transaction_hash)
    if receipt is None:
        _without_receipt(chain, row)
        return False
    if receipt.block_hash != row.block_hash:
        forks.apply_receipt(row, receipt)
        return False  # its depth is counted anew; one that failed there may be in the old block again
    if not receipt.succeeded:
        deposits.reject(row, "The transaction failed on chain; it moved nothing.")
        return False
    if not opinions.shows_transfer(row, receipt):
        deposits.doubt(row, "The transaction's receipt shows another transfer than the scan: not credited.")
        return False
    if credit_rounds.booked_reversals(row) and not opinions.is_back(row, chain, receipt):
        deposits.doubt(row, "Its credit was taken back, and not every node shows it again: not credited.")
        return False
    crash_point("credit.before")
    done = crediting.credit(row=row, receipt=receipt)
    crash_point("credit.after_commit")
    return done


def _without_receipt(chain: Chain, row: ChainTransaction) -> None:
    """One node that lags has none either: only another block in its block's place says that the transfer is gone."""
    assert row.height is not None, "only what was seen in a block lies deep enough"
    if chain.block(row.height).hash != row.block_hash:
        deposits.orphan(row)
    else:
        deposits.doubt(row, "Its block stands, but the node has no receipt of it: asked for again.")


def ask_about_orphans(chain: Chain, state: ChainState) -> None:
    """A transfer that left the chain may come back long after, in a block that no cursor reads again."""
    now = timezone.now()
    gone = _incoming(state).filter(checked_at__lt=now - _AGAIN)
    orphans = gone.filter(status=Status.ORPHANED, created_at__gt=now - _ORPHANS_FOR)
    taken_back = gone.filter(status=Status.REVERSED, pk__in=_taken_back(state, now - _ORPHANS_FOR))
    found = [row for rows in (orphans, taken_back) for row in rows.order_by("checked_at")[:_BATCH]]
    asked = [row.pk for row in forks.look_for_orphans(chain, found)]
    ChainTransaction.objects.filter(pk__in=asked, status__in=[Status.ORPHANED, Status.REVERSED]).update(checked_at=now)


def _taken_back(state: ChainState, since: datetime) -> QuerySet[CreditReversal, int]:
    """Transfers whose credit was taken back of late, by their reversals, which are few."""
    rows = CreditReversal.objects.filter(
        mode=state.mode, network=state.network_id, status=CreditReversal.Status.CONFIRMED, returned_at__isnull=True,
        booked_at__gt=since,
    )
    return rows.values_list("transaction_id", flat=True)
