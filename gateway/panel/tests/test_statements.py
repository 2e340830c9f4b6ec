"""Receiving accounts and bank statements in the panel, without script."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from accounts.actors import Actor
from accounts.models import AuditRecord
from gateway.lib.money import Money
from ledger.testing import assert_ledger_balances
from payments import work
from payments.models import MatchProposal, Payment, ReceivingAccount, Statement, StatementFormat, StatementLine
from payments.receiving import add_account
from payments.receiving.queries import INDIA
from payments.services import confirm_payment, create_payment
from payments.statements.importing import drive_statements

UTR = "412345678901"


@pytest.fixture
def account(cast, settings):
    settings.LIVE_PAYMENT_PROVIDER = "manual_upi"
    return add_account(
        actor=Actor(cast.super_admin, "tests"), mode="live", vpa="shop@okbank", bank_name="OK Bank",
        holder="Chai Point Pvt Ltd", daily_limit=Money(50_000_000, "INR"),
    )


@pytest.fixture
def claimed(cast, account):
    def claimed(minor=100_000, utr="", reference="ORDER-1"):
        payment = create_payment(
            actor=Actor(None, "tests"), merchant=cast.merchant, mode="live", contract="portal", amount=Money(minor, "INR"),
            reference=reference, created_by=cast.merchant_user,
        )
        confirm_payment(actor=Actor.system("payment page"), payment=payment, utr=utr)
        work.drive_payments()
        return payment

    return claimed


@pytest.fixture
def operator(cast, signed_in):
    return signed_in(cast.admin, mode="live")


def file(*rows, head="Txn Date,Description,Ref,Withdrawal,Deposit", name="okbank.csv"):
    day = f"{timezone.localdate(timezone=INDIA):%d/%m/%Y}"
    lines = [head, *(f"{day},UPI/{utr}/PAY,{utr},,{rupees}" for utr, rupees in rows)]
    return SimpleUploadedFile(name, "\n".join(lines).encode())


def url(name, *args):
    return reverse(f"panel:{name}", args=args)


MAPPING = {
    "day": "Txn Date", "credit": "Deposit", "debit": "Withdrawal", "utr": "Ref", "narration": "Description",
    "day_format": "DD/MM/YYYY", "decimals": ".", "save_as": "OK Bank",
}


def test_the_whole_story_without_script(operator, account, claimed, cast):
    payment, other = claimed(utr=UTR), claimed(utr="", reference="ORDER-2", minor=25_000)

    sent = operator.post(url("statement-new"), {"account": account.public_id, "file": file((UTR, "1000.00"), ("512345678901", "250.00"))})
    statement = Statement.objects.get()
    assert sent["Location"] == url("statement", statement.public_id)
    assert operator.post(sent["Location"], MAPPING).status_code == 302
    draft = operator.get(sent["Location"]).content.decode()
    assert "Nothing of this counts yet." in draft
    assert payment.public_id in draft
    assert not StatementLine.objects.exists()
    assert StatementFormat.objects.get().mapping["credit"] == "Deposit"

    assert operator.post(url("statement-import", statement.public_id)).status_code == 302
    moving = operator.get(sent["Location"]).content.decode()
    assert 'hx-trigger="every 1s"' in moving
    drive_statements()
    ended = operator.get(sent["Location"]).content.decode()
    assert 'hx-trigger="every 1s"' not in ended

    payment.refresh_from_db()
    assert (payment.status, payment.comments) == ("succeeded", "Auto Approved")
    queue = operator.get(url("statement-lines")).content.decode()
    assert ("512345678901" in queue, UTR in queue) == (True, False)
    line = StatementLine.objects.get(status="unmatched")
    page = operator.get(url("statement-line", line.public_id)).content.decode()
    assert "Same amount, and the payer gave no UTR" in page
    assert operator.post(url("statement-line-assign", line.public_id), {"payment": "ORDER-2"}).status_code == 302
    other.refresh_from_db()
    assert (other.status, other.utr) == ("succeeded", "512345678901")
    assert_ledger_balances()


def test_a_mapping_mistake_is_shown_beside_its_field_and_changes_nothing(operator, account):
    operator.post(url("statement-new"), {"account": account.public_id, "file": file((UTR, "1000.00"))})
    statement = Statement.objects.get()
    before = statement.mapping

    answer = operator.post(url("statement", statement.public_id), MAPPING | {"credit": "", "utr_pattern": "(a"})

    statement.refresh_from_db()
    assert answer.status_code == 422
    assert "Is not a regular expression" in answer.content.decode()
    assert (statement.mapping, StatementFormat.objects.count()) == (before, 0)


def test_what_is_no_table_is_refused_with_its_reason(operator, account):
    answer = operator.post(url("statement-new"), {"account": account.public_id, "file": SimpleUploadedFile("x.pdf", b"%PDF-1.7")})

    assert answer.status_code == 422
    assert "This is a PDF" in answer.content.decode()
    assert not Statement.objects.exists()


def test_lines_are_put_aside_and_back(operator, account):
    operator.post(url("statement-new"), {"account": account.public_id, "file": file((UTR, "7.00"), head="Date,Narration,UTR,Debit,Credit")})
    statement = Statement.objects.get()
    operator.post(url("statement-import", statement.public_id))
    drive_statements()
    line = StatementLine.objects.get()
    assert '<span class="rail-count">1<' in operator.get(url("overview")).content.decode()

    assert operator.post(url("statement-line-return", line.public_id), {"note": ""}).status_code == 422
    for step, status in (("return", "refundable"), ("reopen", "unmatched"), ("ignore", "ignored")):
        assert operator.post(url(f"statement-line-{step}", line.public_id), {"note": "so"}).status_code == 302
        line.refresh_from_db()
        assert line.status == status
    assert "so" in operator.get(url("statement-lines") + "?status=ignored").content.decode()


def test_a_proposal_is_not_called_a_success_when_it_is_the_received_amount_that_needs_two(operator, claimed):
    payment = claimed(100_000)

    answer = operator.post(url("payment-succeeded", payment.public_id), {"utr": UTR, "received": "60000.00"}, follow=True)

    assert MatchProposal.objects.get().status == "open"
    page = answer.content.decode()
    assert f"{payment.public_id} waits for a second operator." in page
    assert f"{payment.public_id} is marked as succeeded." not in page


def test_four_eyes_on_the_payment_page(operator, signed_in, claimed, cast):
    payment = claimed(6_000_000)

    assert operator.post(url("payment-succeeded", payment.public_id), {"utr": UTR}).status_code == 302
    payment.refresh_from_db()
    proposal = MatchProposal.objects.get()
    assert (payment.status, proposal.status) == ("processing", "open")
    page = operator.get(url("payment", payment.public_id)).content.decode()
    assert "when a second operator confirms it" in page
    assert url("match-confirm", proposal.public_id) not in page
    assert operator.post(url("match-confirm", proposal.public_id)).status_code == 422

    second = signed_in(cast.super_admin, mode="live")
    assert url("match-confirm", proposal.public_id) in second.get(url("statements")).content.decode()
    assert second.post(url("match-confirm", proposal.public_id)).status_code == 302
    payment.refresh_from_db()
    assert payment.status == "succeeded"
    assert_ledger_balances()


def test_a_refund_by_hand_is_ended_by_another_operator(operator, signed_in, claimed, cast):
    payment = claimed()
    operator.post(url("payment-succeeded", payment.public_id), {"utr": UTR})
    operator.post(url("payment-refund", payment.public_id), {"amount": "900.00", "once": "x"})
    work.drive_refunds()
    refund = payment.refunds.get()
    assert (refund.status, refund.due_at) == ("pending", None)
    assert "can read your note" in operator.get(url("refund-resolve", refund.public_id)).content.decode()

    said = {"paid": "yes", "note": "NEFT"}
    assert operator.post(url("refund-resolve", refund.public_id), said).status_code == 422  # its own
    assert signed_in(cast.super_admin, mode="live").post(url("refund-resolve", refund.public_id), said).status_code == 302

    refund.refresh_from_db()
    assert refund.status == "processed"
    assert_ledger_balances()


def test_receiving_accounts_are_added_changed_and_switched(operator):
    values = {"vpa": "New@okbank", "bank_name": "OK Bank", "holder": "Chai", "daily_limit": "1000.00"}
    assert operator.post(url("receiving-new"), values).status_code == 302
    row = ReceivingAccount.objects.get()
    assert (row.vpa, row.mode, row.daily_limit_minor) == ("new@okbank", "live", 100_000)
    assert "Is registered already" in operator.post(url("receiving-new"), values).content.decode()
    assert operator.post(url("receiving-edit", row.public_id), values | {"daily_limit": "", "holder": "Chai Point"}).status_code == 302
    assert operator.post(url("receiving-switch", row.public_id)).status_code == 302

    row.refresh_from_db()
    assert (row.active, row.daily_limit_minor, row.holder) == (False, None, "Chai Point")
    assert "shop" not in operator.get(url("receiving")).content.decode()


def test_two_operators_who_switch_an_account_off_do_not_switch_it_on(cast, signed_in, operator, account):
    page, colleague = url("receiving-switch", account.public_id), signed_in(cast.super_admin, mode="live")
    dialogs = [(client, client.get(page).context["form"]["on"].value()) for client in (operator, colleague)]

    answers = [client.post(page, {"on": on}, follow=True).content.decode() for client, on in dialogs]

    account.refresh_from_db()
    assert [on for _, on in dialogs] == [False, False]
    assert account.active is False
    assert all("shop@okbank is off." in answer for answer in answers)
    actions = AuditRecord.objects.filter(target=account.public_id).order_by("id").values_list("action", flat=True)
    assert list(actions) == ["receiving.added", "receiving.switched_off"]
    assert operator.get(page).context["form"]["on"].value() is True


@pytest.mark.parametrize("name", ["statements", "statement-new", "statement-lines", "receiving", "receiving-new"])
def test_merchants_see_none_of_it(cast, signed_in, name):
    assert signed_in(cast.merchant_user).get(url(name)).status_code == 404
    assert signed_in(cast.api_user).get(url(name)).status_code == 404
    assert signed_in(cast.admin).get(url(name)).status_code == 200


def test_a_payment_of_another_team_is_not_shown(cast, signed_in, operator, account, claimed):
    claimed(utr=UTR)
    stranger = signed_in(cast.other_admin, mode="live")
    stranger.post(url("statement-new"), {"account": account.public_id, "file": file((UTR, "1000.00"), head="Date,Narration,UTR,Debit,Credit")})
    statement = Statement.objects.get()
    payment = Payment.objects.get()

    assert payment.public_id not in stranger.get(url("statement", statement.public_id)).content.decode()
    stranger.post(url("statement-import", statement.public_id))
    drive_statements()
    line = StatementLine.objects.get()

    assert line.payment == payment
    assert payment.public_id not in stranger.get(url("statement", statement.public_id)).content.decode()
    assert "of another team" in stranger.get(url("statement-line", line.public_id)).content.decode()
