"""A credit that was taken back, in this contract's own words: every answer is one that its document knows."""

from __future__ import annotations

import pytest

from accounts.actors import Actor
from crypto import testing
from crypto.chains.simulated import control
from crypto.exports.selecting import batches
from crypto.exports.services import create_export
from crypto.models import ChainTransaction
from crypto.services.credit_reversals import confirm_credit_reversal, propose_credit_reversal
from crypto.services.figuring import fold_figures, wrong_figures
from crypto.watcher import watch_network
from gateway.contracts.dashboard.testing import Dashboard
from webhooks.models import Delivery
from webhooks.services import create_endpoint

pytestmark = pytest.mark.django_db


@pytest.fixture
def session(cast, settings):
    settings.SIMULATED_BLOCK_SECONDS = 0
    create_endpoint(
        actor=Actor(cast.merchant_user, "panel"), merchant=cast.merchant, mode="test", contract="dashboard",
        url="https://shop.example/hook", events=["payment.confirmed", "payment.failed"],
    )
    row = testing.confirm(testing.open_session(cast.merchant, "100"), 1)
    paid = testing.pay(row)
    testing.confirm(row, 12)
    control.reorganise("BSC", 12, drop=[paid])
    watch_network("BSC", "test")
    return row


@pytest.fixture
def taken_back(cast, session):
    fold_figures()  # what was kept of it becomes less as well
    actor = Actor(cast.admin, "panel")
    made = propose_credit_reversal(actor=actor, transfer=ChainTransaction.objects.get(), reason="Gone")
    return confirm_credit_reversal(actor=actor, reversal=made)


def test_before_and_after_it_is_taken_back(cast, session, taken_back):
    dashboard = Dashboard(cast.merchant)
    listed = dashboard.get("/transactions")
    row = listed["transactions"][0]

    assert (row["status"], row["amount"], row["confirmations"]) == ("orphaned", "100.00000000", 0)
    assert listed["summary"]["total_volume"] == "0.00000000"
    one = dashboard.get(f"/transactions/{row['tx_hash']}")
    assert (one["status"], one["confirmed_at"], one["related_session"]["status"]) == ("orphaned", None, "failed")
    shown = dashboard.get(f"/sessions/{session.pk}")
    paid = shown["payment_details"]
    assert (shown["status"], paid["paid_amount"], paid["paid_at"], paid["blockchain_tx_hash"]) == ("failed", 0, None, None)
    assert shown["timeline"][-1]["event"] == "payment_reversed"
    balance = dashboard.get("/balance/crypto")
    assert (balance["available_balance"]["amount"], balance["pending_balance"]["amount"]) == ("0.00000000", "0.00000000")
    assert (balance["total_earnings"]["all_time"], balance["platform_fees_paid"]["all_time"]) == ("0.00000000", "0.00000000")
    address = dashboard.get(f"/addresses/{session.address_id}")
    assert address["balance"]["total_received"] == "0.00000000"
    for _ in range(2):
        assert list(wrong_figures()) == []
        fold_figures()


def test_the_merchant_is_told_that_the_payment_has_failed(cast, taken_back):
    told = [delivery.event.type for delivery in Delivery.objects.order_by("event__created_at").select_related("event")]

    assert told == ["session.paid", "session.failed"]


def test_an_export_says_what_the_list_says(cast, taken_back):
    export = create_export(
        actor=Actor(cast.merchant_user, "panel"), merchant=cast.merchant, mode="test", format="csv", type="transactions",
        starts_at=taken_back.created_at.replace(year=2020), ends_at=taken_back.created_at.replace(year=2100), criteria={},
    )

    assert [row[8] for rows in batches(export) for row in rows] == ["orphaned"]
