"""Corrections of a balance: who may, what is booked and what is not, and two people who decide at once."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from accounts.actors import Actor, Viewer
from accounts.models import AuditRecord, Notice
from accounts.operators import OwnRecord
from accounts.queries import visible_audit
from accounts.services import create_user
from conftest import make_cast
from gateway.lib.errors import GatewayError, IllegalTransition, InvalidFields, NotAllowed, NotFound
from gateway.lib.money import Money
from gateway.lib.racing import together
from ledger.errors import InsufficientBalance
from ledger.models import Entry, Posting
from ledger.testing import assert_ledger_balances, fund
from ledger.verify import verify_books
from payments.corrections import queries
from payments.corrections.services import (
    confirm_correction,
    propose_correction,
    reject_correction,
    withdraw_correction,
)
from payments.errors import RefundTooLarge, UtrUsed
from payments.models import Correction, Payment, Refund
from payments.services import create_refund, mark_succeeded

UTR = "412345678901"


@pytest.fixture
def first(cast):
    return Actor(cast.admin, "panel")


@pytest.fixture
def second(cast):
    return Actor(cast.super_admin, "panel")


@pytest.fixture
def propose(cast, first):
    def propose(kind="top_up", minor=100_000, *, actor=first, merchant=cast.merchant, mode="live", **more):
        reference = {"top_up": UTR, "chargeback": "DSP-2026/77"}.get(kind, "")
        values = {"bank_reference": reference, "reason": "As agreed"} | more
        return propose_correction(
            actor=actor, merchant=merchant, mode=mode, kind=kind, amount=Money(minor, "INR"), **values
        )

    return propose


def entries(row):
    rows = Entry.objects.filter(posting__reference=f"correction:{row.public_id}:book").order_by("account__code")
    return [(entry.account.code, entry.amount) for entry in rows.select_related("account")]


@pytest.mark.parametrize(("kind", "moved", "side"), [
    ("top_up", 40_000, "clearing.bank"), ("chargeback", -40_000, "clearing.bank"),
    ("credit", 40_000, "corrections"), ("debit", -40_000, "corrections"),
])
def test_each_kind_is_booked_once_when_a_second_operator_confirms(
    cast, fund, balances, propose, first, second, kind, moved, side
):
    fund(cast.merchant, 100_000, mode="live")
    row = propose(kind, 40_000)
    assert (row.status, balances(cast.merchant, "live"), entries(row)) == ("open", (100_000, 0, 0), [])

    booked = confirm_correction(actor=second, correction=row)

    assert (booked.status, booked.decided_by) == ("confirmed", cast.super_admin)
    assert balances(cast.merchant, "live") == (100_000 + moved, 0, 0)
    assert entries(row) == [(f"h/live/INR/{side}", -moved), (f"m/{cast.merchant.pk}/live/INR/available", moved)]
    with pytest.raises(IllegalTransition):
        confirm_correction(actor=second, correction=row)
    with pytest.raises(IllegalTransition):
        withdraw_correction(actor=first, correction=row, note="Late")
    assert Posting.objects.filter(kind=f"correction.{kind}").count() == 1
    assert_ledger_balances()


def test_a_live_merchant_who_only_pays_out_gets_a_balance(cast, balances, propose, second):
    confirm_correction(actor=second, correction=propose(minor=5_00_000_00))
    assert balances(cast.merchant, "live") == (5_00_000_00, 0, 0)
    assert balances(cast.merchant, "test") == (0, 0, 0)


def test_live_nobody_confirms_or_rejects_their_own_not_even_a_super_admin(cast, balances, propose, second):
    row = propose(actor=second)
    for decide in (confirm_correction, lambda **more: reject_correction(note="No", **more)):
        with pytest.raises(OwnRecord):
            decide(actor=second, correction=row)
    row.refresh_from_db()
    assert (row.status, row.decided_by, balances(cast.merchant, "live")) == ("open", None, (0, 0, 0))
    assert not Posting.objects.exists()


def test_the_database_keeps_four_eyes_too(propose, cast):
    row = propose()
    for decided_by in (cast.admin, None):
        with pytest.raises(IntegrityError), transaction.atomic():
            Correction.objects.filter(pk=row.pk).update(status="confirmed", decided_by=decided_by)
    row.refresh_from_db()
    assert row.status == "open"


def test_in_test_mode_one_is_enough(cast, balances, propose, first):
    confirm_correction(actor=first, correction=propose(mode="test"))
    assert balances(cast.merchant, "test") == (100_000, 0, 0)
    assert_ledger_balances()


@pytest.mark.parametrize("kind", ["chargeback", "debit"])
def test_a_debit_below_zero_is_refused_and_changes_nothing(cast, fund, balances, propose, second, kind):
    fund(cast.merchant, 99_999, mode="live")
    row = propose(kind)
    before = AuditRecord.objects.count()

    with pytest.raises(InsufficientBalance):
        confirm_correction(actor=second, correction=row)

    assert (row.status, row.decided_by) == ("open", None)
    row.refresh_from_db()
    assert (row.status, row.decided_by, balances(cast.merchant, "live")) == ("open", None, (99_999, 0, 0))
    assert (entries(row), AuditRecord.objects.count()) == ([], before)
    assert_ledger_balances()


def test_it_can_be_rejected_by_another_and_withdrawn_by_its_proposer_alone(cast, propose, first, second):
    row = propose()
    with pytest.raises(NotAllowed):
        withdraw_correction(actor=second, correction=row, note="Not mine")
    with pytest.raises(InvalidFields):
        reject_correction(actor=second, correction=row, note=" ")
    assert reject_correction(actor=second, correction=row, note="No such transfer").status == "rejected"
    again = propose()  # the reference is free again
    assert withdraw_correction(actor=first, correction=again, note="Wrong merchant").note == "Wrong merchant"
    for ended in (row, again):
        with pytest.raises(IllegalTransition):
            confirm_correction(actor=second, correction=ended)
    assert not Posting.objects.exists()
    assert_ledger_balances()


def test_only_operators_of_the_merchants_team_propose_and_decide(cast, propose, first):
    for user in (cast.merchant_user, cast.api_user):
        with pytest.raises(NotAllowed):
            propose(actor=Actor(user, "panel"))
    stranger = Actor(cast.other_admin, "panel")
    with pytest.raises(NotFound):
        propose(actor=stranger)
    assert not Correction.objects.exists()
    row = propose()
    with pytest.raises(NotFound):
        confirm_correction(actor=stranger, correction=row)
    with pytest.raises(NotAllowed):
        confirm_correction(actor=Actor(cast.merchant_user, "panel"), correction=row)
    row.refresh_from_db()
    assert row.status == "open"


@pytest.mark.parametrize(("field", "values"), [
    ("reason", {"reason": "  "}), ("kind", {"kind": "gift"}), ("amount", {"minor": 0}), ("amount", {"minor": -5}),
    ("bank_reference", {"bank_reference": ""}), ("bank_reference", {"bank_reference": "41234-5678901"}),
    ("bank_reference", {"kind": "chargeback", "bank_reference": ""}),
    ("bank_reference", {"kind": "credit", "bank_reference": "a b"}),
])
def test_what_is_wrong_is_named_and_nothing_is_written(propose, field, values):
    with pytest.raises(InvalidFields) as refused:
        propose(**values)
    assert list(refused.value.details["fields"]) == [field]
    assert not Correction.objects.exists()


def test_one_transfer_is_entered_once_and_not_beside_a_payment(propose, make, by_hand, claimed, second, cast):
    by_hand()
    paid = claimed()
    mark_succeeded(actor=second, payment=paid, utr="512345678901")
    with pytest.raises(InvalidFields, match=r"payment"):
        propose(bank_reference="512345678901")
    row = propose()
    with pytest.raises(InvalidFields):
        propose(bank_reference=UTR.lower(), merchant=cast.merchant)
    payment = claimed()
    with pytest.raises(UtrUsed):
        mark_succeeded(actor=second, payment=payment, utr=UTR)
    payment.refresh_from_db()
    assert (payment.status, Correction.objects.get()) == ("processing", row)
    assert propose(mode="test").status == "open"


def test_a_transfer_booked_as_a_payment_meanwhile_is_no_top_up(propose, by_hand, claimed, second, balances, cast):
    by_hand()
    row = propose()
    Payment.objects.filter(pk=claimed().pk).update(utr=UTR)
    with pytest.raises(InvalidFields):
        confirm_correction(actor=second, correction=row)
    row.refresh_from_db()
    assert (row.status, balances(cast.merchant, "live")) == ("open", (0, 0, 0))


def test_chargebacks_of_a_payment_leave_its_providers_money_and_never_exceed_it(cast, propose, paid, fund, balances):
    payment, actor = paid(), Actor(cast.super_admin, "panel")
    fund(cast.merchant, 200_000)
    before, _, _ = balances(cast.merchant)
    row = propose("chargeback", 60_000, mode="test", payment=payment)
    with pytest.raises(InvalidFields, match=r"400\.00"):
        propose("chargeback", 40_001, mode="test", payment=payment, bank_reference="DSP-78")

    confirm_correction(actor=actor, correction=row)

    assert entries(row) == [
        ("h/test/INR/clearing.sandbox", 60_000), (f"m/{cast.merchant.pk}/test/INR/available", -60_000)
    ]
    assert (balances(cast.merchant)[0], payment.charged_back()) == (before - 60_000, 60_000)
    for bad in ({"kind": "debit"}, {"mode": "live"}, {"merchant": cast.other, "actor": actor}):
        with pytest.raises(InvalidFields) as refused:
            propose(**{"kind": "chargeback", "minor": 1, "mode": "test", "payment": payment} | bad)
        assert list(refused.value.details["fields"]) == ["payment"]
    assert_ledger_balances()


def test_what_was_charged_back_is_not_refunded_as_well(cast, propose, paid, fund, balances):
    payment, actor = paid(), Actor(cast.super_admin, "panel")
    fund(cast.merchant, 200_000)
    row = propose("chargeback", 60_000, mode="test", payment=payment)
    assert payment.refundable() == 100_000
    confirm_correction(actor=actor, correction=row)
    before = balances(cast.merchant)

    with pytest.raises(RefundTooLarge) as refused:
        create_refund(actor=actor, payment=payment, amount=Money(40_001, "INR"))
    assert refused.value.details == {"left_minor": 40_000}
    assert (balances(cast.merchant), Refund.objects.count()) == (before, 0)

    assert create_refund(actor=actor, payment=payment).amount_minor == 40_000
    assert_ledger_balances()


def test_a_payment_without_money_is_not_charged_back(propose, make):
    with pytest.raises(InvalidFields) as refused:
        propose("chargeback", 1, mode="test", payment=make())
    assert list(refused.value.details["fields"]) == ["payment"]


def test_the_merchant_sees_it_once_it_is_booked_and_not_before(cast, propose, first, second, fund):
    fund(cast.merchant, 100_000, mode="live")
    viewer = Viewer(cast.merchant_user, "live")
    row = propose("chargeback")
    seen = visible_audit(viewer).filter(target=row.public_id)
    assert (list(queries.visible_corrections(viewer)), list(seen)) == ([], [])

    confirm_correction(actor=second, correction=row)

    assert list(queries.visible_corrections(viewer)) == [row]
    (record,) = seen.all()
    assert (record.action, record.actor) == ("correction.confirmed", cast.super_admin)
    assert record.data["detail"] == (
        f"Chargeback of 1000.00 INR, DSP-2026/77: As agreed. Proposed by {cast.admin.name}"
    )
    assert list(queries.visible_corrections(Viewer(cast.api_user, "live"))) == []
    assert list(queries.visible_corrections(Viewer(cast.other_admin, "live"))) == []


def test_the_books_name_what_a_careless_update_leaves(propose, second, first, cast, fund):
    fund(cast.merchant, 100_000, mode="live")
    booked = confirm_correction(actor=second, correction=propose())
    waiting = propose("debit", 1)
    changes = (
        (booked, {"amount_minor": 1}), (booked, {"merchant": cast.other}), (booked, {"kind": "credit"}),
        (booked, {"status": "rejected"}), (waiting, {"status": "confirmed", "decided_by": cast.super_admin}),
    )
    assert_ledger_balances()
    for row, change in changes:
        with transaction.atomic():
            Correction.objects.filter(pk=row.pk).update(**change)
            changed = Correction.objects.get(pk=row.pk)
            said = f"correction {row.public_id} is {changed.status} of {changed.amount_minor}; its posting says otherwise"
            assert said in verify_books()
            transaction.set_rollback(True)
    Correction.objects.filter(pk=booked.pk).delete()
    assert f"posting correction:{booked.public_id}:book is about no correction that there is" in verify_books()


# Races ------------------------------------------------------------------------------------------------------
def _proposed(people):
    fund(people.merchant, 100_000, mode="live")
    return propose_correction(
        actor=Actor(people.admin, "panel"), merchant=people.merchant, mode="live", kind="debit",
        amount=Money(60_000, "INR"), reason="Booked twice",
    )


@pytest.mark.race
def test_many_confirm_at_once_and_it_is_booked_once(transactional_db, balances):
    people = make_cast()
    row = _proposed(people)

    def confirm(index):  # the proposer among them never wins
        user = people.admin if index % 4 == 3 else people.super_admin
        return confirm_correction(actor=Actor(user, "panel"), correction=Correction.objects.get(pk=row.pk))

    results = together(8, confirm)

    assert sum(isinstance(result, Correction) for result in results) == 1
    assert all(isinstance(result, Correction | GatewayError) for result in results), results
    assert Posting.objects.filter(kind="correction.debit").count() == 1
    assert (Correction.objects.get().decided_by, balances(people.merchant, "live")) == (
        people.super_admin, (40_000, 0, 0)
    )
    assert AuditRecord.objects.filter(action="correction.confirmed").count() == 1
    assert_ledger_balances()


@pytest.mark.race
def test_confirm_against_withdraw_and_reject_ends_one_way(transactional_db, balances):
    people = make_cast()
    row = _proposed(people)
    first, second = Actor(people.admin, "panel"), Actor(people.super_admin, "panel")
    ways = (
        lambda: confirm_correction(actor=second, correction=row),
        lambda: withdraw_correction(actor=first, correction=row, note="Wrong"),
        lambda: reject_correction(actor=second, correction=row, note="No"),
    )

    results = together(6, lambda index: ways[index % 3]())

    (won,) = [result for result in results if isinstance(result, Correction)]
    assert all(isinstance(result, Correction | IllegalTransition) for result in results), results
    row.refresh_from_db()
    booked = row.status == "confirmed"
    assert (row.status, Posting.objects.filter(kind="correction.debit").count()) == (won.status, int(booked))
    assert balances(people.merchant, "live") == (40_000 if booked else 100_000, 0, 0)
    assert_ledger_balances()


@pytest.mark.race
def test_two_enter_the_same_transfer_and_one_stays(transactional_db):
    people = make_cast()

    def enter(index):
        return propose_correction(
            actor=Actor(people.super_admin, "panel"), merchant=people.merchant, mode="live", kind="top_up",
            amount=Money(60_000, "INR"), reason="Top-up", bank_reference=UTR,
        )

    results = together(4, enter)

    assert sum(isinstance(result, Correction) for result in results) == 1
    assert all(isinstance(result, Correction | InvalidFields) for result in results), results
    assert Correction.objects.count() == 1


def test_the_other_super_admins_are_told_and_one_whom_the_proposer_just_made_confirms_nothing(
    cast, balances, propose, second
):
    notices = Notice.objects.filter(subject="A correction was proposed")
    puppet, _ = create_user(
        actor=second, email="puppet@example.com", name="Puppet", role="super_admin", password="a long enough passphrase"
    )
    row = propose(actor=second)
    assert list(notices.values_list("by", "about")) == [(cast.super_admin.pk, row.public_id)]
    before = AuditRecord.objects.count()

    with pytest.raises(OwnRecord, match="within the last day"):
        confirm_correction(actor=Actor(puppet, "panel"), correction=row)

    row.refresh_from_db()
    assert (row.status, row.decided_by, AuditRecord.objects.count()) == ("open", None, before)
    assert (balances(cast.merchant, "live"), Posting.objects.count()) == ((0, 0, 0), 0)
    propose(mode="test", bank_reference="412345678999")
    assert notices.count() == 1
    third, _ = create_user(
        actor=Actor.system("shell"), email="third@example.com", name="Third", role="super_admin",
        password="a long enough passphrase",
    )
    confirm_correction(actor=Actor(third, "panel"), correction=row)
    assert balances(cast.merchant, "live") == (100_000, 0, 0)
