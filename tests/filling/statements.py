"""Live payments by UPI to the house's own accounts, and the bank's statements about them."""

from __future__ import annotations

from unittest import mock

from django.utils import timezone

from accounts.actors import Actor
from gateway.lib.money import Money
from payments import work
from payments.models import StatementLine
from payments.receiving import add_account, switch_account
from payments.receiving.queries import INDIA
from payments.services import (
    confirm_payment,
    create_order,
    create_refund,
    mark_succeeded,
    outcomes,
    pay_order,
    propose_match,
)
from payments.statements.deciding import ignore_line
from payments.statements.importing import drive_statements, start_import, upload_statement
from tests.filling.rupees import PAGE, _payment

KNOWN, LOOSE, NEAR, INTEREST, LARGE = "412345678901", "512345678901", "612345678901", "712345678901", "812345678901"


def fill(people, filled):
    actor = Actor(people.super_admin, "panel")
    account = add_account(actor=actor, mode="live", vpa="chaipoint@okbank", bank_name="OK Bank",
                          holder="Chai Point Traders", daily_limit=Money(5_00_000_00, "INR"))
    spare = add_account(actor=actor, mode="live", vpa="chaipoint.reserve@okbank", bank_name="OK Bank",
                        holder="Chai Point Traders", daily_limit=None)
    switch_account(actor=actor, account=spare, on=False)
    filled.put("receiving-edit", "receiving-switch", at=account.public_id, mode="live")
    paid, large = _claimed(people, 1_000_00, KNOWN), _claimed(people, 75_000_00, "")
    _claimed(people, 250_00, "612345678910")
    _booked_nowhere(people, filled)
    _imported(people, account)
    _draft(people, filled, account)
    _lines(people, filled)
    _decisions(people, filled, paid, large)
    for name in ("receiving", "receiving-new", "statements", "statement-new", "statement-lines"):
        filled.put(name, mode="live")


def _claimed(people, minor, utr):
    payment = _payment(people, minor, mode="live")
    confirm_payment(actor=PAGE, payment=payment, utr=utr)
    work.drive_payments()
    return payment


def _booked_nowhere(people, filled):
    """Proven by a person under older code, which captured such money only when it was asked to."""
    order = create_order(
        actor=PAGE, merchant=people.merchant, mode="live", contract="checkout", amount=Money(640_00, "INR"),
        manual_capture=True,
    )
    payment = pay_order(actor=PAGE, order=order, contract="checkout", method="upi", vpa="jyoti@okbank")
    work.drive_payments()
    with mock.patch.object(outcomes, "capture_if_wanted"):
        mark_succeeded(actor=Actor(people.admin, "panel"), payment=payment, utr="912345678901")
    filled.put("payment-capture", at=payment.public_id, mode="live")


def _file(*rows):
    day = f"{timezone.localdate(timezone=INDIA):%d/%m/%Y}"
    lines = [f"{day},UPI/{utr}/{who},{utr},,{rupees}" for utr, rupees, who in rows]
    return "\n".join(["Txn Date,Description,Ref No,Withdrawal,Deposit", *lines, f"{day},RENT,,9000.00,"]).encode()


def _imported(people, account):
    content = _file((KNOWN, "1000.00", "ASHA"), (LOOSE, "7300.00", "RAVI TRADERS"), (NEAR, "250.00", "JYOTI"),
                    (INTEREST, "41.20", "INTEREST"))
    actor = Actor(people.admin, "panel")
    statement = upload_statement(actor=actor, account=account, name="okbank-november.csv", content=content)
    start_import(actor=actor, statement=statement)
    drive_statements()
    return statement


def _draft(people, filled, account):
    content = _file((LARGE, "1840.00", "IMRAN"), (LOOSE, "7300.00", "RAVI TRADERS"))
    actor = Actor(people.admin, "panel")
    statement = upload_statement(actor=actor, account=account, name="okbank-december.csv", content=content)
    filled.put("statement", "statement-import", "statement-discard", at=statement.public_id, mode="live")


def _lines(people, filled):
    near, interest = (StatementLine.objects.get(utr=utr) for utr in (NEAR, INTEREST))
    ignore_line(actor=Actor(people.admin, "panel"), line=interest, note="Interest of the bank")
    open_ones = ("statement-line", "statement-line-assign", "statement-line-return", "statement-line-ignore")
    filled.put(*open_ones, at=near.public_id, mode="live")
    filled.put("statement-line-reopen", at=interest.public_id, mode="live")


def _decisions(people, filled, paid, large):
    """A proposal that waits for a second operator, and a refund that is sent by hand."""
    proposal = propose_match(actor=Actor(people.admin, "panel"), payment=large, utr=LARGE)
    filled.put("match-confirm", "match-withdraw", at=proposal.public_id, mode="live")
    paid.refresh_from_db()
    refund = create_refund(actor=Actor(people.merchant_user, "panel"), payment=paid, amount=Money(200_00, "INR"),
                           reason="Half of it was cold", created_by=people.merchant_user)
    work.drive_payments()
    filled.put("refund-resolve", at=refund.public_id, mode="live")
    filled.hosted["payment by UPI"] = f"/pay/{_payment(people, 480_00, mode='live').page_token}"
    filled.hosted["payment claimed"] = f"/pay/{large.page_token}"
