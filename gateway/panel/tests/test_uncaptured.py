"""Live money that a payer gave and nobody booked: told to operators, and booked by them where people had proven it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.actors import Actor, Viewer
from gateway.lib.errors import IllegalTransition, NotAllowed, NotFound
from gateway.lib.providers import Outcome
from gateway.panel.queue import reading
from gateway.panel.queue.kinds import KINDS
from ledger.models import Posting
from ledger.testing import assert_ledger_balances
from payments import work
from payments.models import Payment
from payments.services import capture_proven, mark_succeeded, outcomes
from payments.tests.conftest import (  # noqa: F401 - fixtures
    _sandbox_answers_at_once,
    by_hand,
    capture,
    manual_order,
    pay,
    provider,
)
from webhooks.models import Event

pytestmark = pytest.mark.django_db


@pytest.fixture
def proven(cast, by_hand, manual_order, pay, monkeypatch):  # noqa: F811
    """Approved by an operator under code that captured nothing before it was asked."""
    by_hand()
    payment = pay(manual_order(100_000, mode="live"), vpa="jane@okbank")
    work.drive_payments()
    with monkeypatch.context() as older:
        older.setattr(outcomes, "capture_if_wanted", lambda *_: None)
        mark_succeeded(actor=Actor(cast.admin, "panel"), payment=payment, utr="609512345678")
    payment.refresh_from_db()
    assert (payment.status, payment.captured_at) == ("succeeded", None)
    return payment


def waiting(user):
    viewer = Viewer(user, "live")
    rows = reading.rows_of(viewer, reading.keys(viewer, KINDS, None))
    return [(row.kind.name, row.item.why, [action.text for action in row.item.actions]) for row in rows]


BOOKED_NOWHERE = ("uncaptured", "Its money lies in our account, and is not booked", ["Book it"])


def test_what_was_proven_under_older_code_waits_and_is_booked(cast, proven, signed_in, balances):
    assert waiting(cast.admin) == waiting(cast.super_admin) == [BOOKED_NOWHERE]
    assert waiting(cast.other_admin) == []
    client = signed_in(cast.admin, mode="live")
    assert "Book it" in client.get(reverse("panel:payment", args=[proven.public_id])).content.decode()

    answer = client.post(reverse("panel:payment-capture", args=[proven.public_id]))

    assert (answer.status_code, waiting(cast.admin)) == (302, [])
    assert balances(cast.merchant, "live") == (97_640, 0, 0)
    assert Event.objects.filter(type="payment.captured").count() == 1
    assert client.post(reverse("panel:payment-capture", args=[proven.public_id])).status_code == 422
    assert Posting.objects.count() == 1
    assert_ledger_balances()


@pytest.mark.parametrize(("who", "error"), [("merchant_user", NotAllowed), ("other_admin", NotFound)])
def test_nobody_else_books_it(cast, proven, balances, who, error):
    with pytest.raises(error):
        capture_proven(actor=Actor(getattr(cast, who), "panel"), payment=proven)
    proven.refresh_from_db()
    assert (proven.captured_at, proven.capture_requested_at, balances(cast.merchant, "live")) == (None, None, (0, 0, 0))


def test_what_a_provider_authorised_is_told_after_two_days_and_left_to_its_merchant(
    cast, manual_order, pay, capture, provider, balances  # noqa: F811
):
    provider.captures_at_once = False
    provider.answers = [Outcome("succeeded", utr="UTR000001"), Outcome("succeeded")]
    payment = pay(manual_order(mode="live"))
    work.drive_payments()
    assert waiting(cast.admin) == []

    days = timezone.now() - timedelta(days=2, minutes=1)
    Payment.objects.filter(pk=payment.pk).update(completed_at=days)

    assert waiting(cast.admin) == [("uncaptured", "Authorised for days and not captured: ask its merchant", ["Open"])]
    with pytest.raises(IllegalTransition):
        capture_proven(actor=Actor(cast.super_admin, "panel"), payment=payment)
    assert (balances(cast.merchant, "live"), Posting.objects.count()) == ((0, 0, 0), 0)
    capture(payment)
    work.drive_payments()
    assert (waiting(cast.admin), balances(cast.merchant, "live")) == ([], (97_640, 0, 0))
    assert_ledger_balances()


def test_in_test_mode_nothing_is_told(cast, manual_order, pay):  # noqa: F811
    pay(manual_order())
    work.drive_payments()
    Payment.objects.update(completed_at=timezone.now() - timedelta(days=9))
    assert Payment.objects.get().status == "succeeded"
    assert reading.counts(Viewer(cast.super_admin, "test"))["uncaptured"] == 0
