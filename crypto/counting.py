"""The SQL that counts: triggers that write a `change` beside each session and movement, and the same for all rows there
are. Migration 0005 installs these very words, so they are never edited; a change of them is a new migration's text.

Moments are cut to hours and days of UTC as Python cuts them. A sum of money is written as whole tokens and the rest.
"""

from __future__ import annotations

from collections.abc import Sequence

_ONE = 100_000_000
_SESSION_COLUMNS = """
INSERT INTO crypto_sessionfigure (merchant_id, mode, kind, at, paid_on, amount_minor, network, currency,
    pending, paid, failed, expired)
"""
_TRANSFER_COLUMNS = """
INSERT INTO crypto_transferfigure (merchant_id, mode, kind, at, credited_at, network, currency,
    incoming, outgoing, sweep, credits, credited_whole, credited_rest, fee_whole, fee_rest)
"""
_SESSION_WATCHED = "merchant_id mode status created_at paid_at amount_minor network_id currency"
_TRANSFER_WATCHED = "merchant_id mode type status created_at confirmed_at network_id currency credited_minor fee_minor"


def _hour(vendor: str, column: str) -> str:
    if vendor == "postgresql":
        return f"date_trunc('hour', {column}, 'UTC')"
    return f"substr({column}, 1, 13) || ':00:00'"


def day_of(vendor: str, column: str) -> str:
    if vendor == "postgresql":
        return f"date_trunc('day', {column}, 'UTC')"
    return f"substr({column}, 1, 10) || ' 00:00:00'"


def _when(condition: str, value: str = "1") -> str:
    return f"CASE WHEN {condition} THEN {value} ELSE 0 END"


def _session(vendor: str, row: str, sign: str) -> str:
    """The values of one session, counted with `sign`."""
    counts = [sign + _when(f"{row}.status = '{word}'") for word in ("pending", "paid", "failed", "expired")]
    return ", ".join([
        f"{row}.merchant_id, {row}.mode, 'change'",
        _hour(vendor, f"{row}.created_at"), day_of(vendor, f"{row}.paid_at"),
        f"{row}.amount_minor, {row}.network_id, {row}.currency", *counts,
    ])


def _transfer(vendor: str, row: str, sign: str) -> str:
    credited = f"{row}.type = 'incoming' AND {row}.status = 'confirmed'"
    types = [sign + _when(f"{row}.type = '{word}'") for word in ("incoming", "outgoing", "sweep")]
    money = [
        sign + _when(credited, f"{row}.{column} {part} {_ONE}")
        for column in ("credited_minor", "fee_minor") for part in ("/", "%")
    ]
    return ", ".join([
        f"{row}.merchant_id, {row}.mode, 'change'", _hour(vendor, f"{row}.created_at"),
        f"CASE WHEN {credited} THEN {_hour(vendor, row + '.confirmed_at')} END",
        f"{row}.network_id, {row}.currency", *types, sign + _when(credited), *money,
    ])


def _triggers(vendor: str, table: str, into: str, watched: str, values: object) -> list[str]:
    def write(row: str, sign: str) -> str:
        return f"{into} SELECT {values(vendor, row, sign)}"  # type: ignore[operator]

    was, now = (", ".join(f"{row}.{name}" for name in watched.split()) for row in ("OLD", "NEW"))
    if vendor != "postgresql":
        # No trigger for deleting: sessions and movements stay, and tests empty whole tables.
        return [
            f"CREATE TRIGGER {table}_counted AFTER INSERT ON {table} BEGIN {write('NEW', '')}; END",
            f"CREATE TRIGGER {table}_recounted AFTER UPDATE ON {table} WHEN ({was}) IS NOT ({now}) "
            f"BEGIN {write('OLD', '-')}; {write('NEW', '')}; END",
        ]
    return [
        f"CREATE FUNCTION {table}_count() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN\n"
        f"IF TG_OP <> 'INSERT' THEN {write('OLD', '-')}; END IF;\n"
        f"IF TG_OP <> 'DELETE' THEN {write('NEW', '')}; END IF;\nRETURN NULL;\nEND $$",
        f"CREATE TRIGGER {table}_counted AFTER INSERT OR DELETE ON {table} FOR EACH ROW "
        f"EXECUTE FUNCTION {table}_count()",
        f"CREATE TRIGGER {table}_recounted AFTER UPDATE ON {table} FOR EACH ROW "
        f"WHEN (({was}) IS DISTINCT FROM ({now})) EXECUTE FUNCTION {table}_count()",
    ]


def triggers(vendor: str) -> list[str]:
    return [
        *_triggers(vendor, "crypto_session", _SESSION_COLUMNS, _SESSION_WATCHED, _session),
        *_triggers(vendor, "crypto_chaintransaction", _TRANSFER_COLUMNS, _TRANSFER_WATCHED, _transfer),
    ]


def drops(vendor: str) -> list[str]:
    tables = ("crypto_session", "crypto_chaintransaction")
    if vendor == "postgresql":
        return [f"DROP FUNCTION {table}_count() CASCADE" for table in tables]
    return [f"DROP TRIGGER {table}_{word}" for table in tables for word in ("counted", "recounted")]


def counts_of_all(vendor: str) -> list[str]:
    """One change for each row there is."""
    return [
        f"{_SESSION_COLUMNS} SELECT {_session(vendor, 's', '')} FROM crypto_session s",  # noqa: S608
        f"{_TRANSFER_COLUMNS} SELECT {_transfer(vendor, 't', '')} FROM crypto_chaintransaction t",  # noqa: S608
    ]


def differences(vendor: str) -> dict[str, str]:
    """By what is counted: a SELECT of each (merchant, mode, day) whose figures less the rows leave a rest."""
    statuses = ("pending", "paid", "failed", "expired")
    sessions = [f"-{_when(f's.status = {word!r}')}" for word in statuses]
    types, incoming = ("incoming", "outgoing", "sweep"), "t.type = 'incoming' AND t.status = 'confirmed'"
    movements = [f"-{_when(f't.type = {word!r}')}" for word in types]
    sums = ("credits", "credited_whole", "credited_rest", "fee_whole", "fee_rest")
    money = ["-1", *(f"-(t.{column} {part} {_ONE})" for column in ("credited_minor", "fee_minor") for part in "/%")]
    never = "'9999-01-01 00:00:00+00'::timestamptz" if vendor == "postgresql" else "'9999-01-01 00:00:00'"
    credited, confirmed = f"coalesce(credited_at, {never})", f"coalesce(t.confirmed_at, {never})"
    by_credit = f"CASE WHEN kind = 'change' THEN {credited} ELSE at END"
    return {
        "sessions": _rest(
            vendor, "crypto_sessionfigure", "day", "at", statuses, "crypto_session s", "s.created_at", sessions
        ),
        "movements": _rest(
            vendor, "crypto_transferfigure", "day", "at", types, "crypto_chaintransaction t", "t.created_at", movements
        ),
        "credits": _rest(
            vendor, "crypto_transferfigure", "credit_day", by_credit, sums,
            f"(SELECT * FROM crypto_chaintransaction t WHERE {incoming}) t", confirmed, money,  # noqa: S608
        ),
    }


def _rest(
    vendor: str, figures: str, kind: str, at: str, names: Sequence[str], rows: str, moment: str, values: Sequence[str]
) -> str:
    kept = f"SELECT merchant_id, mode, {day_of(vendor, at)} AS day, {', '.join(names)} FROM {figures}"  # noqa: S608
    kept += f" WHERE kind IN ('change', '{kind}')"
    there = f"SELECT merchant_id, mode, {day_of(vendor, moment)}, {', '.join(values)} FROM {rows}"  # noqa: S608
    left = " OR ".join(f"sum({name}) <> 0" for name in names)
    return f"SELECT merchant_id, mode, day FROM ({kept} UNION ALL {there}) x GROUP BY 1, 2, 3 HAVING {left}"  # noqa: S608
