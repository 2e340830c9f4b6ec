"""What someone may not see is not there: another's record, another mode's, and a page of another role are all 404."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from gateway.panel import urls


def test_every_address_is_behind_a_door():
    open_doors = {
        pattern.name for pattern in urls.urlpatterns
        if not hasattr(pattern.callback, "panel_roles") and not hasattr(pattern.callback, "panel_public")
    }

    assert open_doors == set()


def test_only_these_pages_need_no_sign_in():
    public = {pattern.name for pattern in urls.urlpatterns if hasattr(pattern.callback, "panel_public")}

    assert public == {"sign-in", "sign-in-code", "sign-out", "set-password", "lost-password"}


@pytest.mark.parametrize("name", ["overview", "payments", "payment-new", "payouts", "payout-new", "ledger", "profile"])
def test_a_stranger_is_asked_to_sign_in(db, name):
    address = reverse(f"panel:{name}")

    answer = Client().get(address)

    assert answer.status_code == 302
    assert answer["Location"] == f"{reverse('panel:sign-in')}?next={address}"


def test_a_stranger_in_an_htmx_request_is_sent_whole(db):
    answer = Client().get(reverse("panel:payments"), headers={"HX-Request": "true"})

    assert answer["HX-Redirect"] == reverse("panel:sign-in")


def test_a_user_suspended_meanwhile_is_out(cast, signed_in):
    client = signed_in(cast.merchant_user)
    type(cast.merchant_user).objects.filter(pk=cast.merchant_user.pk).update(status="suspended")

    answer = client.get(reverse("panel:overview"))

    assert answer.status_code == 302


def test_a_user_of_a_suspended_merchant_is_out(cast, signed_in):
    client = signed_in(cast.api_user)
    type(cast.merchant).objects.filter(pk=cast.merchant.pk).update(status="suspended")

    assert client.get(reverse("panel:overview")).status_code == 302


_SEES_PAYMENT = {
    "super_admin": 200, "admin": 200, "other_admin": 404, "merchant_user": 200, "api_user": 404, "other_user": 404,
}


@pytest.mark.parametrize(("who", "status"), _SEES_PAYMENT.items())
def test_a_payment_is_seen_by_its_own_people_only(cast, signed_in, make_payment, who, status):
    payment = make_payment(cast.merchant, by=cast.merchant_user)

    answer = signed_in(getattr(cast, who)).get(reverse("panel:payment", args=[payment.public_id]))

    assert answer.status_code == status


@pytest.mark.parametrize(("who", "status"), _SEES_PAYMENT.items())
def test_a_payout_is_seen_by_its_own_people_only(cast, signed_in, make_payout, who, status):
    payout = make_payout(cast.merchant, by=cast.merchant_user)

    answer = signed_in(getattr(cast, who)).get(reverse("panel:payout", args=[payout.public_id]))

    assert answer.status_code == status


def test_an_api_user_sees_what_it_made_and_no_ledger(cast, signed_in, paid, make_payment):
    own = paid(cast.merchant, by=cast.api_user, operator=cast.admin)
    make_payment(cast.merchant, by=cast.merchant_user, reference="THE-MERCHANTS-OWN")
    client = signed_in(cast.api_user)

    listed = client.get(reverse("panel:payments")).content.decode()
    detail = client.get(reverse("panel:payment", args=[own.public_id])).content.decode()

    assert own.order.reference in listed
    assert "THE-MERCHANTS-OWN" not in listed
    assert "GST collected" not in detail


def test_records_of_the_other_mode_are_not_there(cast, signed_in, make_payment, make_payout):
    payment = make_payment(cast.merchant, by=cast.merchant_user)
    payout = make_payout(cast.merchant, by=cast.merchant_user)
    live = signed_in(cast.merchant_user, mode="live")

    assert live.get(reverse("panel:payment", args=[payment.public_id])).status_code == 404
    assert live.get(reverse("panel:payout", args=[payout.public_id])).status_code == 404
    assert payment.order.reference not in live.get(reverse("panel:payments")).content.decode()
    assert payout.reference not in live.get(reverse("panel:payouts")).content.decode()


@pytest.mark.parametrize("public_id", ["pay_0000000000000000", "x", "\0", "a\0b", "%00", "..", "🙂", "x" * 3000])
def test_an_unknown_id_is_a_404(cast, signed_in, public_id):
    client = signed_in(cast.super_admin)

    for name in ("payment", "payout", "payout-approve", "payment-refund"):
        assert client.get(reverse(f"panel:{name}", args=[public_id])).status_code == 404


_OPERATORS_ONLY = ["payment-succeeded", "payment-capture", "payment-failed", "payment-flag"]
_OPERATORS_ONLY_PAYOUT = ["payout-approve", "payout-reject", "payout-resolve", "payout-returned", "payout-flag"]


@pytest.mark.parametrize("name", _OPERATORS_ONLY)
@pytest.mark.parametrize("who", ["merchant_user", "api_user"])
def test_deciding_about_payments_is_absent_for_merchants(cast, signed_in, make_payment, name, who):
    payment = make_payment(cast.merchant, by=getattr(cast, who))
    client = signed_in(getattr(cast, who))

    answer = client.post(reverse(f"panel:{name}", args=[payment.public_id]), {"utr": "UTR123456", "reason": "x"})

    payment.refresh_from_db()
    assert answer.status_code == 404
    assert payment.status == "created"


@pytest.mark.parametrize("name", _OPERATORS_ONLY_PAYOUT)
@pytest.mark.parametrize("who", ["merchant_user", "api_user"])
def test_deciding_about_payouts_is_absent_for_merchants(cast, signed_in, make_payout, balances, name, who):
    payout = make_payout(cast.merchant, by=getattr(cast, who))
    before = balances(cast.merchant)
    client = signed_in(getattr(cast, who))

    answer = client.post(reverse(f"panel:{name}", args=[payout.public_id]), {"reason": "x"})

    payout.refresh_from_db()
    assert answer.status_code == 404
    assert payout.status == "pending"
    assert balances(cast.merchant) == before


def test_an_api_user_has_no_ledger_page_and_no_refund(cast, signed_in, paid):
    payment = paid(cast.merchant, by=cast.api_user, operator=cast.admin)
    client = signed_in(cast.api_user)

    assert client.get(reverse("panel:ledger")).status_code == 404
    assert client.get(reverse("panel:payment-refund", args=[payment.public_id])).status_code == 404


def test_an_admin_makes_no_payouts(cast, signed_in):
    client = signed_in(cast.admin)

    assert client.get(reverse("panel:payout-new")).status_code == 404
    assert reverse("panel:payout-new") not in client.get(reverse("panel:payouts")).content.decode()


@pytest.mark.parametrize(
    ("who", "seen", "absent"),
    [
        ("merchant_user", {"overview", "payments", "payouts", "ledger"}, set()),
        ("api_user", {"overview", "payments", "payouts"}, {"ledger"}),
        ("admin", {"overview", "payments", "payouts", "ledger"}, set()),
    ],
)
def test_the_navigation_shows_what_the_role_may_open(cast, signed_in, who, seen, absent):
    page = signed_in(getattr(cast, who)).get(reverse("panel:overview")).content.decode()

    for name in seen:
        assert f'href="{reverse(f"panel:{name}")}"' in page
    for name in absent:
        assert f'href="{reverse(f"panel:{name}")}"' not in page


def test_other_methods_are_refused(cast, signed_in):
    client = signed_in(cast.merchant_user)

    assert client.post(reverse("panel:payments")).status_code == 405
    assert client.put(reverse("panel:profile")).status_code == 405
    assert client.get(reverse("panel:sign-out")).status_code == 405
