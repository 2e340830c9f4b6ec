"""A sender's nonces are an unbroken row up to the one that is next, also while a signer takes one."""

from __future__ import annotations

import pytest
from django.db import connection

from crypto.models import Network, Outgoing, Sender
from crypto.verify import nonces

HOT = "0x00000000000000000000000000000000000000AA"


@pytest.fixture
def give(db):
    """`give(nonce)`: an intent of the sender has it, and the next one is the sender's next."""
    network = Network.objects.get(code="BSC")

    def give(nonce):
        Sender.objects.update_or_create(
            network=network, mode="test", address=HOT, defaults={"next_nonce": nonce + 1}
        )
        Outgoing.objects.create(
            purpose="withdrawal", network=network, mode="test", sender=HOT, sender_index=-1, recipient=HOT,
            raw_units="1", nonce=nonce,
        )

    return give


def test_an_unbroken_row_is_whole_wherever_it_began(give):
    give(7)
    give(8)

    assert list(nonces()) == []


def test_a_nonce_that_is_missing_in_between_or_at_the_end_is_a_hole(give):
    give(7)
    give(9)
    assert list(nonces()) == [f"sender {HOT} (BSC) has a hole in its nonces"]

    Outgoing.objects.filter(nonce=9).delete()
    assert list(nonces()) == [f"sender {HOT} (BSC) has a hole in its nonces"]


def test_a_nonce_that_is_taken_while_the_books_are_read_is_no_hole(give):
    give(7)

    def taken_meanwhile(execute, sql, params, many, context):
        """Once the senders are read alone, a signer takes the next one."""
        answer = execute(sql, params, many, context)
        if sql.startswith('SELECT "crypto_sender"') and not Outgoing.objects.filter(nonce=8).exists():
            Outgoing.objects.filter(nonce=7).update(nonce=8)
            give(7)
            Sender.objects.update(next_nonce=9)
        return answer

    with connection.execute_wrapper(taken_meanwhile):
        assert list(nonces()) == []
