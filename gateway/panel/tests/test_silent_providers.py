"""What a provider says nothing of for a day is put before a person, in the queue and on the record's own page."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from payments.models import Refund
from payouts.models import Payout

pytestmark = pytest.mark.django_db
QUEUE = reverse("panel:queue")


def silent_for(row, hours, **changes):
    sent_at = timezone.now() - timedelta(hours=hours)
    type(row).objects.filter(pk=row.pk).update(provider_state="unknown", sent_at=sent_at, due_at=timezone.now(), **changes)


def text_of(client, page):
    return client.get(page).content.decode()


def test_a_payout_without_an_answer(cast, signed_in, make_payout):
    payout = make_payout(cast.merchant, by=cast.merchant_user)
    resolve = reverse("panel:payout-resolve", args=[payout.public_id])
    client, record = signed_in(cast.admin), reverse("panel:payout", args=[payout.public_id])
    silent_for(payout, 23, status=Payout.Status.PROCESSING)
    assert "it is asked again and again" in text_of(client, QUEUE)
    assert not [page for page in (QUEUE, record) if resolve in text_of(client, page)]

    silent_for(payout, 25)

    for page, words in ((QUEUE, "not said for a day what became of it"), (record, "not said for a day what became of this")):
        assert words in text_of(client, page)
        assert resolve in text_of(client, page)


def test_a_refund_that_its_provider_does_not_know(cast, signed_in, paid):
    refund = Refund.objects.create(
        payment=paid(cast.merchant, operator=cast.admin), merchant=cast.merchant, mode="test", amount_minor=500, currency="INR",
    )
    resolve = reverse("panel:refund-resolve", args=[refund.public_id])
    client, record = signed_in(cast.admin), reverse("panel:payment", args=[refund.payment.public_id])
    silent_for(refund, 23)
    assert not [page for page in (QUEUE, record) if resolve in text_of(client, page)]

    silent_for(refund, 25)

    assert "not said for a day whether it was sent" in text_of(client, QUEUE)
    assert not [page for page in (QUEUE, record) if resolve not in text_of(client, page)]
