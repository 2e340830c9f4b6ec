"""What had ended at depth and left the chain all the same: people are told, its very bytes are sent again, and the books
and the number of payments stay as they are."""
# ruff: noqa: F811 - fixtures come by import

from __future__ import annotations

import pytest

from accounts.actors import Actor, Viewer
from accounts.models import AuditRecord
from crypto import watcher
from crypto.chains.simulated import control
from crypto.models import Attempt
from crypto.queries import sending as queries
from crypto.services.outgoing_vanished import note_vanished, put_aside_vanished
from crypto.tests.chain_house import (
    ONE,
    assert_exact,
    everything_is_due,
    open_house,
    own,
    receive,
    settle_down,
    step,
    withdraw,
)
from crypto.tests.test_sending import chain, drive, finish, the  # noqa: F401
from gateway.lib.errors import IllegalTransition, InvalidFields, NotAllowed
from ledger.models import Posting
from ledger.testing import assert_ledger_balances

pytestmark = pytest.mark.django_db


@pytest.fixture
def paid(cast, signer, network):
    """A withdrawal that is completed, and read past by the watcher."""
    open_house(network("BSC"))
    receive(cast.merchant, network("BSC"), 200 * ONE)
    watcher.watch_network("BSC", "test")
    settle_down("BSC")
    withdrawal = withdraw(cast.merchant, 40 * ONE)
    settle_down("BSC")
    withdrawal.refresh_from_db()
    assert withdrawal.status == "completed"
    watcher.watch_network("BSC", "test")
    return withdrawal


def vanish(outgoing):
    head = 500
    control.reorganise("BSC", head, drop=[outgoing.transaction_hash])
    control.mine("BSC", 1)
    watcher.watch_network("BSC", "test")
    outgoing.refresh_from_db()


def odd(cast):
    return [row.pk for row in queries.odd_outgoing(Viewer(cast.super_admin, "test"))]


def test_it_is_told_and_the_same_bytes_are_sent_again(cast, paid):
    outgoing, before = paid.outgoing, list(Posting.objects.order_by("pk").values_list("reference", flat=True))
    forms = list(Attempt.objects.order_by("pk").values_list("transaction_hash", flat=True))

    vanish(outgoing)
    assert (outgoing.status, outgoing.flag, outgoing.height) == ("confirmed", "vanished", None)
    assert odd(cast) == [outgoing.pk]
    assert AuditRecord.objects.filter(action="withdrawal.vanished", target=paid.public_id).count() == 1
    later = withdraw(cast.merchant, 10 * ONE)
    settle_down("BSC")
    step("BSC", blocks=40)

    outgoing.refresh_from_db()
    later.refresh_from_db()
    paid.refresh_from_db()
    assert (outgoing.flag, outgoing.height is not None, outgoing.due_at, odd(cast)) == ("", True, None, [])
    assert (paid.status, later.status, later.outgoing.nonce) == ("completed", "completed", outgoing.nonce + 1)
    after = list(Posting.objects.order_by("pk").values_list("reference", flat=True))
    assert [each for each in after if each in before] == before
    assert [each for each in after if f"withdrawal:{paid.pk}:" in each or each.endswith(f"gas:{outgoing.pk}")] == [
        each for each in before if f"withdrawal:{paid.pk}:" in each or each.endswith(f"gas:{outgoing.pk}")
    ]
    assert set(forms) < set(Attempt.objects.values_list("transaction_hash", flat=True))
    assert Attempt.objects.count() == len(forms) + 1  # the later one's
    assert_exact("BSC")


def test_one_that_is_only_in_another_block_is_no_matter(cast, paid):
    outgoing, height = paid.outgoing, paid.outgoing.height

    control.reorganise("BSC", 500)
    control.mine("BSC", 1)
    watcher.watch_network("BSC", "test")

    outgoing.refresh_from_db()
    assert (outgoing.flag, odd(cast), outgoing.height) == ("", [], height + 1)


def completed(cast, chain):
    withdrawal = withdraw(cast.merchant, 100 * ONE)
    drive()
    finish(chain, the(withdrawal))
    return withdrawal


def gone(chain, withdrawal):
    chain.orphan(the(withdrawal).transaction_hash)
    note_vanished(outgoing=the(withdrawal))


def test_a_nonce_that_another_used_meanwhile_is_left_to_people(cast, chain):
    withdrawal = completed(cast, chain)
    gone(chain, withdrawal)
    chain.foreign_nonces = 1

    drive(3)

    assert (the(withdrawal).flag, len(chain.asked), Attempt.objects.count()) == ("vanished", 1, 1)
    assert own(cast.merchant) == (900 * ONE, 0)


def test_what_failed_is_never_sent_again(cast, chain):
    """It could succeed this time, and its money was released."""
    chain.succeeds = False
    withdrawal = completed(cast, chain)
    assert own(cast.merchant) == (1000 * ONE, 0)
    gone(chain, withdrawal)

    drive(3)

    assert (the(withdrawal).flag, the(withdrawal).status, len(chain.asked)) == ("vanished", "failed", 1)


def test_it_ends_when_somebody_has_settled_it(cast, chain):
    withdrawal = completed(cast, chain)
    root, admin = Actor(cast.super_admin, "panel"), Actor(cast.admin, "panel")
    with pytest.raises(IllegalTransition):
        put_aside_vanished(actor=root, outgoing=the(withdrawal), note="Nothing is odd")
    gone(chain, withdrawal)
    for actor, note, error in ((admin, "x", NotAllowed), (root, " ", InvalidFields)):
        with pytest.raises(error):
            put_aside_vanished(actor=actor, outgoing=the(withdrawal), note=note)
    assert the(withdrawal).flag == "vanished"

    put_aside_vanished(actor=root, outgoing=the(withdrawal), note="Paid by hand")

    outgoing = the(withdrawal)
    assert (outgoing.flag, outgoing.status, outgoing.due_at) == ("", "confirmed", None)
    assert AuditRecord.objects.get(action="withdrawal.put_aside").target == withdrawal.public_id
    everything_is_due()
    assert own(cast.merchant) == (900 * ONE, 0)
    assert_ledger_balances()
