"""What is one line on a page of the panel is one line wherever it goes, as it is in the APIs."""

from __future__ import annotations

import pytest
from django.urls import reverse

from accounts.models import User
from payments.models import Payment
from payouts.models import Beneficiary, Payout

FORGED = "Ravi\r\nPO-2,Mallory,999900001111,HDFC0009999,50000.00,IMPS,PAYOUT PO-2,22/11/2026"
REFUSED = "This is one line: it may not hold control characters."


@pytest.mark.parametrize("field", ["beneficiary_name", "bank_name", "remarks"])
def test_a_payout_of_two_lines_is_not_made(cast, signed_in, fund, balances, field):
    fund(cast.merchant, 100_000)
    sent = {
        "amount": "100.00", "order_id": "PO-1", "beneficiary_name": "Ravi", "account_number": "501001234567",
        "ifsc": "HDFC0001234", "bank_name": "HDFC Bank", "method": "IMPS", "remarks": "May", "confirmed": "1",
    }

    answer = signed_in(cast.merchant_user).post(reverse("panel:payout-new"), sent | {field: FORGED})

    assert answer.status_code == 422
    assert REFUSED in answer.content.decode()
    assert (Payout.objects.count(), Beneficiary.objects.count()) == (0, 0)
    assert balances(cast.merchant) == (100_000, 0, 0)


def test_an_invitation_says_nothing_that_its_sender_wrote_into_a_name(cast, signed_in, mailoutbox):
    name = "Sir,\n\nyour account is on hold. Free it at https://evil.example/unlock"
    before = User.objects.count()

    answer = signed_in(cast.merchant_user).post(
        reverse("panel:user-new"), {"name": name, "email": "victim@example.org", "role": "api_user"}
    )

    assert answer.status_code == 422
    assert REFUSED in answer.content.decode()
    assert (User.objects.count(), mailoutbox) == (before, [])


@pytest.mark.parametrize("name", ["Asha\tRao", "Asha\x85Rao", "Asha\x1b[2JRao"])
def test_a_payers_name_has_no_control_characters(cast, signed_in, name):
    sent = {"amount": "100.00", "order_id": "P-1", "method": "upi", "payer": name}

    answer = signed_in(cast.merchant_user).post(reverse("panel:payment-new"), sent)

    assert answer.status_code == 422
    assert not Payment.objects.exists()


def test_names_are_written_in_any_script_and_a_reason_in_several_lines(cast, signed_in, make_payment):
    client = signed_in(cast.merchant_user)
    name = "श्री\u200dमान राव 🙂 O’Neill"

    made = client.post(
        reverse("panel:payment-new"), {"amount": "100.00", "order_id": "P-1", "method": "upi", "payer": f" {name}\n"}
    )
    payment = Payment.objects.get()
    failed = signed_in(cast.admin).post(
        reverse("panel:payment-failed", args=[payment.public_id]), {"reason": "Not seen.\nAsk the payer."}
    )

    payment.refresh_from_db()
    assert (made.status_code, failed.status_code) == (302, 302)
    assert payment.payer_name == name
    assert payment.status == "failed"
