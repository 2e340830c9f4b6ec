"""Four eyes above a limit: proposed by one operator, confirmed by another, booked once; and imports that race."""

from __future__ import annotations

import pytest

from accounts.actors import Actor
from accounts.models import AuditRecord
from accounts.operators import OwnRecord
from conftest import make_cast
from gateway.lib.errors import GatewayError, IllegalTransition, InvalidFields, NotFound
from gateway.lib.money import Money
from gateway.lib.racing import together
from ledger.models import Posting
from ledger.testing import assert_ledger_balances
from payments import work
from payments.errors import SecondOperatorNeeded, UtrUsed
from payments.models import MatchProposal, Payment, Statement, StatementLine
from payments.receiving import add_account
from payments.services import (
    confirm_match,
    confirm_payment,
    create_payment,
    mark_succeeded,
    propose_match,
    withdraw_match,
)
from payments.statements.deciding import assign_line
from payments.statements.importing import drive_statements, start_import, upload_statement
from payments.tests.conftest import PAYER, sheet

UTR = "412345678901"
LARGE = 5_000_001


@pytest.fixture
def first(cast):
    return Actor(cast.admin, "panel")


@pytest.fixture
def second(cast):
    return Actor(cast.super_admin, "panel")


def test_two_operators_book_a_large_payment(by_hand, claimed, first, second, balances, cast):
    by_hand()
    payment = claimed(LARGE)
    with pytest.raises(SecondOperatorNeeded):
        mark_succeeded(actor=first, payment=payment, utr=UTR)
    proposal = propose_match(actor=first, payment=payment, utr=UTR)
    with pytest.raises(SecondOperatorNeeded):
        confirm_match(actor=first, proposal=proposal)
    payment.refresh_from_db()
    assert (payment.status, balances(cast.merchant, "live")) == ("processing", (0, 0, 0))

    confirm_match(actor=second, proposal=proposal)

    payment.refresh_from_db()
    proposal.refresh_from_db()
    assert (payment.status, payment.utr, proposal.status) == ("succeeded", UTR, "confirmed")
    with pytest.raises(IllegalTransition):
        confirm_match(actor=second, proposal=proposal)
    actions = set(AuditRecord.objects.filter(target=payment.public_id).values_list("action", flat=True))
    assert {"payment.match_proposed", "payment.match_confirmed"} <= actions
    assert_ledger_balances()


@pytest.mark.parametrize(("minor", "received"), [(5_000_000, None), (100_000, 5_000_000)])
def test_up_to_the_limit_one_is_enough(by_hand, claimed, first, minor, received):
    by_hand()
    payment = mark_succeeded(
        actor=first, payment=claimed(minor), utr=UTR, received=Money(received, "INR") if received else None
    )
    assert payment.status == "succeeded"


def test_what_was_received_counts_as_well(by_hand, claimed, first):
    by_hand()
    with pytest.raises(SecondOperatorNeeded):
        mark_succeeded(actor=first, payment=claimed(), utr=UTR, received=Money(LARGE, "INR"))


def test_the_limit_can_be_off_and_does_not_touch_test_mode(by_hand, claimed, make, first, settings):
    by_hand()
    assert mark_succeeded(actor=first, payment=make(LARGE), utr=UTR).status == "succeeded"
    settings.MATCH_SECOND_APPROVAL_ABOVE = None
    assert mark_succeeded(actor=first, payment=claimed(LARGE), utr=UTR).status == "succeeded"


def test_the_creator_neither_proposes_nor_confirms(by_hand, claimed, first, second, cast):
    by_hand()
    payment = claimed(LARGE, created_by=cast.super_admin)
    with pytest.raises(OwnRecord):
        propose_match(actor=second, payment=payment, utr=UTR)
    proposal = propose_match(actor=first, payment=payment, utr=UTR)
    with pytest.raises(OwnRecord):
        confirm_match(actor=second, proposal=proposal)
    with pytest.raises(NotFound):
        confirm_match(actor=Actor(cast.other_admin, "panel"), proposal=proposal)
    payment.refresh_from_db()
    assert payment.status == "processing"


def test_one_open_proposal_and_it_can_be_withdrawn(by_hand, claimed, first, second):
    by_hand()
    payment = claimed(LARGE)
    proposal = propose_match(actor=first, payment=payment, utr=UTR)
    with pytest.raises(IllegalTransition):
        propose_match(actor=second, payment=payment, utr="512345678901")
    with pytest.raises(InvalidFields):
        withdraw_match(actor=first, proposal=proposal, note="")
    withdraw_match(actor=first, proposal=proposal, note="Wrong line")
    with pytest.raises(IllegalTransition):
        confirm_match(actor=second, proposal=proposal)

    assert propose_match(actor=second, payment=payment, utr="512345678901").status == "open"
    payment.refresh_from_db()
    assert payment.status == "processing"


def test_a_utr_that_was_used_meanwhile_books_nothing(by_hand, claimed, first, second):
    by_hand()
    payment, small = claimed(LARGE), claimed()
    proposal = propose_match(actor=first, payment=payment, utr=UTR)
    mark_succeeded(actor=first, payment=small, utr=UTR)

    with pytest.raises(UtrUsed):
        confirm_match(actor=second, proposal=proposal)

    payment.refresh_from_db()
    proposal.refresh_from_db()
    assert (payment.status, proposal.status) == ("processing", "open")
    assert_ledger_balances()


def test_a_large_credit_is_assigned_by_two(by_hand, claimed, bring, first, second):
    account, payment = by_hand(), claimed(LARGE)
    bring(account, (UTR, "50000.01"))
    line = StatementLine.objects.get()

    proposal = assign_line(actor=first, line=line, payment=payment)
    line.refresh_from_db()
    assert (proposal.line, proposal.received_minor, line.status) == (line, LARGE, "unmatched")
    confirm_match(actor=second, proposal=proposal)

    line.refresh_from_db()
    payment.refresh_from_db()
    assert (line.payment, line.how, payment.status) == (payment, "operator", "succeeded")
    assert_ledger_balances()


def test_a_statement_needs_no_second_operator(by_hand, claimed, bring):
    account, payment = by_hand(), claimed(LARGE, utr=UTR)
    bring(account, (UTR, "50000.01"))
    payment.refresh_from_db()
    assert payment.status == "succeeded"


# Races ------------------------------------------------------------------------------------------------------
@pytest.fixture
def scene(settings, transactional_db):
    """A cast, an account and a maker of claimed payments, for real transactions."""
    settings.LIVE_PAYMENT_PROVIDER = "manual_upi"
    cast = make_cast()
    account = add_account(
        actor=Actor(cast.super_admin, "tests"), mode="live", vpa="shop@okbank", bank_name="OK Bank", holder="Chai"
    )

    def claimed(minor, utr, reference):
        payment = create_payment(
            actor=PAYER, merchant=cast.merchant, mode="live", contract="portal", amount=Money(minor, "INR"),
            reference=reference,
        )
        confirm_payment(actor=PAYER, payment=payment, utr=utr)
        work.drive_payments()
        payment.refresh_from_db()
        return payment

    return cast, account, claimed


@pytest.mark.race
def test_many_confirm_at_once_and_it_is_booked_once(scene):
    cast, _, claimed = scene
    payment = claimed(LARGE, "", "RACE-1")
    proposal = propose_match(actor=Actor(cast.admin, "panel"), payment=payment, utr=UTR)

    def confirm(index):
        # The proposer among them never wins.
        user = cast.admin if index % 2 else cast.super_admin
        return confirm_match(actor=Actor(user, "panel"), proposal=MatchProposal.objects.get(pk=proposal.pk))

    results = together(8, confirm)

    assert sum(isinstance(result, Payment) for result in results) == 1
    assert all(isinstance(result, Payment | GatewayError) for result in results)
    assert MatchProposal.objects.get().decided_by == cast.super_admin
    assert Posting.objects.filter(reference=f"payment:{payment.public_id}:capture").count() == 1
    assert_ledger_balances()


@pytest.mark.race
def test_the_same_file_imported_by_many_while_operators_approve_credits_once(scene):
    """Four workers with the same file twice over, and two operators who approve two of the payments by hand."""
    cast, account, claimed = scene
    payments = [claimed(100_000, f"41234567890{number}", f"RACE-{number}") for number in range(4)]
    operator = Actor(cast.super_admin, "tests")
    content = sheet(*[(f"41234567890{number}", "1000.00") for number in range(4)])
    for _ in range(4):
        row = upload_statement(actor=operator, account=account, name="x.csv", content=content)
        start_import(actor=operator, statement=row)

    def act(index):
        if index < 4:
            return drive_statements(1)
        return mark_succeeded(actor=operator, payment=payments[index - 4], utr=f"41234567890{index - 4}")

    results = together(6, act)
    drive_statements()

    assert all(isinstance(result, int | Payment | GatewayError) for result in results), results
    assert StatementLine.objects.count() == 4
    assert sum(Statement.objects.values_list("new", flat=True)) == 4
    assert set(Statement.objects.values_list("status", flat=True)) == {"imported"}
    assert set(Payment.objects.values_list("status", flat=True)) == {"succeeded"}
    assert Posting.objects.filter(kind="payment.capture").count() == 4
    assert StatementLine.objects.filter(status="matched").count() == 4
    assert_ledger_balances()


@pytest.mark.race
def test_one_credit_assigned_to_two_payments_at_once_pays_one(scene):
    cast, account, claimed = scene
    payments = [claimed(100_000, "", f"RACE-{number}") for number in range(2)]
    operator = Actor(cast.super_admin, "tests")
    row = upload_statement(actor=operator, account=account, name="x.csv", content=sheet((UTR, "1000.00")))
    start_import(actor=operator, statement=row)
    drive_statements()
    line = StatementLine.objects.get()

    results = together(8, lambda index: assign_line(actor=operator, line=line, payment=payments[index % 2]))

    assert sum(result is None for result in results) == 1
    assert all(result is None or isinstance(result, GatewayError) for result in results)
    assert Payment.objects.filter(status="succeeded").count() == 1
    assert_ledger_balances()
