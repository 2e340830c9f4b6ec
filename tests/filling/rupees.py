"""Payments, refunds, payouts, bank files and webhooks, in their states."""

from __future__ import annotations

import itertools
from datetime import timedelta
from urllib.parse import urlsplit

from django.utils import timezone

from accounts.actors import Actor
from gateway.lib.money import Money
from ledger.testing import fund
from payments.models import Payment
from payments.providers.cards import CardDetails
from payments.services import (
    confirm_payment,
    create_order,
    create_payment,
    create_refund,
    mark_failed,
    mark_succeeded,
    pay_order,
)
from payments.work import drive_payments
from payouts.batches import export_batch, mark_sent, open_batch, queries, upload_result
from payouts.batches.formats import PLAIN_COLUMNS, PLAIN_RESULT, create_format
from payouts.models import Payout
from payouts.services import approve_payout, block_beneficiary, create_payout, reject_payout
from payouts.work import drive_payouts
from webhooks.models import Delivery
from webhooks.services import create_endpoint

PAYERS = ("Ananya Sharma", "Rahul Verma", "Lakshmi Venkataraman", "Imran Qureshi", "Jyoti Das")
PAYEES = (
    ("Ravi Kumar", "501001234567", "HDFC0001234"),
    ("Meridian Logistics Private Limited", "000405012345", "ICIC0004321"),
    ("Lakshmi Venkataraman", "30211457790", "SBIN0060589"),
    ("Sri Balaji Packaging Works", "917020041234567", "UTIB0000373"),
)
PAGE = Actor.system("payment page")
_numbers = itertools.count(1001)


def fill(people, filled):
    fund(people.merchant, 2_50_000_00)
    fund(people.merchant, 15_00_000_00, mode="live")
    _endpoint(people, filled)
    _payments(people, filled)
    _orders(people, filled)
    _payouts(people, filled)
    _bank_files(people, filled)
    _deliveries(people, filled)


# Money in -------------------------------------------------------------------------------------------------------
def _payments(people, filled):
    ended = [_paid(people, minor) for minor in (49_950, 1_249_900, 76_500, 3_40_000_50)]
    create_refund(actor=Actor(people.merchant_user, "panel"), payment=ended[1], amount=Money(2_499_00, "INR"),
                  reason="One parcel came back", created_by=people.merchant_user)
    drive_payments(50)
    own = _payment(people, 15_000, by=people.api_user)
    waiting = _payment(people, 99_900)
    failed = _payment(people, 2_00_000)
    mark_failed(actor=Actor(people.admin, "panel"), payment=failed, reason="The payer's bank declined it")
    late = _payment(people, 45_000)
    mark_failed(actor=Actor(people.admin, "panel"), payment=late, reason="Nothing came")
    mark_succeeded(actor=Actor(people.admin, "panel"), payment=late, utr=_utr())
    filled.put("payment", at=ended[1].public_id, api_user=own.public_id)
    filled.put("payment-refund", at=ended[0].public_id)
    filled.put("payment-flag", at=late.public_id)
    filled.put("payment-succeeded", "payment-failed", at=waiting.public_id)
    filled.hosted |= {f"payment {word}": f"/pay/{row.page_token}" for word, row in
                      [("open", waiting), ("succeeded", ended[0]), ("failed", failed)]}


def _payment(people, minor, *, mode="test", by=None, **more):
    number = next(_numbers)
    return create_payment(
        actor=Actor(by or people.merchant_user, "portal"), merchant=people.merchant, mode=mode, contract="portal",
        amount=Money(minor, "INR"), reference=f"ORDER-{number}", payer_name=PAYERS[number % len(PAYERS)],
        redirect_url="https://shop.example/thanks", created_by=by or people.merchant_user, **more,
    )


def _paid(people, minor):
    payment = _payment(people, minor)
    return mark_succeeded(actor=Actor(people.admin, "panel"), payment=payment, utr=_utr())


def _utr():
    return f"4125{next(_numbers):08d}"


def _orders(people, filled):
    """The hosted checkout: to be paid, paid, and after a try that failed."""
    system = Actor.system("checkout")
    for word, vpa in (("open", ""), ("paid", "success@upi"), ("declined", "failure@upi")):
        order = create_order(
            actor=system, merchant=people.merchant, mode="test", contract="checkout", amount=Money(1_850_00, "INR"),
            receipt=f"receipt-{word}", redirect_url="https://shop.example/thanks",
        )
        if vpa:
            pay_order(actor=system, order=order, contract="checkout", method="upi", vpa=vpa)
        filled.hosted[f"order {word}"] = f"/pay/{order.public_id}"
    processing = _payment(people, 64_900)
    confirm_payment(actor=PAGE, payment=processing, vpa="pending@upi")
    for _ in range(4):
        drive_payments(50)
    filled.hosted["payment processing"] = f"/pay/{processing.page_token}"
    _at_the_bank(people, filled)
    assert Payment.objects.filter(status="succeeded").count() >= 6


def _at_the_bank(people, filled):
    """A card that must be confirmed at the bank, before and after its payer came back, and the bank's own page."""
    steps = [_payment(people, 86_500, method="card") for _ in range(2)]
    for row in steps:
        card = CardDetails("4000000000003220", 12, timezone.now().year + 2, "123")
        confirm_payment(actor=PAGE, payment=row, card=card)
    drive_payments(50)
    Payment.objects.filter(pk=steps[1].pk).update(step_returned_at=timezone.now() - timedelta(minutes=1))
    for row, word in zip(steps, ("at the bank", "back from the bank"), strict=True):
        row.refresh_from_db()
        filled.hosted[f"payment {word}"] = f"/pay/{row.page_token}"
    filled.hosted["test bank"] = urlsplit(steps[0].step_url).path


# Money out ------------------------------------------------------------------------------------------------------
def _payout(people, minor, payee=PAYEES[0], *, mode="test", by=None, account=""):
    name, number, ifsc = payee
    return create_payout(
        actor=Actor(by or people.merchant_user, "portal"), merchant=people.merchant, mode=mode, contract="portal",
        amount=Money(minor, "INR"), reference=f"VENDOR-{next(_numbers)}", beneficiary_name=name,
        account_number=account or number, ifsc=ifsc, created_by=by or people.merchant_user,
    )


def _payouts(people, filled):
    operator = Actor(people.admin, "panel")
    done, back = _payout(people, 12_500_50), _payout(people, 4_000_00, PAYEES[1])
    closed = _payout(people, 900_00, account="501001230000")
    for row in (done, back, closed):
        if row.status == "pending":
            approve_payout(actor=operator, payout=row)
    for _ in range(4):
        drive_payouts(20)
    reject_payout(actor=operator, payout=_payout(people, 11_000_00, PAYEES[2]), reason="Unknown beneficiary")
    waiting = [_payout(people, minor, payee) for minor, payee in ((45_000_00, PAYEES[1]), (38_200_00, PAYEES[3]))]
    own = _payout(people, 10_500_00, PAYEES[2], by=people.api_user)
    blocked = _payout(people, 10_200_00, ("Quick Cash Traders", "55550001112", "KKBK0000811"))
    block_beneficiary(actor=Actor(people.merchant_user, "panel"), beneficiary=blocked.beneficiary, reason="Not known")
    _returned(operator, done, back)
    filled.put("payout", at=waiting[0].public_id, api_user=own.public_id, merchant=back.public_id)
    filled.put("payout-returned", at=done.public_id)
    filled.put("payout-approve", "payout-reject", at=waiting[1].public_id)
    for what in ("approve", "reject"):
        filled.put("queue-selected", at=what, query=f"pick=payout:{waiting[0].pk}&pick=payout:{waiting[1].pk}")
    filled.put("beneficiary", "beneficiary-block", at=waiting[0].beneficiary.public_id)
    filled.put("beneficiary-unblock", at=blocked.beneficiary.public_id)
    _flagged(people, filled)


def _returned(operator, said, booked):
    """The bank says of one that it came back; the other has come back."""
    from gateway.lib.providers import Outcome
    from payouts.services import apply_outcome, return_payout

    outcome = Outcome("failed", code="returned", message="Returned by the beneficiary's bank")
    assert apply_outcome(actor=Actor.system("sandbox_bank"), payout=said, outcome=outcome) == "flagged"
    return_payout(actor=operator, payout=booked, utr=_utr(), note="The beneficiary's account is frozen.")


def _flagged(people, filled):
    """The bank speaks of a payout that was never sent to it."""
    from gateway.lib.providers import Outcome
    from payouts.services import apply_outcome

    row = _payout(people, 15_750_00, PAYEES[3])
    said = Outcome("succeeded", utr=_utr(), reference="bank-1", amount_minor=row.amount_minor, currency="INR")
    apply_outcome(actor=Actor.system("sandbox_bank"), payout=row, outcome=said)
    filled.put("payout-flag", at=row.public_id)


def _bank_files(people, filled):
    """Live payouts: waiting for approval, approved and free, in an open batch, in one that the bank has answered."""
    operator = Actor(people.admin, "panel")
    made = [_payout(people, 10_400_00 + 1_111_11 * number, PAYEES[number % 4], mode="live") for number in range(9)]
    approved = [approve_payout(actor=operator, payout=row).public_id for row in made[:8]]
    answered = open_batch(actor=operator, mode="live", payout_ids=approved[:3], note="Vendors of November, second half")
    export_batch(actor=operator, batch=answered, file_type="csv")
    mark_sent(actor=operator, batch=answered)
    lines = [line.reference for line in queries.lines_of(answered)]
    rows = [f"{lines[0]},SUCCESS,{_utr()},", f"{lines[1]},FAILED,,Account closed", f"{lines[2]},SUCCESS,,"]
    result = upload_result(actor=operator, batch=answered, name="hdfc-november-second-half-result.csv",
                           content="\n".join(["Reference,Status,UTR,Reason", *rows]).encode())
    fresh = open_batch(actor=operator, mode="live", payout_ids=approved[3:5], note="Refund desk")
    export_batch(actor=operator, batch=fresh, file_type="xlsx")
    unclear = _unclear(operator, approved[5:6])
    bank_format = create_format(
        actor=Actor(people.super_admin, "panel"), name="OK Bank bulk upload",
        columns=PLAIN_COLUMNS, result=PLAIN_RESULT,
    )
    filled.put("batch", "batch-result-upload", at=answered.public_id, mode="live")
    filled.put("batch-result", "batch-result-apply", "batch-result-discard", at=result.public_id, mode="live")
    filled.put("batch-sent", "batch-cancel", at=fresh.public_id, mode="live")
    filled.put("batch-take-out", at=(fresh.public_id, 1), mode="live")
    filled.put("bank-format", "bank-format-retire", at=bank_format.public_id, mode="live")
    filled.put("payout-resolve", at=unclear, mode="live")
    for name in ("batches", "batch-new", "bank-formats", "bank-format-new"):
        filled.put(name, mode="live")


def _unclear(operator, payouts):
    from payouts.batches import apply_result
    from payouts.batches.results import drive_results

    batch = open_batch(actor=operator, mode="live", payout_ids=payouts, note="")
    export_batch(actor=operator, batch=batch, file_type="csv")
    mark_sent(actor=operator, batch=batch)
    [line] = queries.lines_of(batch)
    content = f"Reference,Status,UTR,Reason\n{line.reference},MAYBE,,Ask the branch".encode()
    result = upload_result(actor=operator, batch=batch, name="answer.csv", content=content)
    apply_result(actor=operator, result=result)
    drive_results()
    assert Payout.objects.get(public_id=payouts[0]).status == "processing"
    return payouts[0]


# Telling ---------------------------------------------------------------------------------------------------------
def _endpoint(people, filled):
    """Nobody listens there, so that deliveries fail, and wait for another try."""
    actor = Actor(people.merchant_user, "panel")
    made, _ = create_endpoint(actor=actor, merchant=people.merchant, mode="test", url="http://127.0.0.1:1999/hooks")
    create_endpoint(actor=actor, merchant=people.merchant, mode="test", url="http://127.0.0.1:1999/checkout",
                    contract="checkout", enabled=False)
    filled.put("endpoint", "endpoint-edit", "endpoint-delete", "endpoint-rotate", "endpoint-retry-failed", at=made.pk)


def _deliveries(people, filled):
    from webhooks.sending import drain

    drain(seconds=10)
    told = Delivery.objects.filter(merchant=people.merchant).order_by("created_at")
    assert told.count() > 10
    failed = told[0]
    Delivery.objects.filter(pk=failed.pk).update(status="failed", due_at=None)
    filled.put("delivery", at=failed.pk)
    filled.put("deliveries-retry", "deliveries-sending", query=f"d={failed.pk}")
