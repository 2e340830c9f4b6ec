"""What is paid, and what becomes of it: worked stories, each ending with the books exact."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from crypto import testing, watcher
from crypto.chains.simulated import control
from crypto.models import ChainTransaction, DepositAddress, Session
from ledger.models import Posting
from ledger.testing import assert_ledger_balances
from webhooks.models import Event

pytestmark = pytest.mark.django_db
UNIT = 10**8


@pytest.fixture
def available():
    """What a merchant may spend of a token on a network, in 10⁻⁸; the books are verified on the way."""
    from ledger.models import LedgerAccount

    def available(merchant, currency="USDT", network="BSC"):
        assert_ledger_balances()
        code = f"m/{merchant.pk}/test/{currency}.{network}/available"
        return LedgerAccount.objects.filter(code=code).values_list("balance", flat=True).first() or 0

    return available


def events(session):
    return list(Event.objects.filter(subject=session.public_id).order_by("id").values_list("type", flat=True))


def happened(session):
    return [row.event for row in session.timeline.all()][2:]


def paid(session, *amounts, **more):
    """Each amount is paid and confirmed, one after the other."""
    for amount in amounts:
        testing.pay(session, amount, **more)
        testing.confirm(session)
    return session


def end(session):
    Session.objects.filter(pk=session.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    return testing.confirm(session, 1)


@pytest.mark.parametrize(("network", "currency"), [
    ("BSC", "USDT"), ("BSC", "USDC"), ("ETH", "USDC"), ("POL", "USDT"), ("TRX", "USDT"), ("SOL", "USDC"),
])
def test_the_exact_amount(cast, available, network, currency):
    session = testing.open_session(cast.merchant, "100", network=network, currency=currency)
    transaction = testing.pay(session)

    testing.confirm(session, session.required_confirmations - 1)
    assert (session.status, session.received_minor, available(cast.merchant, currency, network)) == ("pending", 0, 0)
    assert happened(session) == ["payment_received"]
    assert session.transaction_hash == transaction
    testing.confirm(session, 1)

    assert (session.status, session.received_minor, session.fee_minor) == ("paid", 100 * UNIT, UNIT)
    assert available(cast.merchant, currency, network) == 99 * UNIT
    assert session.flags == []
    assert happened(session) == ["payment_received", "payment_confirmed"]
    assert events(session) == ["session.paid"]
    row = ChainTransaction.objects.get()
    assert (row.status, row.credited_minor, row.fee_minor, row.session) == ("confirmed", 100 * UNIT, UNIT, session)
    address = DepositAddress.objects.get()
    assert (address.received_minor, address.sweep_status, address.session) == (100 * UNIT, "pending", None)
    testing.confirm(session)
    assert Posting.objects.count() == 1


def test_the_timeline_is_in_the_contracts_words(cast):
    session = paid(testing.open_session(cast.merchant, "100"), "100")

    assert [row.details for row in session.timeline.all()] == [
        "Checkout session created", "Deposit address assigned", "Payment received (100 USDT)",
        "Payment confirmed on blockchain",
    ]


def test_less_than_half_a_percent_short_is_paid(cast, available):
    session = paid(testing.open_session(cast.merchant, "100"), "99.5")

    assert (session.status, session.flags) == ("paid", [])
    assert available(cast.merchant) == 98_50500000


def test_more_than_half_a_percent_short_waits_and_then_fails_with_the_sum_credited(cast, available):
    session = paid(testing.open_session(cast.merchant, "100"), "99.49999999")

    assert (session.status, session.flags, events(session)) == ("pending", [], [])
    end(session)

    assert (session.status, session.flags, events(session)) == ("failed", ["underpaid"], ["session.failed"])
    assert available(cast.merchant) == 99_49999999 - 99_500000
    assert happened(session)[-1] == "session_failed"


def test_in_three_parts_the_fee_is_that_of_the_whole(cast, available):
    session = paid(testing.open_session(cast.merchant, "1"), "0.33333333", "0.33333333", "0.33333334")

    assert (session.status, session.received_minor, session.fee_minor) == ("paid", UNIT, UNIT // 100)
    assert session.flags == ["several"]
    assert available(cast.merchant) == 99 * UNIT // 100
    assert list(ChainTransaction.objects.order_by("id").values_list("fee_minor", flat=True)) == [333333, 333334, 333333]
    assert events(session) == ["session.paid"]


def test_in_three_parts_within_one_block(cast, available):
    session = testing.open_session(cast.merchant, "90")
    for _ in range(3):
        testing.pay(session, "30")
    testing.confirm(session)

    assert (session.status, session.received_minor, session.flags) == ("paid", 90 * UNIT, ["several"])
    assert available(cast.merchant) == 89_10000000


def test_more_than_asked_is_all_credited(cast, available):
    session = paid(testing.open_session(cast.merchant, "100"), "150")

    assert (session.status, session.received_minor, session.flags) == ("paid", 150 * UNIT, ["overpaid"])
    assert available(cast.merchant) == 148_50000000


def test_a_second_payment_of_a_paid_session_is_credited_and_told_once(cast, available):
    session = paid(testing.open_session(cast.merchant, "100"), "100", "100")

    assert (session.status, session.received_minor) == ("paid", 200 * UNIT)
    assert session.flags == ["several", "overpaid"]
    assert (available(cast.merchant), events(session)) == (198 * UNIT, ["session.paid"])


def test_paid_in_time_and_confirmed_after_its_end_is_not_late(cast, available):
    session = testing.open_session(cast.merchant, "100")
    testing.pay(session)
    testing.confirm(session, 3)
    Session.objects.update(expires_at=timezone.now() + timedelta(seconds=0.01))

    testing.confirm(session, 5)
    assert session.status == "pending"
    testing.confirm(session, 4)

    assert (session.status, session.flags) == ("paid", [])
    assert available(cast.merchant) == 99 * UNIT


def test_paid_after_its_end_is_credited_and_late(cast, available):
    session = end(testing.open_session(cast.merchant, "100"))
    assert session.status == "expired"

    paid(session, "100")

    assert (session.status, session.flags) == ("paid", ["late"])
    assert events(session) == ["session.expired", "session.paid"]
    assert available(cast.merchant) == 99 * UNIT


def test_the_rest_after_a_failure_completes_it(cast, available):
    session = end(paid(testing.open_session(cast.merchant, "100"), "60"))
    assert (session.status, session.flags) == ("failed", ["underpaid"])

    paid(session, "40")

    assert session.status == "paid"
    assert set(session.flags) == {"several", "late"}
    assert events(session) == ["session.failed", "session.paid"]
    assert available(cast.merchant) == 99 * UNIT


def test_a_part_after_the_end_is_credited_and_ends_nothing(cast, available):
    session = paid(end(testing.open_session(cast.merchant, "100")), "10")

    assert (session.status, session.flags, session.received_minor) == ("expired", ["late"], 10 * UNIT)
    assert available(cast.merchant) == 9_90000000


def test_late_money_goes_to_who_had_the_address_then(cast, available, settings):
    settings.SESSION_COOL_DOWN_MINUTES = 0
    early = end(testing.open_session(cast.merchant, "100"))
    Session.objects.filter(pk=early.pk).update(created_at=timezone.now() - timedelta(hours=2))
    later = testing.open_session(cast.other, "100", fresh=False)
    assert later.address == early.address

    paid(later, "100")

    early.refresh_from_db()
    assert (early.status, later.status) == ("expired", "paid")
    assert (available(cast.merchant), available(cast.other)) == (0, 99 * UNIT)


def test_another_token_is_credited_as_what_it_is(cast, available):
    session = paid(testing.open_session(cast.merchant, "100"), "100", currency="USDC")

    assert (session.status, session.received_minor, session.flags) == ("pending", 0, ["wrong_token"])
    assert (available(cast.merchant, "USDC"), available(cast.merchant)) == (99 * UNIT, 0)
    assert "wrong_token" in happened(session)
    assert end(session).status == "expired"


def test_two_tokens_at_once_in_one_transaction(cast, available):
    session = testing.open_session(cast.merchant, "100")
    to = session.address.address
    control.pay_several("BSC", moves=[("USDC", to, 7 * 10**18), ("USDT", to, 100 * 10**18)])
    testing.confirm(session)

    assert (session.status, session.received_minor, session.flags) == ("paid", 100 * UNIT, ["wrong_token"])
    assert (available(cast.merchant), available(cast.merchant, "USDC")) == (99 * UNIT, 6_93000000)
    assert sorted(ChainTransaction.objects.values_list("position", "currency")) == [(0, "USDC"), (1, "USDT")]


def test_a_fake_token_a_failed_receipt_and_nothing_at_all_are_not_seen(cast, available):
    session = testing.open_session(cast.merchant, "100")
    testing.pay(session, fake=True)
    testing.pay(session, fails=True)
    control.pay("BSC", currency="USDT", recipient=session.address.address, units=0)
    testing.confirm(session)

    assert (session.status, happened(session), ChainTransaction.objects.count()) == ("pending", [], 0)
    assert available(cast.merchant) == 0


def test_a_contract_that_pays_for_somebody_counts(cast, available):
    """`transferFrom`: the token moves from another address than the one that sent the transaction."""
    session = testing.open_session(cast.merchant, "100")
    other = testing.add_addresses("BSC")[0]
    contract = control._contract(session.network, "test", "USDT", False)
    moves = [[contract, control.outsider(session.network).lower(), session.address.lookup, str(100 * 10**18)],
             [contract, control.outsider(session.network).lower(), other.lookup, str(10**18)]]
    control._send(session.network, "test", control.outsider(session.network).lower(), moves, False)
    testing.confirm(session)

    assert (session.status, ChainTransaction.objects.count()) == ("paid", 1)
    assert ChainTransaction.objects.get().sender == moves[0][1]
    assert available(cast.merchant) == 99 * UNIT


def test_dust_is_floored_and_told(cast, available):
    session = testing.open_session(cast.merchant, "100")
    testing.pay(session, units=100 * 10**18 + 9_999_999_999)
    testing.confirm(session)

    assert (session.status, session.received_minor, session.flags) == ("paid", 100 * UNIT, ["dust"])
    assert ChainTransaction.objects.get().raw_units == "100000000009999999999"
    assert available(cast.merchant) == 99 * UNIT


def test_less_than_the_ledgers_smallest_unit_books_nothing(cast, available):
    session = testing.open_session(cast.merchant, "100")
    testing.pay(session, units=9_999_999_999)
    testing.confirm(session)

    row = ChainTransaction.objects.get()
    assert (row.status, row.amount_minor, row.credited_minor) == ("confirmed", 0, 0)
    assert (session.status, session.flags, Posting.objects.count()) == ("pending", ["dust"], 0)


def test_more_than_the_books_can_hold_is_kept_for_people(cast, available):
    session = testing.open_session(cast.merchant, "100")
    testing.pay(session, units=10**77)
    testing.pay(session)
    testing.confirm(session)

    unbooked = ChainTransaction.objects.get(raw_units=str(10**77))
    assert (unbooked.status, unbooked.amount_minor) == ("failed", 0)
    assert "More than the books can hold" in unbooked.note
    assert (session.status, session.flags) == ("paid", ["unbooked"])
    assert available(cast.merchant) == 99 * UNIT


def test_a_balance_that_would_grow_too_large_stays_unbooked(cast, available):
    """Where that is differs between the databases; that the rest is kept for people does not."""
    session = testing.open_session(cast.merchant, "100")
    for _ in range(3):
        testing.pay(session, units=2**62 * 10**10)
    testing.confirm(session)

    booked = ChainTransaction.objects.filter(status="confirmed")
    left = ChainTransaction.objects.filter(status="pending")
    assert 1 <= booked.count() == 3 - left.count() < 3
    assert {row.note for row in left} == {"More than the merchant's balance can hold: not booked."}
    assert available(cast.merchant) == sum(row.credited_minor - row.fee_minor for row in booked)


def test_the_same_receipt_twice_credits_once(cast, available):
    session = testing.open_session(cast.merchant, "100")
    testing.pay(session)
    for _ in range(3):
        testing.confirm(session)
        watcher.watch_network("BSC", "test")

    assert Posting.objects.count() == 1
    assert available(cast.merchant) == 99 * UNIT


def test_what_a_fixed_fee_leaves_is_never_less_than_nothing(cast, available):
    from accounts.actors import Actor
    from ledger.fees import set_fee_plan

    set_fee_plan(
        actor=Actor.system("tests"), merchant=cast.merchant, product="crypto_payin", fixed_minor=2 * UNIT,
        basis_points=0, gst_basis_points=1800,
    )
    session = testing.open_session(cast.merchant, "10")

    paid(session, "0.5")
    assert (session.fee_minor, available(cast.merchant)) == (UNIT // 2, 0)
    paid(session, "9.5")

    assert (session.status, session.fee_minor, session.tax_minor) == ("paid", 2_36000000, 36000000)
    assert available(cast.merchant) == 7_64000000
