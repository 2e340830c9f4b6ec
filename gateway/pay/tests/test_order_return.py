"""The way back from the hosted checkout: where it leads, what it tells there, and what is signed."""

from __future__ import annotations

import html
import re
from urllib.parse import parse_qsl, urlsplit

import pytest
import razorpay
from django.test import Client
from django.utils import timezone

from accounts.return_secrets import return_secret_of, reveal_return_secret
from payments.models import Order


@pytest.fixture(autouse=True)
def at_once(settings):
    settings.SANDBOX_PAYMENT_DELAY_SECONDS = 0


def _address(order, more=""):
    return f"/pay/{order.public_id}{more}"


def _page(order):
    return Client().get(_address(order)).content.decode()


def _link(page, text):
    found = re.search(rf'href="([^"]*)"[^>]*>{text}', page)
    return html.unescape(found[1]) if found else None


def _words(link):
    return dict(parse_qsl(urlsplit(link).query))


def test_a_paid_order_leads_back_with_a_signature_that_razorpays_sdk_verifies(make_order, tried, cast):
    order = make_order()
    payment = tried(order)

    link = _link(_page(order), "Return to Chai Point")
    words = _words(link)

    assert link.startswith("https://shop.example/thanks?cart=9&")
    assert list(words) == ["cart", "order_id", "payment_id", "status", "signature"]
    assert (words["order_id"], words["payment_id"], words["status"]) == (order.public_id, payment.public_id, "paid")
    client = razorpay.Client(auth=("key_test_x", reveal_return_secret(return_secret_of(cast.merchant, "test"))))
    said = {f"razorpay_{name}": words[name] for name in ("order_id", "payment_id", "signature")}
    assert client.utility.verify_payment_signature(said) is True
    for change in ({"razorpay_order_id": "order_x"}, {"razorpay_payment_id": "pay_x"}, {"razorpay_signature": "0" * 64}):
        with pytest.raises(razorpay.errors.SignatureVerificationError):
            client.utility.verify_payment_signature(said | change)
    stranger = razorpay.Client(auth=("k", reveal_return_secret(return_secret_of(cast.merchant, "live"))))
    with pytest.raises(razorpay.errors.SignatureVerificationError):
        stranger.utility.verify_payment_signature(said)


def test_a_failed_one_leads_back_with_why_and_without_a_signature(make_order, tried):
    order = make_order()
    payment = tried(order, "failure@upi")

    words = _words(_link(_page(order), "Give up and return to Chai Point"))

    assert words == {
        "cart": "9", "order_id": order.public_id, "payment_id": payment.public_id, "status": "failed",
        "error_code": "payment_declined",
    }


def test_an_unpaid_one_leads_back_as_cancelled_or_expired(make_order):
    order = make_order()
    assert _words(_link(_page(order), "Cancel and return to Chai Point")) == {
        "cart": "9", "order_id": order.public_id, "status": "cancelled",
    }

    Order.objects.update(expires_at=timezone.now())

    assert _words(_link(_page(order), "Return to Chai Point"))["status"] == "expired"


def test_what_the_merchants_address_says_by_the_same_names_is_replaced(make_order, tried):
    order = make_order(redirect_url="https://shop.example/?status=paid&signature=x&a=%26b&order%5Fid=y#part")

    failed = tried(order, "failure@upi")
    link = _link(_page(order), "Give up and return")

    assert link == (
        f"https://shop.example/?signature=x&a=%26b&order_id={order.public_id}&payment_id={failed.public_id}"
        "&status=failed&error_code=payment_declined#part"
    )
    tried(order)
    assert _link(_page(order), "Return to").count("signature=") == 1


def test_an_order_without_a_way_back_has_no_link(make_order, tried):
    order = make_order(redirect_url="")
    tried(order)

    page = _page(order)

    assert "Return to" not in page
    assert "You can close this page" in page


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "//evil.example"])
def test_only_web_addresses_are_gone_back_to(make_order, tried, url):
    order = make_order()
    Order.objects.update(redirect_url=url)

    assert "return to" not in _page(order)
    tried(order)
    assert "Return to" not in _page(order)
