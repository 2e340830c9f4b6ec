"""Receiving accounts: given in turn, never over a day's limit, also by many at once; manual_upi's refusals."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db.models import Sum
from django.utils import timezone

from accounts.actors import Actor
from accounts.models import AuditRecord
from conftest import make_cast
from gateway.lib.errors import InvalidFields, NotAllowed, ProviderUnavailable
from gateway.lib.money import Money
from gateway.lib.racing import together
from payments import work
from payments.errors import DuplicateVpa, ReceivingUnavailable
from payments.models import Order, Payment, ReceivingAccount
from payments.providers import registry
from payments.queries import bank_name_of
from payments.receiving import add_account, change_account, switch_account
from payments.receiving.queries import INDIA, payee_of, today, todays_use, used_on, visible_accounts
from payments.services import confirm_payment, create_order, create_payment, mark_failed, pay_order
from payments.services.orders import check_instrument
from payments.statements.queries import awaiting_money, overdue
from payments.tests.conftest import PAYER


def test_payments_take_the_accounts_in_turn(by_hand, make):
    for vpa in ("one@okbank", "two@okbank", "three@okbank"):
        by_hand(vpa)

    shown = [make(mode="live").receiving_account for _ in range(6)]

    assert shown == ["one@okbank", "two@okbank", "three@okbank"] * 2


def test_an_account_without_room_is_passed_over_and_then_nothing_is_created(by_hand, make):
    by_hand("small@okbank", limit=150_000)
    by_hand("large@okbank", limit=200_000)

    assert [make(mode="live").receiving_account for _ in range(3)] == ["small@okbank", "large@okbank", "large@okbank"]
    with pytest.raises(ReceivingUnavailable):
        make(mode="live")
    assert make(50_000, mode="live").receiving_account == "small@okbank"

    assert (Payment.objects.count(), Order.objects.count()) == (4, 4)


def test_a_failed_payment_gives_its_part_of_the_day_back(by_hand, make, cast):
    by_hand(limit=100_000)
    payment = make(mode="live")
    mark_failed(actor=Actor(cast.super_admin, "panel"), payment=payment, reason="not paid")

    assert make(mode="live").receiving_account == payment.receiving_account


def test_a_day_is_one_of_india(by_hand, make):
    account, payment = by_hand(), make(mode="live")
    # 23:00 UTC is already the next day there, 18:00 UTC is not.
    Payment.objects.filter(pk=payment.pk).update(created_at=datetime(2026, 11, 20, 23, tzinfo=UTC))
    assert used_on(datetime(2026, 11, 21, tzinfo=INDIA).date(), "live", [account.vpa]) == {account.vpa: 100_000}
    Payment.objects.filter(pk=payment.pk).update(created_at=datetime(2026, 11, 20, 18, tzinfo=UTC))
    assert used_on(datetime(2026, 11, 21, tzinfo=INDIA).date(), "live", [account.vpa]) == {}


def test_one_that_is_off_takes_nothing_new(by_hand, make, cast, viewer_of):
    account = by_hand()
    payment = make(mode="live")
    switch_account(actor=Actor(cast.admin, "panel"), account=account, on=False)

    with pytest.raises(ReceivingUnavailable):
        make(mode="live")
    (use,) = todays_use(visible_accounts(viewer_of(cast.admin, "live")))
    assert (use.used_minor, use.account.active, use.left_minor) == (payment.amount_minor, False, None)
    assert not visible_accounts(viewer_of(cast.merchant_user, "live")).exists()


def test_without_any_account_live_mode_refuses(settings, make):
    settings.LIVE_PAYMENT_PROVIDER = "manual_upi"
    with pytest.raises(ReceivingUnavailable) as refused:
        make(mode="live")
    assert refused.value.code == "provider_unavailable"
    assert not Order.objects.exists()


def test_a_merchant_may_have_a_provider_of_its_own(cast, make, provider, settings):
    settings.LIVE_PAYMENT_PROVIDER = ""
    for name in ("sandbox", "elsewhere", ""):
        cast.merchant.payment_provider = name
        with pytest.raises(ProviderUnavailable):
            make(mode="live")
    assert not Order.objects.exists()

    cast.merchant.payment_provider = provider.name

    assert (make(mode="live").provider, make(mode="test").provider) == ("scripted", "sandbox")
    with pytest.raises(ProviderUnavailable):
        make(mode="live", merchant=cast.other)
    assert Order.objects.count() == 2


def test_cards_are_refused_in_live_mode(cast, by_hand, make):
    by_hand()
    with pytest.raises(ProviderUnavailable):
        make(mode="live", method="card")
    with pytest.raises(ProviderUnavailable):
        check_instrument(merchant=cast.merchant, mode="live", method="card", card=_card())
    assert not Order.objects.exists()


def _card():
    from payments.providers.cards import CardDetails

    return CardDetails("4111111111111111", 12, timezone.now().year + 1, "123")


def test_test_mode_stays_with_the_sandbox(by_hand, make, settings):
    by_hand()
    payment = make()
    assert (payment.provider, payment.receiving_account) == ("sandbox", settings.PAYEE_VPA)
    assert (payee_of(payment), bank_name_of(payment)) == (payment.merchant.name, None)


def test_the_payer_sees_the_holder_and_the_bank_is_known(by_hand, make):
    by_hand()
    payment = make(mode="live")
    assert (payee_of(payment), bank_name_of(payment)) == ("Chai Point Pvt Ltd", "OK Bank")


def test_a_checkout_payment_waits_on_its_page_for_the_payer(by_hand, cast):
    by_hand()
    order = create_order(
        actor=PAYER, merchant=cast.merchant, mode="live", contract="checkout", amount=Money(100_000, "INR")
    )
    payment = pay_order(actor=PAYER, order=order, contract="checkout", method="upi", vpa="payer@bank")

    assert work.drive_payments() == 0
    payment.refresh_from_db()
    assert (payment.status, payment.due_at, payment.receiving_account) == ("created", None, "shop@okbank")
    assert timezone.now() < payment.expires_at


def test_a_confirmed_payment_waits_without_being_asked_about(by_hand, make, cast, viewer_of):
    by_hand()
    payment = confirm_payment(actor=PAYER, payment=make(mode="live"))
    assert work.drive_payments() == 1
    assert work.drive_payments() == 0

    payment.refresh_from_db()
    assert (payment.status, payment.provider_state, payment.due_at) == ("processing", "sent", None)
    viewer = viewer_of(cast.admin, "live")
    assert (awaiting_money(viewer).count(), overdue(viewer).count()) == (1, 0)
    Payment.objects.filter(pk=payment.pk).update(sent_at=timezone.now() - timedelta(hours=25))
    assert overdue(viewer).get() == payment
    assert not overdue(viewer_of(cast.other_admin, "live")).exists()


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"vpa": "not a vpa"}, "vpa"), ({"vpa": "Shop@OkBank"}, "vpa"), ({"holder": " "}, "holder"),
        ({"bank_name": "x" * 81}, "bank_name"), ({"daily_limit": Money(0, "INR")}, "daily_limit"),
        ({"daily_limit": Money(5, "USDT")}, "daily_limit"),
    ],
)
def test_bad_accounts_are_refused(by_hand, cast, values, field):
    by_hand()
    good = {"vpa": "new@okbank", "bank_name": "OK Bank", "holder": "Chai"}
    with pytest.raises(InvalidFields) as refused:
        add_account(actor=Actor(cast.admin, "panel"), mode="live", **good | values)
    assert list(refused.value.details["fields"]) == [field]
    assert ReceivingAccount.objects.count() == 1


def test_accounts_are_for_operators_and_every_change_is_audited(by_hand, cast):
    account = by_hand()
    for user in (cast.merchant_user, cast.api_user, None):
        with pytest.raises(NotAllowed):
            change_account(actor=Actor(user, "panel"), account=account, bank_name="Mine", holder="Me")
        with pytest.raises(NotAllowed):
            switch_account(actor=Actor(user, "panel"), account=account, on=False)
    change_account(actor=Actor(cast.admin, "panel"), account=account, bank_name="New Bank", holder=account.holder)
    with pytest.raises(DuplicateVpa):
        by_hand(account.vpa)

    account.refresh_from_db()
    assert (account.bank_name, account.active) == ("New Bank", True)
    actions = AuditRecord.objects.filter(target=account.public_id).order_by("id").values_list("action", flat=True)
    assert list(actions) == ["receiving.added", "receiving.changed"]


def test_it_is_registered_under_its_name():
    assert registry.get("manual_upi").decided_by_people
    assert not registry.decided_by_people("sandbox")
    assert not registry.decided_by_people("gone")


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_many_at_once_never_pass_a_days_limit(settings):
    settings.LIVE_PAYMENT_PROVIDER = "manual_upi"
    cast = make_cast()
    for number, limit in enumerate((500_000, 300_000)):
        add_account(
            actor=Actor(cast.super_admin, "tests"), mode="live", vpa=f"race{number}@okbank", bank_name="OK Bank",
            holder="Chai", daily_limit=Money(limit, "INR"),
        )

    def create(index):
        return create_payment(
            actor=PAYER, merchant=cast.merchant, mode="live", contract="portal", amount=Money(100_000, "INR"),
            reference=f"RACE-{index}",
        )

    results = together(16, create)

    made = [result for result in results if isinstance(result, Payment)]
    assert len(made) == 8
    assert {type(result) for result in results} == {Payment, ReceivingUnavailable}
    sums = Payment.objects.order_by().values_list("receiving_account").annotate(Sum("amount_minor"))
    assert dict(sums) == {"race0@okbank": 500_000, "race1@okbank": 300_000}
    assert used_on(today(), "live", ["race0@okbank"]) == {"race0@okbank": 500_000}
