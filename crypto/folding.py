"""The SQL that folds changes into kept figures: each statement adds the chosen changes up under one kind of row."""

from __future__ import annotations

from crypto.counting import day_of

STATUSES = ("pending", "paid", "failed", "expired")
SEEN = ("incoming", "outgoing", "sweep")
CREDITED = ("credits", "credited_whole", "credited_rest", "fee_whole", "fee_rest")
_SESSIONS, _TRANSFERS = "crypto_sessionfigure", "crypto_transferfigure"
_PLACE = ("merchant_id", "mode", "kind", "at")
_WHERE = ("network", "currency")


def folds_of_sessions(vendor: str) -> list[str]:
    """To be run in one transaction, each with the changes' ids; the last throws them away."""
    key, day, ever = (*_PLACE, "amount_minor", *_WHERE), day_of(vendor, "at"), _moment(vendor, 1970)
    return [
        _fold(vendor, _SESSIONS, key, ["'hour'", "at", "0", *_WHERE], STATUSES),
        _fold(vendor, _SESSIONS, key, ["'day'", day, "0", *_WHERE], STATUSES),
        _fold(vendor, _SESSIONS, key, ["'paid'", _or_never(vendor, "paid_on"), "0", *_WHERE], STATUSES),
        _fold(vendor, _SESSIONS, key, ["'amount'", ever, _bucket(vendor), *_WHERE], STATUSES),
        _fold(vendor, _SESSIONS, key, ["'price'", day, "amount_minor", "''", "''"], ("paid",)),
        _away(vendor, _SESSIONS),
    ]


def folds_of_transfers(vendor: str) -> list[str]:
    key, credited = (*_PLACE, *_WHERE), _or_never(vendor, "credited_at")
    return [
        _fold(vendor, _TRANSFERS, key, ["'hour'", "at", *_WHERE], SEEN + CREDITED),
        _fold(vendor, _TRANSFERS, key, ["'day'", day_of(vendor, "at"), *_WHERE], SEEN + CREDITED),
        _fold(vendor, _TRANSFERS, key, ["'credit_hour'", credited, *_WHERE], CREDITED),
        _fold(vendor, _TRANSFERS, key, ["'credit_day'", day_of(vendor, credited), *_WHERE], CREDITED),
        _away(vendor, _TRANSFERS),
    ]


def _fold(vendor: str, table: str, key: tuple[str, ...], values: list[str], counts: tuple[str, ...]) -> str:
    """In the order of the keys, so that two that fold never wait for each other."""
    all_counts = STATUSES if table == _SESSIONS else SEEN + CREDITED
    sums = [f"sum({name})" if name in counts else "0" for name in all_counts]
    places = ", ".join(str(at) for at in range(1, len(key) + 1) if at != 3)
    added = ", ".join(f"{name} = {table}.{name} + EXCLUDED.{name}" for name in counts)
    rest = " OR ".join(f"sum({name}) <> 0" for name in counts)
    return f"""
        INSERT INTO {table} ({', '.join((*key, *all_counts))})
        SELECT merchant_id, mode, {', '.join(values + sums)} FROM {table} WHERE kind = 'change' AND {_chosen(vendor)}
        GROUP BY {places} HAVING {rest} ORDER BY {places}
        ON CONFLICT ({', '.join(key)}) WHERE NOT kind = 'change' DO UPDATE SET {added}
    """  # noqa: S608


def _away(vendor: str, table: str) -> str:
    return f"DELETE FROM {table} WHERE {_chosen(vendor)}"  # noqa: S608


def _chosen(vendor: str) -> str:
    return "id = ANY(%s)" if vendor == "postgresql" else "id IN (SELECT value FROM json_each(%s))"


def _moment(vendor: str, year: int) -> str:
    return f"'{year}-01-01 00:00:00+00'::timestamptz" if vendor == "postgresql" else f"'{year}-01-01 00:00:00'"


def _or_never(vendor: str, column: str) -> str:
    return f"coalesce({column}, {_moment(vendor, 9999)})"


def _bucket(vendor: str) -> str:
    """`amount_bucket` of the models: all but the first three digits are naughts."""
    most = "greatest" if vendor == "postgresql" else "max"
    zeros = f"{most}(length(CAST(amount_minor AS text)) - 2, 1)"
    width = f"CAST(substr('1000000000000000000', 1, {zeros}) AS bigint)"
    return f"amount_minor / {width} * {width}"
