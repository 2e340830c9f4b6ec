"""Providers' own messages: any order, any number of copies, wrong amounts, late ones, forged ones."""

from __future__ import annotations

import itertools
import json

import pytest

from accounts.actors import Actor
from accounts.models import AuditRecord
from gateway.lib.providers import Outcome
from ledger.models import Posting
from ledger.testing import assert_ledger_balances
from payments import work
from payments.errors import BadCallback
from payments.models import Payment, ProviderEvent, SandboxCharge
from payments.providers.base import Callback
from payments.providers.sandbox import SANDBOX, sign
from payments.services import apply_provider_event, clear_flag, mark_failed, mark_succeeded
from webhooks.models import Event

pytestmark = pytest.mark.django_db
SUCCESS = Outcome("succeeded", utr="UTR0000001", amount_minor=100_000, currency="INR")
FAILURE = Outcome("failed", code="declined", message="No.")


def tell(payment, outcome, event_id=None):
    event = Callback(event_id or f"evt-{ProviderEvent.objects.count()}", payment.public_id, outcome)
    return apply_provider_event(provider=payment.provider, event=event)


def state_of(payment):
    payment.refresh_from_db()
    return payment.status, payment.captured_at is not None, payment.failure_code


def test_each_event_has_one_effect(cast, confirmed, balances):
    payment = confirmed()

    effects = [tell(payment, SUCCESS, "evt-1") for _ in range(5)]

    assert effects == ["succeeded", "duplicate", "duplicate", "duplicate", "duplicate"]
    assert balances(cast.merchant) == (97_640, 0, 0)
    assert Event.objects.filter(type="payment.succeeded").count() == 1
    assert ProviderEvent.objects.get().effect == "succeeded"
    assert_ledger_balances()


def test_every_order_of_a_providers_events_ends_the_same(cast, confirmed, balances):
    events = {
        "processing": Outcome("pending"), "success": SUCCESS, "failed": FAILURE, "again": SUCCESS, "late": FAILURE,
    }
    ends, booked = set(), 0
    for names in itertools.permutations(events):
        payment = confirmed()
        outcome = {"success": "UTR" + payment.public_id, "again": "UTR" + payment.public_id}
        for name in names:
            told = events[name]
            if name in outcome:
                told = Outcome("succeeded", utr=outcome[name][:40].replace("_", ""), amount_minor=100_000)
            tell(payment, told, f"{payment.public_id}-{name}")
        ends.add((*state_of(payment), payment.flag))
        booked += 1

    assert ends == {("succeeded", True, "", "contradicted")}
    assert balances(cast.merchant) == (97_640 * booked, 0, 0)
    assert Posting.objects.count() == booked == 120
    assert_ledger_balances()


def test_a_payment_nobody_confirmed_may_be_paid_all_the_same(cast, make, balances):
    payment = make()

    assert tell(payment, SUCCESS) == "succeeded"

    assert state_of(payment) == ("succeeded", True, "")
    types = list(Event.objects.order_by("id").values_list("type", flat=True))
    assert types == ["payment.initiated", "payment.succeeded", "payment.captured"]
    assert_ledger_balances()


@pytest.mark.parametrize(
    "told",
    [
        Outcome("succeeded", utr="UTR0000001", amount_minor=99_999, currency="INR"),
        Outcome("succeeded", utr="UTR0000001", amount_minor=100_001),
        Outcome("succeeded", utr="UTR0000001", amount_minor=100_000, currency="USD"),
        Outcome("succeeded", utr="UTR0000001", amount_minor=0),
    ],
)
def test_another_amount_or_currency_is_flagged_and_not_booked(cast, confirmed, balances, told):
    payment = confirmed()

    assert tell(payment, told) == "flagged"

    assert state_of(payment) == ("processing", False, "")
    assert (payment.flag, payment.due_at) == ("amount_differs", None)
    assert balances(cast.merchant) == (0, 0, 0)
    assert work.drive_payments() == 0
    assert_ledger_balances()


def test_an_operator_ends_a_flagged_payment_with_what_was_received(cast, confirmed, balances):
    from gateway.lib.money import Money

    payment = confirmed()
    tell(payment, Outcome("succeeded", utr="UTR0000001", amount_minor=50_000))

    mark_succeeded(
        actor=Actor(cast.admin, "panel"), payment=payment, utr="UTR0000001", received=Money(50_000, "INR")
    )

    assert state_of(payment) == ("succeeded", True, "")
    assert (payment.received_minor, payment.fee_minor, payment.tax_minor, payment.flag) == (50_000, 1180, 180, "")
    assert balances(cast.merchant) == (48_820, 0, 0)
    assert_ledger_balances()


def test_a_flag_that_is_cleared_too_early_comes_back(cast, confirmed):
    payment = confirmed()
    tell(payment, Outcome("succeeded", amount_minor=1))
    SandboxCharge.objects.create(
        reference=payment.public_id, kind="charge", amount_minor=1, currency="INR", decision="succeed",
        decide_at=payment.created_at,
    )
    payment.refresh_from_db()

    clear_flag(actor=Actor(cast.admin, "panel"), record=payment, note="Looks fine")
    assert work.drive_payments() == 1

    assert state_of(payment) == ("processing", False, "")
    assert payment.flag == "amount_differs"
    assert not Posting.objects.exists()


def test_a_success_after_the_link_expired_is_booked_and_flagged(cast, make, balances):
    payment = make()
    Payment.objects.update(expires_at=payment.created_at)
    assert work.expire_payments() == 1
    assert state_of(payment) == ("failed", False, "expired")

    assert tell(payment, SUCCESS) == "succeeded"

    assert state_of(payment) == ("succeeded", True, "")
    assert payment.flag == "late_success"
    assert balances(cast.merchant) == (97_640, 0, 0)
    types = list(Event.objects.order_by("id").values_list("type", flat=True))
    assert types == ["payment.failed", "payment.succeeded", "payment.captured"]
    clear_flag(actor=Actor(cast.admin, "panel"), record=payment, note="Told the merchant.")
    payment.refresh_from_db()
    assert payment.flag == ""
    assert_ledger_balances()


def test_a_success_after_an_operators_rejection_is_late_too(cast, confirmed):
    payment = confirmed()
    mark_failed(actor=Actor(cast.admin, "panel"), payment=payment, reason="Not on the statement")

    tell(payment, SUCCESS)

    assert state_of(payment) == ("succeeded", True, "")
    assert payment.flag == "late_success"
    assert_ledger_balances()


def test_a_late_success_of_an_order_paid_otherwise_is_for_an_operator(cast, confirmed, pay, balances):
    first = confirmed(vpa="pending@upi")
    tell(first, FAILURE)
    second = pay(first.order)
    work.drive_payments()
    assert state_of(second) == ("succeeded", True, "")

    assert tell(first, Outcome("succeeded", utr="UTR0000002", amount_minor=100_000)) == "flagged"

    assert state_of(first) == ("failed", False, "declined")
    assert first.flag == "second_success"
    assert balances(cast.merchant) == (97_640, 0, 0)
    assert_ledger_balances()


def test_a_utr_that_paid_for_another_payment_is_flagged(cast, confirmed, balances):
    tell(confirmed(), SUCCESS)
    second = confirmed()

    assert tell(second, SUCCESS) == "flagged"

    assert state_of(second) == ("processing", False, "")
    assert second.flag == "utr_reused"
    assert balances(cast.merchant) == (97_640, 0, 0)
    assert_ledger_balances()


@pytest.mark.parametrize("names", list(itertools.permutations(["other amount", "failed", "used UTR"])))
def test_money_that_could_not_be_booked_stays_flagged_whatever_order_its_events_came_in(
    cast, confirmed, balances, names
):
    tell(confirmed(), SUCCESS)
    payment = confirmed()
    events = {
        "other amount": Outcome("succeeded", utr="UTR0000002", amount_minor=50_000), "failed": FAILURE,
        "used UTR": SUCCESS,
    }

    effects = {name: tell(payment, events[name]) for name in names}

    assert effects == {"other amount": "flagged", "failed": "failed", "used UTR": "flagged"}
    assert state_of(payment) == ("failed", False, "declined")
    assert payment.flag == ("amount_differs" if names.index("used UTR") < names.index("other amount") else "utr_reused")
    assert balances(cast.merchant) == (97_640, 0, 0)
    assert_ledger_balances()


def test_a_success_with_another_amount_after_the_money_was_booked(cast, confirmed, balances):
    payment = confirmed()
    tell(payment, SUCCESS)

    assert tell(payment, Outcome("succeeded", amount_minor=200_000)) == "flagged"

    assert state_of(payment) == ("succeeded", True, "")
    assert payment.flag == "amount_differs"
    assert balances(cast.merchant) == (97_640, 0, 0)
    assert_ledger_balances()


def test_a_success_under_another_utr_after_the_money_was_booked(cast, confirmed, balances):
    payment = confirmed()
    tell(payment, SUCCESS)
    second = Outcome("succeeded", utr="utr0000002", amount_minor=100_000)

    assert tell(payment, Outcome("succeeded", utr="utr0000001", amount_minor=100_000)) == "none"
    assert tell(payment, Outcome("succeeded", amount_minor=100_000)) == "none"
    assert [tell(payment, second), tell(payment, second)] == ["flagged", "none"]

    assert state_of(payment) == ("succeeded", True, "")
    assert (payment.flag, payment.utr) == ("second_success", "UTR0000001")
    record = AuditRecord.objects.get(target=payment.public_id, action="payment.flagged")
    assert "UTR UTR0000001 is booked, the provider reports UTR UTR0000002 as well" in record.data["detail"]
    assert balances(cast.merchant) == (97_640, 0, 0)
    assert_ledger_balances()


def test_money_that_comes_after_an_operator_booked_another_utr_is_flagged(cast, confirmed, balances):
    payment = confirmed(vpa="pending@upi")
    mark_succeeded(actor=Actor(cast.admin, "panel"), payment=payment, utr="400000000001")

    assert tell(payment, SUCCESS) == "flagged"

    assert state_of(payment) == ("succeeded", True, "")
    assert (payment.flag, payment.utr) == ("second_success", "400000000001")
    assert balances(cast.merchant) == (97_640, 0, 0)
    assert_ledger_balances()


def test_an_event_about_nothing_of_that_providers_has_no_effect(confirmed):
    payment = confirmed()

    for provider, subject in (("sandbox", "pay_unknown"), ("other", payment.public_id)):
        event = Callback("evt-1", subject, SUCCESS)
        assert apply_provider_event(provider=provider, event=event) == "unknown_subject"

    assert state_of(payment) == ("processing", False, "")
    assert not Posting.objects.exists()


def signed(body):
    return {"x-sandbox-signature": sign(body)}, body


def test_a_signed_callback_of_the_sandbox_is_read():
    body = json.dumps(
        {"id": "e1", "reference": "pay_x", "status": "succeeded", "amount": 100_000, "currency": "INR", "utr": "U1"}
    ).encode()

    callback = SANDBOX.read_callback(*signed(body))

    assert callback == Callback("e1", "pay_x", Outcome("succeeded", utr="U1", amount_minor=100_000, currency="INR"))


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"{}", b"\xff", b'{"id":"e","reference":"r","status":"paid"}',
     b'{"id":"e","reference":"r","status":[]}', b'{"id":"e","reference":"r","status":"succeeded","amount":"1"}',
     b'{"id":"e","reference":"r","status":"succeeded","amount":true}',
     b'{"id":"e","reference":"r","status":"succeeded","amount":1e2}',
     b'{"id":"e","reference":"r","status":"succeeded","utr":"' + b"U" * 41 + b'"}'],
)
def test_what_cannot_be_read_is_refused(body):
    with pytest.raises(BadCallback):
        SANDBOX.read_callback(*signed(body))


def test_a_forged_callback_is_refused():
    body = b'{"id":"e","reference":"r","status":"succeeded"}'

    for headers in ({}, {"x-sandbox-signature": ""}, {"x-sandbox-signature": "é"}, signed(b"{}")[0]):
        with pytest.raises(BadCallback):
            SANDBOX.read_callback(headers, body)


def test_the_pages_button_decides_as_the_provider_would(cast, make, confirmed, balances, settings):
    from payments.services import simulate

    settings.SANDBOX_PAYMENT_DELAY_SECONDS = 1.0
    untouched, waiting, refused = make(), confirmed(vpa="pending@upi"), confirmed(vpa="success@upi")
    work.drive_payments()

    assert simulate(payment=untouched, succeed=True).status == "succeeded"
    assert simulate(payment=waiting, succeed=True).status == "succeeded"
    assert simulate(payment=refused, succeed=False).status == "failed"

    assert balances(cast.merchant) == (2 * 97_640, 0, 0)
    assert SandboxCharge.objects.get(reference=untouched.public_id).times_asked == 0
    assert SandboxCharge.objects.get(reference=refused.public_id).decision == "fail"
    assert_ledger_balances()


def test_the_button_works_on_open_test_payments_only(make, provider, paid):
    from gateway.lib.errors import IllegalTransition
    from payments.errors import PaymentExpired, TestModeOnly
    from payments.services import simulate

    live, done, late = make(mode="live"), paid(), make()
    late.expires_at = late.created_at
    late.save()

    for payment, refusal in ((live, TestModeOnly), (done, IllegalTransition), (late, PaymentExpired)):
        with pytest.raises(refusal):
            simulate(payment=payment, succeed=True)

    assert state_of(live) == state_of(late) == ("created", False, "")
    assert Posting.objects.count() == 1


@pytest.mark.parametrize("text", ["pay_\0", "pay_\ud800", "p" * 65])
def test_what_no_column_holds_is_kept_so_that_it_is_nothing_of_ours(cast, text):
    event = Callback(text * 2, text, SUCCESS)

    assert apply_provider_event(provider="other", event=event) == "unknown_subject"
    assert apply_provider_event(provider="other", event=Callback(text * 2, text, SUCCESS)) == "duplicate"
    row = ProviderEvent.objects.get()
    assert (row.event_id[:7], len(row.event_id), row.subject.isascii()) == ("sha256:", 71, True)


def test_one_without_an_id_is_no_callback():
    with pytest.raises(ValueError, match="without an id"):
        Callback("", "pay_x", SUCCESS)
