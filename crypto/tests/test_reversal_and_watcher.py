"""The watcher and whoever takes a credit back, at the same instant: neither breaks the other off, and what is on the
chain in the end is credited."""

from __future__ import annotations

import threading
import time

import pytest
from django.db import connection, transaction

from accounts.actors import Actor
from crypto import testing
from crypto.bsc_testing import DEPTH, fresh
from crypto.models import ChainTransaction
from crypto.services import credit_reversals, deposits
from crypto.services.credit_reversals import confirm_credit_reversal, propose_credit_reversal
from crypto.tests.chain_house import ONE
from crypto.tests.test_credit_reversals import mine_again, vanish
from ledger.testing import assert_ledger_balances
from ledger.verify import verify_books


@pytest.fixture
def waiting(cast, transactional_db):
    row = vanish(testing.confirm(testing.open_session(cast.merchant, "100"), 1))
    return propose_credit_reversal(actor=Actor(cast.admin, "panel"), transfer=row, reason="Gone")


def at_once(confirm, watch):
    """What either raised; `watch` begins when `confirm` holds the session."""
    held, errors = threading.Event(), []

    def run(act):
        try:
            act()
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    real = credit_reversals._lock_transfer

    def slow(transfer):
        held.set()
        time.sleep(0.5)
        return real(transfer)

    credit_reversals._lock_transfer = slow
    try:
        threads = [threading.Thread(target=run, args=[confirm])]
        threads[0].start()
        assert held.wait(10)
        threads.append(threading.Thread(target=run, args=[watch]))
        threads[1].start()
        for thread in threads:
            thread.join(30)
    finally:
        credit_reversals._lock_transfer = real
    return errors


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("word", ["moved", "vanished"])
def test_neither_waits_for_the_other_for_ever(cast, waiting, word):
    read_before = ChainTransaction.objects.get()
    if word == "vanished":
        ChainTransaction.objects.update(note="")
        read_before.note = ""

    def watch():
        with transaction.atomic():
            if word == "moved":
                deposits.move(read_before, read_before.height + 1, "0x" + "ab" * 32, None)
            else:
                deposits.flag_vanished(read_before)

    def confirm():
        confirm_credit_reversal(actor=Actor(cast.super_admin, "panel"), reversal=waiting)

    assert at_once(confirm, watch) == []

    row = fresh(read_before)
    assert (row.status, row.note) == (("pending", "") if word == "moved" else ("reversed", credit_reversals.TAKEN_BACK))
    if word == "moved":
        mine_again(row)
        testing.confirm(row.session, DEPTH + 2)
        assert (fresh(row).status, row.credited_minor) == ("confirmed", 100 * ONE)
    assert verify_books() == []
    assert_ledger_balances()
