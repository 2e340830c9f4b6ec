"""For tests of the watcher: one look at BSC in test mode, and what it left behind."""

from __future__ import annotations

from typing import TypeVar

from django.db.models import Model

from crypto import watcher
from crypto.chains.registry import chain_for
from crypto.models import ChainState, ChainTransaction, Network

DEPTH = 12  # BSC's confirmations
Row = TypeVar("Row", bound=Model)


def look(times: int = 1) -> None:
    for _ in range(times):
        assert watcher.watch_network("BSC", "test")


def state() -> ChainState:
    return ChainState.objects.get(network="BSC", mode="test")


def fresh(row: Row) -> Row:
    row.refresh_from_db()
    return row


def transaction() -> ChainTransaction:
    """The only one there is."""
    return ChainTransaction.objects.get()


def head() -> int:
    return chain_for(bsc(), "test").height()


def bsc() -> Network:
    return Network.objects.get(code="BSC")
