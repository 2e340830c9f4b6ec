"""A transaction that had ended and left the chain again, on the pages of those whom it concerns."""

from __future__ import annotations

import pytest
from django.urls import reverse

from accounts.models import AuditRecord
from crypto.models import Network, Outgoing, Token
from crypto.tests.chain_house import ONE, OUTSIDE, withdraw
from ledger.testing import fund

pytestmark = pytest.mark.django_db


@pytest.fixture
def gone(cast):
    fund(cast.merchant, 100 * ONE, currency="USDT", network="BSC")
    row = withdraw(cast.merchant, 40 * ONE)
    sent = Outgoing.objects.create(
        purpose="withdrawal", network=Network.objects.get(code="BSC"), mode="test", sender=OUTSIDE["ETH"],
        sender_index=-1, recipient=row.address, token=Token.objects.get(network="BSC", mode="test", currency="USDT"),
        raw_units=str(10**18), nonce=7, status="confirmed", flag="vanished", transaction_hash="0xgone",
    )
    row.advance("processing", outgoing=sent)
    row.advance("completed")
    return row


def test_it_waits_for_a_person_and_says_what_else_does(cast, signed_in, gone):
    client = signed_in(cast.super_admin)

    page = client.get(reverse("panel:transaction", args=[gone.outgoing_id])).content.decode()
    assert "It had ended, and left the chain again" in page
    assert "What its sender signed later waits for nonce 7." in page
    assert "It had ended, and left the chain again" in client.get(reverse("panel:queue")).content.decode()
    assert "Stop looking for this transaction?" in client.get(
        reverse("panel:transaction-give-up", args=[gone.outgoing_id])
    ).content.decode()

    client.post(reverse("panel:transaction-give-up", args=[gone.outgoing_id]), {"note": "Paid by hand"})

    gone.refresh_from_db()
    assert (gone.outgoing.flag, gone.outgoing.status, gone.status) == ("", "confirmed", "completed")
    assert AuditRecord.objects.get(action="withdrawal.put_aside").target == gone.public_id


@pytest.mark.parametrize(("who", "words"), [
    ("merchant_user", "We are looking at it."), ("admin", "The same transaction is sent again"),
])
def test_its_withdrawals_page_does_not_pretend(cast, signed_in, gone, who, words):
    page = signed_in(getattr(cast, who)).get(reverse("panel:withdrawal", args=[gone.pk])).content.decode()

    assert "Its transaction left the chain again." in page
    assert words in page
    assert "stays held" not in page


def test_what_was_given_up_is_not_said_to_wait(cast, signed_in, gone):
    Outgoing.objects.filter(pk=gone.outgoing_id).update(flag="otherwise", status="failed", failure="Given up")

    own = signed_in(cast.merchant_user).get(reverse("panel:withdrawal", args=[gone.pk])).content.decode()
    house = signed_in(cast.super_admin).get(reverse("panel:transaction", args=[gone.outgoing_id])).content.decode()

    assert "stays held" not in own
    assert "Somebody must look" not in house
