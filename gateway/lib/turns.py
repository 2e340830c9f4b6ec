"""One after the other: for what is checked and then written, where no row and no index stands for it.

Two people who enter one bank transfer in two tables would both find it new. Whoever takes a turn waits for whoever has
it, and then sees what was written meanwhile.
"""

from __future__ import annotations

from django.db import connection


def take_turn(*what: str) -> None:
    """Nobody else decides about `what` until this transaction ends. SQLite has one writer, whose turn it is already.

    A transaction locks its rows first, then takes its turn: two that wait for each other would be broken off. Where it
    takes two, `transfer` comes before `payout`.
    """
    if connection.vendor != "postgresql":
        return
    if not connection.in_atomic_block:
        raise RuntimeError("a turn lasts as long as its transaction, and there is none")
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", ["|".join(what)])
