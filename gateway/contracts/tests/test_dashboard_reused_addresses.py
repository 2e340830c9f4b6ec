"""An address that was given to another merchant: its former one is told of its own use alone, and is sorted by it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from crypto import testing
from crypto.models import DepositAddress, Session
from crypto.tests.chain_house import open_house, settle_down
from crypto.tests.conftest import _blocks_by_hand, network, signer  # noqa: F401
from gateway.contracts.dashboard.testing import Dashboard

pytestmark = pytest.mark.django_db
NOTHING_SWEPT = {"status": None, "last_swept_at": None, "sweep_tx_hash": None, "sweep_explorer_url": None}
NO_GAS = {"funded_at": None, "funding_tx_hash": None, "funding_amount": None}


@pytest.fixture
def former(cast, signer, network, settings):  # noqa: F811
    """The first of two merchants of one address; what it paid, and whether, is the test's."""
    settings.SESSION_COOL_DOWN_MINUTES, settings.ADDRESS_POOL_SIZE = 0, 1
    open_house(network("BSC"))
    return Dashboard(cast.merchant)


def give_away(first, other):
    """`first` has ended; `other` gets its address, is paid there, and its money is swept."""
    DepositAddress.objects.exclude(pk=first.address_id).update(is_active=False)
    second = testing.open_session(other, fresh=False)
    assert second.address_id == first.address_id
    testing.pay(second)
    testing.confirm(second)
    Dashboard(other)("POST", f"/dashboard/addresses/{second.address_id}/check-balance")
    settle_down("BSC")
    return second


def unpaid(merchant):
    session = testing.open_session(merchant, fresh=False)
    Session.objects.filter(pk=session.pk).update(expires_at=timezone.now() - timedelta(hours=1))
    return testing.confirm(session, 1)


def test_one_that_was_never_paid_there_sees_nothing_of_anothers_sweep(cast, former):
    first = unpaid(cast.merchant)
    before = former.get("/addresses")["addresses"][0]

    second = give_away(first, cast.other)

    row, detail = former.get("/addresses")["addresses"][0], former.get(f"/addresses/{first.address_id}")
    assert (row["sweep_info"], row["gas_funding"], row["last_checked_at"]) == (NOTHING_SWEPT, NO_GAS, None)
    moment = Session.objects.get(pk=first.pk).updated_at
    assert row["updated_at"] == detail["updated_at"] == f"{moment:%Y-%m-%dT%H:%M:%SZ}"
    assert row["usage"] == before["usage"]
    for status, count in (("pending", 0), ("swept", 0), ("failed", 0)):
        assert former.get("/addresses", sweep_status=status)["pagination"]["total_items"] == count
    owner = Dashboard(cast.other).get("/addresses", sweep_status="swept")["addresses"][0]
    assert (owner["id"], owner["sweep_info"]["status"]) == (second.address_id, "swept")
    assert owner["gas_funding"]["funding_tx_hash"]
    assert owner["last_checked_at"]


def test_one_whose_money_was_swept_keeps_its_own_gas_and_state(cast, former):
    first = testing.open_session(cast.merchant, fresh=False)
    testing.pay(first)
    testing.confirm(first)
    settle_down("BSC")
    before = former.get("/addresses")["addresses"][0]
    assert (before["sweep_info"]["status"], bool(before["gas_funding"]["funding_tx_hash"])) == ("swept", True)

    give_away(first, cast.other)

    after = former.get("/addresses")["addresses"][0]
    assert (after["sweep_info"], after["gas_funding"]) == (before["sweep_info"], before["gas_funding"])
    assert former.get("/addresses", sweep_status="swept")["pagination"]["total_items"] == 1


def test_a_new_owner_is_not_told_that_anothers_money_was_swept(cast, former):
    first = testing.open_session(cast.other, fresh=False)
    testing.pay(first)
    testing.confirm(first)
    settle_down("BSC")
    DepositAddress.objects.exclude(pk=first.address_id).update(is_active=False)

    testing.open_session(cast.merchant, fresh=False)

    row = former.get("/addresses")["addresses"][0]
    assert (row["id"], row["sweep_info"], row["gas_funding"]) == (first.address_id, NOTHING_SWEPT, NO_GAS)


@pytest.mark.parametrize("sort", ["last_used_at", "updated_at"])
def test_addresses_are_sorted_by_the_moments_that_are_shown(cast, former, sort):
    first = unpaid(cast.merchant)
    later = testing.open_session(cast.merchant)
    give_away(first, cast.other)

    rows = former.get("/addresses", sort_by=sort)["addresses"]

    assert [row["id"] for row in rows] == [later.address_id, first.address_id]
