"""Blocks by the clock: nothing writes them, and what a block showed when it was new is all that it ever holds."""

import threading
import time

import pytest
from django.db import connections

from crypto import formats
from crypto.chains.registry import chain_for, token_for
from crypto.chains.simulated import control
from crypto.models import SimulatedEra
from gateway.lib.racing import together

PAYMENTS, PAYERS, READERS = 15, 3, 2


def test_by_the_clock_blocks_come_without_a_write(network, settings, django_assert_num_queries):
    chain = chain_for(network("BSC"), "test")
    settings.SIMULATED_BLOCK_SECONDS = 0.02
    chain.height()
    eras = SimulatedEra.objects.count()
    height = chain.height()

    time.sleep(0.3)
    with django_assert_num_queries(3):
        later = chain.height()

    assert later - height >= 10
    assert SimulatedEra.objects.count() == eras
    times = [chain.block(number).time for number in range(height, later)]
    assert times == sorted(times)


def test_heights_go_on_where_they_were_when_the_block_time_changes(network, settings):
    found = network("BSC")
    chain = chain_for(found, "test")
    control.mine(found, 50)
    head = chain.height()

    settings.SIMULATED_BLOCK_SECONDS = 100
    assert chain.height() == head
    control.mine(found, 3)
    assert chain.height() == head + 4  # the one that could hold something already, and three more
    settings.SIMULATED_BLOCK_SECONDS = 0
    assert chain.height() == head + 4
    assert control.mine(found) == head + 5


class Reader(threading.Thread):
    """Follows the head and keeps what it sees in each block the first time."""

    def __init__(self, chain, token, recipient):
        super().__init__()
        self.chain, self.contracts = chain, [token.contract]
        self.recipients = [formats.lookup_form(chain.network, recipient)]
        self.next, self.seen, self.error = chain.height() + 1, [], None
        self.stop = threading.Event()

    def run(self):
        try:
            while not self.stop.is_set():
                self.read(self.chain.height())
        except Exception as error:
            self.error = error
        finally:
            connections.close_all()

    def read(self, head):
        if head >= self.next:
            found = self.chain.transfers(self.next, head, contracts=self.contracts, recipients=self.recipients)
            self.seen += [(one.transaction_hash, one.height) for one in found]
            self.next = head + 1


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_no_block_that_was_shown_ever_gets_another_transaction(network, settings):
    settings.SIMULATED_BLOCK_SECONDS = 0.01
    found = network("BSC")
    chain, token, recipient = chain_for(found, "test"), token_for("BSC", "test", "USDT"), control.outsider(found)
    readers = [Reader(chain, token, recipient) for _ in range(READERS)]
    for reader in readers:
        reader.start()

    def pay(_):
        return [control.pay(found, currency="USDT", recipient=recipient, units=1) for _ in range(PAYMENTS)]

    paid = [name for names in together(PAYERS, pay) for name in names]
    for reader in readers:
        reader.stop.set()
        reader.join()

    assert len(set(paid)) == PAYMENTS * PAYERS
    for reader in readers:
        reader.read(chain.height())  # blocks it had not come to yet
        assert reader.error is None
        assert sorted(name for name, _ in reader.seen) == sorted(paid)
    assert sorted(readers[0].seen) == sorted(readers[1].seen)
    assert chain.token_balance(recipient, token.contract) == PAYMENTS * PAYERS
