"""Which rows an export holds, what stands in their cells, and how they are read: oldest first, a batch at a time.

A row's place is `(created_at, id)`, so that reading goes on where it was, however many rows there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet

from accounts.actors import Viewer
from crypto.models import ChainTransaction, Export
from crypto.queries.addresses import records_of, visible_addresses
from crypto.queries.sessions import search_sessions, visible_sessions
from crypto.queries.transactions import told_status, visible_transactions
from gateway.lib.spreadsheets import Column

BATCH = 2_000
Rows = Sequence[Any]


@dataclass(frozen=True, slots=True)
class Sheet:
    """`names` are JSON's, in the order of `columns`. `totals`: columns that are added up, per currency (the column
    `currency_at`) and per `group`; a row of no group (None) is in no total."""

    names: tuple[str, ...]
    columns: tuple[Column, ...]
    totals: tuple[int, ...]
    currency_at: int
    fields: tuple[str, ...]  # what is read; the row's place comes first
    read: Callable[[Viewer, list[Rows]], list[Rows]]
    group: Callable[[Rows], str | None] = lambda row: ""


def viewer_of(export: Export) -> Viewer:
    return Viewer.of_merchant(export.merchant, export.mode)


def sheet_of(kind: str) -> Sheet:
    return _SHEETS[kind]


def rows_of(export: Export) -> QuerySet[Any]:
    """What the export asks for, in no order yet."""
    viewer, wanted = viewer_of(export), dict(export.criteria)
    between = {"created_at__gte": export.starts_at, "created_at__lte": export.ends_at}
    if export.type == Export.Type.ADDRESSES:
        return _addresses(viewer, wanted, between)
    if export.type == Export.Type.TRANSACTIONS:
        least, most = wanted.pop("min_amount", None), wanted.pop("max_amount", None)
        rows = visible_transactions(viewer).filter(**between, **wanted)
        rows = rows if least is None else rows.filter(amount_minor__gte=least)
        return rows if most is None else rows.filter(amount_minor__lte=most)
    text = wanted.pop("search", "")
    return search_sessions(visible_sessions(viewer).filter(**between, **wanted), text)


def _addresses(viewer: Viewer, wanted: dict[str, Any], between: dict[str, Any]) -> QuerySet[Any]:
    """Those that a session of the period had."""
    used = visible_sessions(viewer).filter(**between).order_by().values("address")
    conditions = {
        "active": Q(is_active=True), "inactive": Q(is_active=False),
        "assigned": Q(own_open__isnull=False), "unassigned": Q(own_open__isnull=True),
    }
    rows = visible_addresses(viewer).filter(pk__in=used).filter(conditions.get(wanted.pop("status", ""), Q()))
    balance = wanted.pop("has_balance", None)
    if balance is not None:
        rows = rows.filter(own_held__gt=0) if balance == "true" else rows.filter(own_held=0)
    for name in ("currency", "sweep_status"):
        if name in wanted:
            wanted[f"own_{name}"] = wanted.pop(name)
    return rows.filter(**wanted)


def batches(export: Export) -> Iterator[list[Rows]]:
    """The cells of up to `BATCH` rows at a time, in the order of the sheet's columns."""
    sheet, viewer = sheet_of(export.type), viewer_of(export)
    rows = rows_of(export).order_by("created_at", "pk")
    after: tuple[Any, Any] | None = None
    while True:
        later = rows
        if after is not None:
            # The first condition is for the index, the second for rows of the same instant.
            at, pk = after
            later = rows.filter(created_at__gte=at).filter(Q(created_at__gt=at) | Q(pk__gt=pk))
        found: list[Rows] = list(later.values_list("created_at", "pk", *sheet.fields)[:BATCH])
        if found:
            yield sheet.read(viewer, found)
        if len(found) < BATCH:
            return
        after = (found[-1][0], found[-1][1])


def _sessions(viewer: Viewer, found: list[Rows]) -> list[Rows]:
    return [
        (str(pk), reference, status, amount, currency, network, address, email or None, name or None, words or None,
         tx or None, received, fee, received - fee, created_at, expires_at, paid_at)
        for created_at, pk, reference, status, amount, currency, network, address, email, name, words, tx, received,
        fee, expires_at, paid_at in found
    ]


def _transactions(viewer: Viewer, found: list[Rows]) -> list[Rows]:
    return [
        (pk, tx, kind, network, currency, amount, sender, recipient, told_status(status), created_at, confirmed_at,
         str(session) if session else None, reference)
        for created_at, pk, tx, kind, network, currency, amount, sender, recipient, status, confirmed_at, session,
        reference in found
    ]


def _moved(row: Rows) -> str | None:
    """What came in, what was swept and what went out are three sums, and what did not happen is in none of them."""
    kind, status = row[2], row[8]
    confirmed = status == ChainTransaction.Status.CONFIRMED
    return f"{ChainTransaction.Type(kind).label.lower()}, confirmed" if confirmed else None


def _address_cells(viewer: Viewer, found: list[Rows]) -> list[Rows]:
    """By whole records: what a merchant may know of an address takes more than its row."""
    rows = visible_addresses(viewer).in_bulk([pk for _, pk, *_ in found])
    records = records_of(viewer, [rows[pk] for _, pk, *_ in found if pk in rows])
    return [
        (r.address.pk, r.address.address, r.address.network_id, r.currency, r.address.is_active,
         str(r.session.pk) if r.session else None, r.held_minor, r.received_minor, r.swept_minor,
         r.sweep_status or None, r.times_used, r.first_used_at, r.last_used_at, r.address.created_at)
        for r in records
    ]


_SHEETS: dict[str, Sheet] = {
    Export.Type.SESSIONS: Sheet(
        names=(
            "session_id", "reference", "status", "amount", "currency", "network", "deposit_address", "customer_email",
            "customer_name", "description", "blockchain_tx_hash", "paid_amount", "fee", "net_amount", "created_at",
            "expires_at", "paid_at",
        ),
        columns=(
            Column("Session", width=38), Column("Reference", width=24), Column("Status", width=10),
            Column("Amount", "money", "USDT"), Column("Currency", width=9), Column("Network", width=9),
            Column("Deposit address", width=46), Column("Customer e-mail", width=28), Column("Customer", width=20),
            Column("Description", width=28), Column("Transaction", width=70), Column("Paid", "money", "USDT"),
            Column("Fee", "money", "USDT"), Column("Net", "money", "USDT"), Column("Created (UTC)", "time"),
            Column("Expires (UTC)", "time"), Column("Paid at (UTC)", "time"),
        ),
        totals=(3, 11, 12, 13), currency_at=4,
        fields=(
            "reference", "status", "amount_minor", "currency", "network", "address__address", "customer_email",
            "customer_name", "description", "transaction_hash", "received_minor", "fee_minor", "expires_at", "paid_at",
        ),
        read=_sessions,
    ),
    Export.Type.TRANSACTIONS: Sheet(
        names=(
            "id", "tx_hash", "type", "network", "currency", "amount", "from_address", "to_address", "status",
            "timestamp", "confirmed_at", "session_id", "reference",
        ),
        columns=(
            Column("Id", "number", width=10), Column("Transaction", width=70), Column("Type", width=10),
            Column("Network", width=9), Column("Currency", width=9), Column("Amount", "money", "USDT"),
            Column("From", width=46), Column("To", width=46), Column("Status", width=10),
            Column("Seen (UTC)", "time"), Column("Confirmed (UTC)", "time"), Column("Session", width=38),
            Column("Reference", width=24),
        ),
        totals=(5,), currency_at=4,
        fields=(
            "transaction_hash", "type", "network", "currency", "amount_minor", "sender", "recipient", "status",
            "confirmed_at", "session", "session__reference",
        ),
        read=_transactions, group=_moved,
    ),
    Export.Type.ADDRESSES: Sheet(
        names=(
            "id", "address", "network", "currency", "is_active", "assigned_to_session_id", "current_balance",
            "total_received", "total_swept", "sweep_status", "times_reused", "first_used_at", "last_used_at",
            "created_at",
        ),
        columns=(
            Column("Id", "number", width=10), Column("Address", width=46), Column("Network", width=9),
            Column("Currency", width=9), Column("Active", "flag", width=8), Column("Open session", width=38),
            Column("Balance", "money", "USDT"), Column("Received", "money", "USDT"), Column("Swept", "money", "USDT"),
            Column("Sweep", width=10), Column("Sessions", "number", width=10), Column("First used (UTC)", "time"),
            Column("Last used (UTC)", "time"), Column("Created (UTC)", "time"),
        ),
        totals=(6, 7, 8), currency_at=3, fields=(), read=_address_cells,
    ),
}
