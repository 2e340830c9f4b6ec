"""What a bank statement does to payments: booked once, whatever is imported, in whatever order."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.utils import timezone

from accounts.actors import Actor
from gateway.contracts.checkout import answers as checkout_answers
from gateway.contracts.portal import answers as portal_answers
from gateway.contracts.portal import events as portal_events
from gateway.lib.errors import InvalidFields, NotAllowed
from ledger.testing import assert_ledger_balances
from ledger.verify import verify_books
from payments import work
from payments.errors import LineTaken, UtrUsed
from payments.models import Payment, Statement, StatementLine
from payments.services import confirm_payment, mark_failed, mark_succeeded
from payments.services.outcomes import expire
from payments.statements.deciding import assign_line, ignore_line, mark_refundable, reopen_line
from payments.statements.importing import drive_statements, start_import, upload_statement
from payments.statements.matching import match_waiting
from payments.statements.near import is_near, suggestions
from payments.statements.preview import preview
from payments.tests.conftest import PAYER, sheet

UTR = "412345678901"


@pytest.fixture
def operator(cast):
    return Actor(cast.super_admin, "panel")


def only_line():
    return StatementLine.objects.get()


def test_another_amount_that_an_operator_takes_is_told_as_what_was_received(by_hand, claimed, bring, operator, balances, cast):
    account, payment = by_hand(), claimed(100_000, utr=UTR)
    bring(account, (UTR, "400.00"))

    assign_line(actor=operator, line=only_line(), payment=payment)

    payment = Payment.objects.select_related("order", "merchant").get(pk=payment.pk)
    assert (payment.status, payment.amount_minor, payment.received_minor) == ("succeeded", 100_000, 40_000)
    fee = payment.fee_minor
    assert balances(cast.merchant, "live") == (40_000 - fee, 0, 0)
    told, said = portal_answers.payment(payment), portal_events.render("payment.succeeded", payment)[1]
    assert (told["amount"], told["net_amount"], said["amount"]) == (400, (40_000 - fee) / 100, 400)
    assert checkout_answers.payment(payment)["amount"] == 40_000
    shown = checkout_answers.razorpay(payment.order)
    assert (shown["amount_paid"], shown["amount_due"]) == (40_000, 60_000)


def test_a_line_with_utr_and_amount_approves_its_payment(by_hand, claimed, bring, balances, cast):
    account, payment = by_hand(), claimed(utr=UTR)
    assert (payment.status, payment.due_at, payment.receiving_account) == ("processing", None, account.vpa)

    statement = bring(account, (UTR, "1,000.00"))

    payment.refresh_from_db()
    line = only_line()
    assert (payment.status, payment.utr, payment.comments) == ("succeeded", UTR, "Auto Approved")
    assert (line.status, line.how, line.payment) == ("matched", "auto", payment)
    assert (statement.status, statement.new, statement.compared, statement.percent) == ("imported", 1, 1, 100)
    assert balances(cast.merchant, "live") == (payment.net.minor, 0, 0)
    assert_ledger_balances()


def test_twice_the_same_file_and_an_overlapping_one_bring_nothing_new(by_hand, claimed, bring, balances, cast):
    account, payment = by_hand(), claimed(utr=UTR)
    bring(account, (UTR, "1000.00"))

    again = bring(account, (UTR, "1000.00"))
    wider = bring(account, (UTR, "1000.00"), ("512345678901", "20.00"))

    payment.refresh_from_db()
    assert (again.new, again.duplicates) == (0, 1)
    assert (wider.new, wider.duplicates) == (1, 1)
    assert balances(cast.merchant, "live") == (payment.net.minor, 0, 0)
    assert_ledger_balances()


def test_identical_lines_of_one_file_are_as_many_credits(by_hand, bring):
    account = by_hand()
    first = bring(account, ("", "5.00"), ("", "5.00"))
    second = bring(account, ("", "5.00"), ("", "5.00"), ("", "5.00"))

    assert (first.new, second.new, second.duplicates) == (2, 1, 2)


def test_an_operator_was_quicker_than_the_statement(by_hand, claimed, bring, operator):
    account, payment = by_hand(), claimed()
    mark_succeeded(actor=operator, payment=payment, utr=UTR)

    bring(account, (UTR, "1000.00"))

    line = only_line()
    payment.refresh_from_db()
    assert (line.status, line.how, line.payment) == ("matched", "attached", payment)
    assert payment.comments == "Approved by an operator"
    assert_ledger_balances()


def test_a_payer_who_confirms_after_the_statement_matches_at_once(by_hand, make, bring):
    account, payment = by_hand(), make(mode="live")
    bring(account, (UTR, "1000.00"))
    assert only_line().status == "unmatched"

    confirm_payment(actor=PAYER, payment=payment, utr=UTR)
    work.drive_payments()

    payment.refresh_from_db()
    assert (payment.status, payment.comments, only_line().payment) == ("succeeded", "Auto Approved", payment)
    assert_ledger_balances()


def test_an_operator_who_approves_after_the_statement_takes_its_line(by_hand, claimed, bring, operator):
    account, payment = by_hand(), claimed()
    bring(account, (UTR, "1000.00"))

    mark_succeeded(actor=operator, payment=payment, utr=UTR)

    assert (only_line().how, only_line().payment) == ("attached", payment)
    assert_ledger_balances()


def test_a_payment_that_expired_is_booked_and_flagged_as_late(by_hand, make, bring, due_again):
    account, payment = by_hand(), make(mode="live")
    Payment.objects.filter(pk=payment.pk).update(claimed_utr=UTR, expires_at=payment.created_at - timedelta(minutes=1))
    payment.refresh_from_db()
    assert expire(actor=PAYER, payment=payment)

    bring(account, (UTR, "1000.00"))

    payment.refresh_from_db()
    assert (payment.status, payment.flag, payment.comments) == ("succeeded", "late_success", "Auto Approved")
    assert_ledger_balances()


@pytest.mark.parametrize(
    ("utr", "rupees", "said"),
    [
        ("412345678910", "1000.00", "differs in one place"),  # neighbours exchanged
        ("412345678902", "1000.00", "differs in one place"),
        (UTR, "999.00", "another amount"),
    ],
)
def test_a_near_miss_changes_nothing_and_is_offered(by_hand, claimed, bring, operator, viewer_of, cast, utr, rupees, said):
    account, payment = by_hand(), claimed(utr=UTR)

    bring(account, (utr, rupees))

    payment.refresh_from_db()
    assert (payment.status, only_line().status) == ("processing", "unmatched")
    found = suggestions(only_line(), viewer_of(cast.super_admin, "live"))
    assert [one.payment for one in found] == [payment]
    assert said in found[0].reason
    assert found[0].assignable

    assign_line(actor=operator, line=only_line(), payment=payment)

    payment.refresh_from_db()
    assert (payment.status, payment.utr, payment.received_minor) == ("succeeded", utr, only_line().amount_minor)
    assert_ledger_balances()


def test_two_payers_who_claim_one_utr_are_left_to_a_person(by_hand, claimed, bring, operator):
    account, honest, other = by_hand(), claimed(utr=UTR), claimed(utr=UTR)

    bring(account, (UTR, "1000.00"))
    assert only_line().status == "unmatched"

    assign_line(actor=operator, line=only_line(), payment=honest)

    honest.refresh_from_db()
    other.refresh_from_db()
    assert (honest.status, other.status) == ("succeeded", "processing")
    with pytest.raises(UtrUsed):
        mark_succeeded(actor=operator, payment=other, utr=UTR)
    assert_ledger_balances()


def test_a_credit_older_than_the_payment_is_not_its_money(by_hand, claimed, bring):
    account, payment = by_hand(), claimed(utr=UTR)

    bring(account, ["01/02/2026", f"UPI/{UTR}", UTR, "", "1000.00"])

    payment.refresh_from_db()
    assert (payment.status, only_line().status) == ("processing", "unmatched")


def test_paid_twice_is_said_and_cannot_be_assigned(by_hand, claimed, bring, operator, viewer_of, cast):
    account, payment = by_hand(), claimed(utr=UTR)
    bring(account, (UTR, "1000.00"))

    bring(account, (UTR, "1000.00"), (UTR, "1000.00"))

    second = StatementLine.objects.get(status="unmatched")
    (found,) = suggestions(second, viewer_of(cast.super_admin, "live"))
    assert ("the bank shows it twice" in found.reason, found.assignable) == (True, False)
    with pytest.raises(LineTaken):
        assign_line(actor=operator, line=second, payment=payment)
    assert mark_refundable(actor=operator, line=second, note="Return by NEFT").status == "refundable"
    assert_ledger_balances()


def test_a_line_is_put_aside_and_comes_back(by_hand, bring, operator, cast, claimed):
    payment = claimed() if by_hand() else None
    account = by_hand("two@okbank")
    bring(account, (UTR, "7.00"))
    line = only_line()

    with pytest.raises(InvalidFields):
        ignore_line(actor=operator, line=line, note=" ")
    with pytest.raises(NotAllowed):
        ignore_line(actor=Actor(cast.merchant_user, "panel"), line=line, note="mine")
    assert only_line().status == "unmatched"
    ignore_line(actor=operator, line=line, note="Interest")
    with pytest.raises(LineTaken):
        assign_line(actor=operator, line=line, payment=payment)
    reopen_line(actor=operator, line=line, note="It is not")
    with pytest.raises(InvalidFields, match="another account"):
        assign_line(actor=operator, line=line, payment=payment)
    payment.refresh_from_db()
    assert payment.status == "processing"


def test_a_rejected_payment_whose_money_came_is_booked_late(by_hand, claimed, bring, operator):
    account, payment = by_hand(), claimed(utr=UTR)
    mark_failed(actor=operator, payment=payment, reason="not on the statement")

    bring(account, (UTR, "1000.00"))

    payment.refresh_from_db()
    assert (payment.status, payment.flag) == ("succeeded", "late_success")
    assert_ledger_balances()


def test_the_sweep_finds_what_fell_between(by_hand, claimed, bring, operator):
    """A claim that became known while the line was being imported."""
    account, payment = by_hand(), claimed()
    bring(account, (UTR, "1000.00"))
    Payment.objects.filter(pk=payment.pk).update(claimed_utr=UTR)

    assert match_waiting() == 1
    assert match_waiting() == 0

    payment.refresh_from_db()
    assert payment.status == "succeeded"
    assert_ledger_balances()


def test_debits_and_unclear_rows_are_counted_and_credit_nothing(by_hand, bring):
    statement = bring(
        by_hand(), ["21/11/2025", "RENT", "", "500.00", ""], ["??", "X", "", "", "5.00"],
        ["21/11/2025", "X", "", "", "1234,5"], ["", "Closing balance", "", "", ""], (UTR, "1.00"),
    )

    assert (statement.debits, statement.problems, statement.new, statement.total) == (1, 2, 1, 1)


def test_a_test_mode_statement_for_practice(by_hand, confirmed, bring, settings):
    """The sandbox's own UPI id, registered in test mode: nothing of live mode is touched."""
    account = by_hand(settings.PAYEE_VPA, mode="test")
    payment = confirmed(vpa="pending@upi")
    Payment.objects.filter(pk=payment.pk).update(claimed_utr=UTR)

    bring(account, (UTR, "1000.00"))

    payment.refresh_from_db()
    assert (payment.status, only_line().payment) == ("succeeded", payment)
    assert_ledger_balances()


def test_the_books_notice_a_line_that_says_something_else(by_hand, claimed, bring):
    account, payment = by_hand(), claimed(utr=UTR)
    bring(account, (UTR, "1000.00"))
    assert verify_books() == []

    StatementLine.objects.update(amount_minor=1)
    assert len(verify_books()) == 1
    StatementLine.objects.update(status="unmatched", payment=None)
    assert verify_books() == [f"payment {payment.public_id} was approved by a statement, and has no line of one"]


def test_ten_thousand_lines_and_again(by_hand, claimed, bring):
    """Counts only; docs/manual_upi.md has the time."""
    account, payments = by_hand(), [claimed(utr=f"7{number:011d}") for number in range(5)]
    rows = [(f"7{number:011d}", "1000.00") for number in range(10_000)]

    first = bring(account, *rows)
    second = bring(account, *rows)

    assert (first.new, first.duplicates, second.new, second.duplicates) == (10_000, 0, 0, 10_000)
    assert StatementLine.objects.filter(status="matched").count() == len(payments)


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "America/Los_Angeles"])
def test_the_worker_reads_what_the_preview_showed(by_hand, operator, zone):
    """Before dawn in India it is still yesterday in UTC; a credit has the value date of the next bank day."""
    content = b"Date,Narration,UTR,Debit,Credit\n24/11/2026,UPI,412345678901,,1000.00\n"
    statement = upload_statement(actor=operator, account=by_hand(), name="night.csv", content=content)
    Statement.objects.update(created_at=datetime(2026, 11, 22, 20, 30, tzinfo=UTC))  # 02:00 on the 23rd in India
    statement.refresh_from_db()

    with timezone.override(zone):  # as the panel does for its reader
        seen = preview(statement)
        start_import(actor=operator, statement=statement)
    drive_statements()

    statement.refresh_from_db()
    assert (seen.new, seen.problem_count, seen.credited_minor) == (1, 0, 100_000)
    assert (statement.status, statement.total, statement.stored, statement.problems) == ("imported", 1, 1, 0)
    assert (only_line().day, only_line().amount_minor) == (date(2026, 11, 24), 100_000)


def test_only_operators_bring_statements(by_hand, cast):
    account = by_hand()
    with pytest.raises(NotAllowed):
        upload_statement(actor=Actor(cast.merchant_user, "panel"), account=account, name="x.csv", content=sheet((UTR, "1.00")))
    made = upload_statement(actor=Actor(cast.admin, "panel"), account=account, name="x.csv", content=sheet((UTR, "1.00")))
    with pytest.raises(NotAllowed):
        start_import(actor=Actor(cast.merchant_user, "panel"), statement=made)

    assert [row.status for row in Statement.objects.all()] == ["uploaded"]
    assert not StatementLine.objects.exists()


def test_near_is_one_mistake():
    assert is_near("123456", "123465")
    assert is_near("123456", "12345")
    assert is_near("123456", "1234567")
    assert is_near("123456", "123455")
    assert not is_near("123456", "123456")
    assert not is_near("123456", "124365")
    assert not is_near("", "1")
    assert not is_near("123456", "321456")
