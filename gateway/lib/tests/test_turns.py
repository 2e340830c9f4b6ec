"""Turns: one after the other in a transaction, and never outside one."""

from __future__ import annotations

import threading
import time

import pytest
from django.db import connection, transaction

from gateway.lib.racing import together
from gateway.lib.turns import take_turn

pytestmark = pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer, and needs no turns")


@pytest.mark.django_db(transaction=True)
@pytest.mark.race
def test_one_after_the_other_for_one_thing_and_at_once_for_two():
    inside, seen = threading.Event(), []

    def act(index):
        if index:
            assert inside.wait(5)
        with transaction.atomic():
            take_turn("transfer", "live", "B" if index == 2 else "A")
            seen.append(index)
            inside.set()
            if not index:
                time.sleep(0.3)
                seen.append("end")

    assert together(3, act) == [None] * 3
    assert seen == [0, 2, "end", 1]


@pytest.mark.django_db(transaction=True)
def test_without_a_transaction_there_is_no_turn():
    with pytest.raises(RuntimeError, match="as long as its transaction"):
        take_turn("transfer", "live", "A")
