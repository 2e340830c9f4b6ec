"""The work queue: everything that waits, for whom, in which order, and what is decided about several at once."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.actors import Actor, Viewer
from accounts.models import AuditRecord
from crypto import testing
from crypto.models import Network, Outgoing, Sender, Session, Withdrawal
from crypto.services.withdrawals import create_withdrawal
from gateway.lib.money import Money
from gateway.lib.racing import together
from gateway.panel.queue import reading
from gateway.panel.queue.kinds import KINDS
from ledger.testing import assert_ledger_balances
from payments.models import Payment, Refund
from payouts.models import Payout
from payouts.services import approve_payout
from webhooks.models import Endpoint

QUEUE = "/panel/queue"
ONE = 10**8
THERE = "0x52908400098527886E0F7030069857D2E4169EE7"


def _row(model, pk, **changes):
    model.objects.filter(pk=pk).update(**changes)


def _titles(answer):
    return re.findall(r'class="row-link" href="[^"]*">([^<]+)<', answer.content.decode())


def _picks(*rows):
    names = {"Payout": "payout", "Withdrawal": "withdrawal", "Payment": "payment-flag", "Session": "session-flag"}
    return [f"{names[type(row).__name__]}:{str(row.pk).replace('-', '')}" for row in rows]


def _once(client, what, picks):
    page = client.get(f"{QUEUE}/{what}", {"pick": picks}).content.decode()
    return re.search(r'name="once" value="(\w+)"', page)[1]


@pytest.fixture
def withdrawal(cast, fund):
    fund(cast.merchant, 500 * ONE, currency="USDT", network="BSC")
    row = create_withdrawal(
        actor=Actor(cast.merchant_user, "tests"), merchant=cast.merchant, mode="test", amount=Money(20 * ONE, "USDT"),
        created_by=cast.merchant_user, method="crypto", network="BSC", address=THERE,
    )
    _row(Withdrawal, row.pk, needs_approval=True, due_at=None, approved_at=None)
    row.refresh_from_db()
    return row


@pytest.fixture
def everything(cast, make_payout, make_payment, paid, withdrawal, settings):
    """One of each kind that test mode has; each began to wait a minute after the one before."""
    settings.SIMULATED_BLOCK_SECONDS = 0
    now, with_bank = timezone.now(), {"status": "processing", "provider_state": "unknown"}
    silent, flagged, odd = (make_payout(cast.merchant, by=cast.merchant_user) for _ in range(3))
    waiting = make_payout(cast.merchant, by=cast.merchant_user)
    payment, refunded = make_payment(cast.merchant), paid(cast.merchant, operator=cast.admin)
    refund = Refund.objects.create(
        payment=refunded, merchant=cast.merchant, mode="test", amount_minor=500, currency="INR", flag="contradicted",
        status="processed",
    )
    session = testing.open_session(cast.merchant, "100", reference="CRYPTO-1")
    network = Network.objects.get(pk="BSC")
    rows = [
        (Payout, waiting.pk, {"created_at": now - timedelta(minutes=20)}),
        (Withdrawal, withdrawal.pk, {"created_at": now - timedelta(minutes=19)}),
        (Payout, silent.pk, with_bank | {"sent_at": now - timedelta(minutes=18), "due_at": now}),
        (Payout, flagged.pk, {"status": "approved", "flag": "contradicted", "updated_at": now - timedelta(minutes=17)}),
        (Payout, odd.pk, {"status": "processed"}),
        (Payment, payment.pk, {"flag": "amount_differs", "updated_at": now - timedelta(minutes=16)}),
        (Refund, refund.pk, {"created_at": now - timedelta(minutes=15)}),
        (Session, session.pk, {"flags": ["vanished", "dust"], "for_person": True, "updated_at": now - timedelta(minutes=14)}),
    ]
    for model, pk, changes in rows:
        _row(model, pk, **changes)
    Endpoint.objects.create(
        merchant=cast.merchant, mode="test", url="https://shop.example/hook", secret_encrypted="x", enabled=False,
        disabled_reason="endpoint disabled: 120 hours of failures", failing_since=now - timedelta(minutes=13),
    )
    Outgoing.objects.create(
        purpose="gas", network=network, mode="test", sender="0xa", sender_index=-1, recipient="0xb" * 14,
        raw_units="1000000000", flag="stuck", status="sent", created_at=now - timedelta(minutes=12),
    )
    Sender.objects.create(
        network=network, mode="test", address="0xa" * 14, stopped_reason="Another hand", next_nonce=1,
        stopped_at=now - timedelta(minutes=11),
    )
    return waiting, withdrawal, payment, session


def test_everything_that_waits_is_there_the_oldest_first(cast, signed_in, everything):
    answer = signed_in(cast.super_admin).get(QUEUE)

    _, withdrawal, payment, _ = everything
    assert [title.split(" ·")[0] for title in _titles(answer)] == [
        "Payout to Ravi Kumar", f"Withdrawal {withdrawal.pk}", "Payout to Ravi Kumar", "Payout to Ravi Kumar",
        f"Payment {payment.order.reference}", f"Refund of {Refund.objects.get().payment.order.reference}",
        "Crypto payment CRYPTO-1", "Webhook switched off", "Gas for a sweep on BNB Smart Chain",
        "Sending on BNB Smart Chain is stopped",
    ]
    page = answer.content.decode()
    for why in ("Waits for approval", "The bank has not answered", "The provider reports another amount",
                "A confirmed transfer left the chain", "Endpoint disabled: 120 hours", "Another hand"):
        assert why in page
    assert "more places than the ledger" not in page  # the other flag only tells


def test_counts_are_exact_per_kind_and_the_badges_add_them_up(cast, everything):
    found = reading.counts(Viewer(cast.super_admin, "test"))

    assert {name: count for name, count in found.items() if count} == {
        "payout": 1, "withdrawal": 1, "unheard": 1, "payout-flag": 1, "payment-flag": 1, "refund": 1,
        "session-flag": 1, "webhook": 1, "transaction": 1, "sender": 1,
    }
    badges = reading.badges(found)
    assert (badges["queue"], badges["payouts"], badges["wallets"], badges["statements"]) == ("10", "3", "2", "")


def test_what_waits_is_counted_in_one_statement(cast, everything, django_assert_num_queries):
    with django_assert_num_queries(1):
        reading.counts(Viewer(cast.admin, "test"))


def test_an_admin_sees_the_team_and_nothing_of_the_house(cast, signed_in, everything):
    found = reading.counts(Viewer(cast.admin, "test"))
    theirs = reading.counts(Viewer(cast.other_admin, "test"))

    assert (sum(found.values()), found["transaction"], found["sender"]) == (8, 0, 0)
    assert sum(theirs.values()) == 0
    assert "All done" in signed_in(cast.other_admin).get(QUEUE).content.decode()


@pytest.mark.parametrize("who", ["merchant_user", "api_user"])
def test_nobody_but_operators_has_a_queue(cast, signed_in, who):
    client = signed_in(getattr(cast, who))

    assert client.get(QUEUE).status_code == 404
    assert client.get(f"{QUEUE}/approve").status_code == 404
    assert QUEUE not in client.get("/panel/").content.decode()
    assert sum(reading.counts(Viewer(getattr(cast, who), "test")).values()) == 0


def test_every_kind_can_be_listed_and_named_alone(cast, signed_in, everything):
    client = signed_in(cast.super_admin)

    for kind in KINDS:
        answer = client.get(QUEUE, {"kind": kind.name})
        assert answer.status_code == 200
        assert len(_titles(answer)) == reading.counts(Viewer(cast.super_admin, "test"))[kind.name]


def test_one_merchants_work_alone(cast, signed_in, everything, make_payout):
    make_payout(cast.other, by=cast.other_user, beneficiary_name="Meera Iyer")
    client = signed_in(cast.super_admin)

    theirs = client.get(QUEUE, {"merchant": cast.other.public_id})
    unknown = client.get(QUEUE, {"merchant": "mrc_0000000000000000"})

    assert _titles(theirs) == ["Payout to Meera Iyer"]
    assert (unknown.status_code, _titles(unknown)) == (200, [])


def test_the_live_queue_has_nothing_of_the_test_mode(cast, signed_in, everything):
    assert _titles(signed_in(cast.super_admin, mode="live").get(QUEUE)) == []


def test_the_number_of_queries_does_not_grow_with_what_waits(cast, signed_in, make_payout):
    client = signed_in(cast.super_admin)

    def cost():
        with CaptureQueriesContext(connection, ) as said:
            client.get(QUEUE)
        return len(said)

    client.get(QUEUE)
    make_payout(cast.merchant)
    one = cost()
    for _ in range(30):
        make_payout(cast.merchant)

    assert cost() == one <= 12
    page = client.get(QUEUE, {"page": "2"})
    assert "26–31 of 31" in page.content.decode()


# Several at once ----------------------------------------------------------------------------------------
def test_a_bulk_approval_names_everything_first(cast, signed_in, make_payout, withdrawal):
    first = make_payout(cast.merchant, 50_000, by=cast.merchant_user)
    second = make_payout(cast.merchant, 25_050, by=cast.merchant_user, beneficiary_name="Meera Iyer")

    answer = signed_in(cast.admin).get(f"{QUEUE}/approve", {"pick": _picks(first, second, withdrawal)})

    page = answer.content.decode()
    for part in ("3 records", "₹750.50", "20.00 USDT", "Ravi Kumar", "Meera Iyer", "0x529084", "Test mode",
                 "Approve all 3"):
        assert part in page
    assert Payout.objects.filter(status="pending").count() == 2
    assert AuditRecord.objects.filter(action__endswith=".approved").count() == 0


def test_each_selected_record_goes_through_its_own_service(cast, signed_in, make_payout, withdrawal, balances):
    payouts = [make_payout(cast.merchant, by=cast.merchant_user) for _ in range(2)]
    large = make_payout(cast.merchant, 20_000_000, by=cast.merchant_user, account_number="999900001111")
    client, picks = signed_in(cast.admin), _picks(*payouts, large, withdrawal)

    answer = client.post(f"{QUEUE}/approve", {"pick": picks, "once": _once(client, "approve", picks)})

    page = answer.content.decode()
    assert [Payout.objects.get(pk=row.pk).status for row in payouts] == ["approved", "approved"]
    large.refresh_from_db()
    withdrawal.refresh_from_db()
    assert (large.status, large.first_approved_by, withdrawal.approved_by) == ("pending", cast.admin, cast.admin)
    assert "4 of 4 approved" in page
    assert page.count("needs a second person") == 1
    assert AuditRecord.objects.filter(actor=cast.admin, action="payout.approved").count() == 2
    assert_ledger_balances()


def test_a_bulk_rejection_gives_the_money_back_with_one_reason(cast, signed_in, make_payout, balances):
    payouts = [make_payout(cast.merchant, by=cast.merchant_user) for _ in range(2)]
    available, _, reserved = balances(cast.merchant)
    held = sum(row.held.minor for row in payouts)
    client, picks = signed_in(cast.admin), _picks(*payouts)
    once = _once(client, "reject", picks)

    without = client.post(f"{QUEUE}/reject", {"pick": picks, "once": once, "word": ""})
    between = balances(cast.merchant)
    answer = client.post(f"{QUEUE}/reject", {"pick": picks, "once": once, "word": "Wrong account"})

    assert (without.status_code, between) == (422, (available, 0, reserved))
    assert "2 of 2 rejected" in answer.content.decode()
    assert set(Payout.objects.values_list("status", "failure_reason")) == {("rejected", "Wrong account")}
    assert balances(cast.merchant) == (available + held, 0, reserved - held)
    assert_ledger_balances()


def test_the_same_form_twice_decides_once(cast, signed_in, make_payout):
    large = make_payout(cast.merchant, 20_000_000, by=cast.merchant_user)
    client, picks = signed_in(cast.admin), _picks(large)
    sent = {"pick": picks, "once": _once(client, "approve", picks)}

    client.post(f"{QUEUE}/approve", sent)
    again = client.post(f"{QUEUE}/approve", sent)

    assert again.status_code == 409
    assert "took effect once" in again.content.decode()
    assert AuditRecord.objects.filter(target=large.public_id, action="payout.first_approved").count() == 1


def test_one_decided_meanwhile_is_told_and_the_others_go_on(cast, signed_in, make_payout):
    gone, kept = (make_payout(cast.merchant, by=cast.merchant_user) for _ in range(2))
    client, picks = signed_in(cast.super_admin), _picks(gone, kept)
    once = _once(client, "reject", picks)
    approve_payout(actor=Actor(cast.admin, "panel"), payout=gone)

    page = client.post(f"{QUEUE}/reject", {"pick": picks, "once": once, "word": "No"}).content.decode()

    assert "1 of 2 rejected" in page
    assert "Admin was quicker: approved" in page
    gone.refresh_from_db()
    kept.refresh_from_db()
    assert (gone.status, kept.status) == ("approved", "rejected")


def test_own_records_are_left_out_and_refused(cast, signed_in, make_payout):
    own, other = make_payout(cast.merchant, by=cast.super_admin), make_payout(cast.merchant, by=cast.merchant_user)
    client, picks = signed_in(cast.super_admin), _picks(own, other)

    page = client.get(f"{QUEUE}/approve", {"pick": picks}).content.decode()
    forced = client.post(f"{QUEUE}/approve", {"pick": _picks(own), "once": "x" * 24}).content.decode()

    assert "1 record" in page
    assert "your own" in page
    assert "Nobody decides about a record they created themselves." in forced
    own.refresh_from_db()
    assert own.status == "pending"


def test_another_teams_records_are_not_there(cast, signed_in, make_payout):
    payout = make_payout(cast.merchant, by=cast.merchant_user)
    client = signed_in(cast.other_admin)

    asked = client.get(f"{QUEUE}/approve", {"pick": _picks(payout)})
    forced = client.post(f"{QUEUE}/approve", {"pick": _picks(payout), "once": "x" * 24}).content.decode()

    assert (asked.status_code, asked["Location"]) == (302, QUEUE)
    assert "It is not there" in forced
    assert "Ravi" not in forced
    payout.refresh_from_db()
    assert payout.status == "pending"


def test_flags_are_looked_at_together_with_a_note(cast, signed_in, everything):
    *_, payment, session = everything
    client, picks = signed_in(cast.admin), _picks(payment, session)

    page = client.post(f"{QUEUE}/clear", {
        "pick": picks, "once": _once(client, "clear", picks), "word": "Asked the provider",
    }).content.decode()

    payment.refresh_from_db()
    session.refresh_from_db()
    assert "2 of 2 marked" in page
    assert (payment.flag, session.flag_cleared_at is not None) == ("", True)
    details = AuditRecord.objects.filter(actor=cast.admin).values_list("data__detail", flat=True)
    assert list(details).count("Asked the provider") == 2


@pytest.mark.parametrize("pick", ["", "payout", "payout:", "payout:x", "payout:-1", "nothing:1", "payout:" + "9" * 30,
                                  "session-flag:1", "payout:\0", "payout:१", "webhook:1"])
def test_what_no_page_of_ours_sends_selects_nothing(cast, signed_in, make_payout, pick):
    payout = make_payout(cast.merchant, by=cast.merchant_user)

    assert signed_in(cast.admin).get(f"{QUEUE}/approve", {"pick": [pick]}).status_code == 302
    payout.refresh_from_db()
    assert payout.status == "pending"


def test_deciding_needs_a_fresh_proof(cast, signed_in, make_payout, settings):
    settings.STEP_UP_MINUTES = 0
    payout = make_payout(cast.merchant, by=cast.merchant_user)
    client = signed_in(cast.admin)

    asked = client.get(f"{QUEUE}/approve", {"pick": _picks(payout)})
    sent = client.post(f"{QUEUE}/approve", {"pick": _picks(payout), "once": "x" * 24})

    assert asked["Location"].startswith(reverse("panel:prove"))
    assert sent["Location"].startswith(reverse("panel:prove"))
    payout.refresh_from_db()
    assert payout.status == "pending"


def test_a_single_step_goes_back_to_the_queue_and_nowhere_else(cast, signed_in, make_payout):
    first, second = (make_payout(cast.merchant, by=cast.merchant_user) for _ in range(2))
    client = signed_in(cast.admin)

    back = client.post(f"/panel/payouts/{first.public_id}/approve?next=%2Fpanel%2Fqueue%3Fkind%3Dpayout")
    away = client.post(f"/panel/payouts/{second.public_id}/approve?next=//evil.example/x")

    assert back["Location"] == "/panel/queue?kind=payout"
    assert away["Location"] == f"/panel/payouts/{second.public_id}"


def test_every_confirmation_says_in_which_mode_it_is(cast, signed_in):
    dialogs = [signed_in(cast.admin, mode).get(f"/panel/merchants/{cast.merchant.public_id}/suspend").content.decode()
               for mode in ("test", "live")]

    assert "Test mode: no real money moves." in dialogs[0]
    assert "Live mode: this is real." in dialogs[1]


@pytest.mark.django_db(transaction=True)
def test_two_operators_with_the_same_selection_decide_each_record_once(cast, signed_in, make_payout):
    payouts = [make_payout(cast.merchant, by=cast.merchant_user) for _ in range(6)]
    clients, picks = [signed_in(cast.super_admin), signed_in(cast.admin)], _picks(*payouts)
    ways = [("approve", {"pick": picks}), ("reject", {"pick": picks[::-1], "word": "No"})]
    for client, (what, sent) in zip(clients, ways, strict=True):
        sent["once"] = _once(client, what, picks)

    pages = together(2, lambda index: clients[index].post(f"{QUEUE}/{ways[index][0]}", ways[index][1]))

    assert [page.status_code for page in pages] == [200, 200]
    done = [int(re.search(r"<h1>(\d) of 6", page.content.decode())[1]) for page in pages]
    approved, rejected = (Payout.objects.filter(status=status).count() for status in ("approved", "rejected"))
    assert done == [approved, rejected]
    assert approved + rejected == 6
    assert sum(page.content.decode().count("was quicker") for page in pages) == 6
    assert_ledger_balances()


def test_what_is_with_the_bank_or_sent_by_hand_has_a_step_of_its_own(cast, signed_in, make_payout, paid):
    payout, refunded = make_payout(cast.merchant, by=cast.merchant_user), paid(cast.merchant, operator=cast.super_admin)
    _row(Payout, payout.pk, status="processing", flag="contradicted")
    _row(Payment, refunded.pk, provider="manual_upi")
    refund = Refund.objects.create(payment=refunded, merchant=cast.merchant, mode="test", amount_minor=5, currency="INR")
    client, picks = signed_in(cast.admin), [f"payout-flag:{payout.pk}", f"refund:{refund.pk}"]

    listed = client.get(QUEUE).content.decode()
    asked = client.get(f"{QUEUE}/clear", {"pick": picks})
    forced = client.post(f"{QUEUE}/clear", {"pick": picks, "once": "A" * 24, "word": "Fine"}).content.decode()

    assert [pick for pick in picks if pick in listed] == []
    assert (asked.status_code, asked["Location"]) == (302, QUEUE)
    assert forced.count("Refused: There is nothing to clear.") == 2
    assert Payout.objects.get(pk=payout.pk).flag == "contradicted"
