"""Keys, webhooks, users and the reference in a real chromium: what a person would do, with the console held silent."""

from __future__ import annotations

import re

import playwright.sync_api
import pytest
from django.test import Client
from playwright.sync_api import expect

from accounts.actors import Actor
from accounts.models import Merchant, User
from gateway.lib.http_testing import answer, receiver
from webhooks import services

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
EVIL = [
    "<script>window.ran=1</script>", '"><img src=x onerror="window.ran=1">', "'><svg onload=window.ran=1>",
    "</textarea><script>window.ran=1</script>", "{{7*7}}${7*7}", "javascript:window.ran=1", "<a href=//evil.example>x</a>",
]


@pytest.fixture
def endpoint(cast, settings):
    settings.WEBHOOK_ALLOW_LOOPBACK = True

    def make(url):
        return services.create_endpoint(
            actor=Actor.system("tests"), merchant=cast.merchant, mode="test", url=url
        )[0]

    return make


def test_a_merchant_regenerates_a_key(cast, browse):
    page = browse(cast.merchant_user)
    page.goto("/panel/keys")

    page.locator('a[href$="/keys/test/regenerate"]').click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("dies at once")
    dialog.get_by_role("button", name="Regenerate the test key").click()
    page.get_by_role("heading", name="Your new test key").wait_for()
    new = page.locator(".secret code").inner_text()

    def status(key):
        return Client().get("/api/v1/profile", headers={"X-API-KEY": key}).status_code

    assert (status(cast.keys[cast.merchant_user.public_id, "test"]), status(new)) == (401, 200)
    assert new not in page.url
    page.get_by_role("link", name="Done").click()
    expect(page.get_by_text(f"gw_test_…{new[-4:]}")).to_be_visible()
    with pytest.raises(playwright.sync_api.Error, match="ERR_CACHE_MISS"):  # the browser has not kept the answer
        page.go_back()


def test_a_merchant_adds_an_endpoint_tests_it_and_reads_the_attempt(cast, browse, settings):
    settings.WEBHOOK_ALLOW_LOOPBACK = True
    page = browse(cast.merchant_user)
    with receiver(answer(200, b'{"ok":true}')) as there:
        page.goto("/panel/webhooks")
        page.get_by_role("link", name="Add endpoint").first.click()
        page.get_by_label("Address (URL)").fill(there.url)
        page.get_by_role("button", name="Add endpoint").click()
        page.get_by_role("heading", name=there.url).wait_for()
        page.get_by_role("button", name="Reveal").click()
        expect(page.get_by_role("dialog").locator("code")).to_have_text(re.compile("^whsec_"))
        page.get_by_role("link", name="Close").click()
        expect(page.get_by_role("dialog")).to_be_hidden()
        page.get_by_role("button", name="Send a test").click()
        page.get_by_role("dialog").get_by_text("It was accepted.").wait_for()
        page.get_by_role("link", name="Everything about it").click()
        page.get_by_text("Attempt 1").wait_for()

    expect(page.get_by_text("x-signature", exact=False).first).to_be_visible()
    expect(page.get_by_text('{"ok":true}')).to_be_visible()
    assert len(there.requests) == 1


def test_a_merchant_adds_an_api_user(cast, browse):
    page = browse(cast.merchant_user)
    page.goto("/panel/users")
    page.get_by_role("link", name="New user").click()
    page.get_by_label("Name").fill("Shop server")
    page.get_by_label("E-mail address").fill("shop@example.com")
    page.get_by_role("button", name="Add user").click()

    page.get_by_role("heading", name="Shop server is added").wait_for()
    expect(page.locator(".secret code")).to_have_count(3)
    page.get_by_role("link", name="Done").click()
    page.get_by_role("link", name="Suspend").click()
    page.get_by_role("dialog").get_by_role("button", name="Suspend").click()
    page.locator(".page-kicker").get_by_text("Suspended").wait_for()
    assert User.objects.get(email="shop@example.com").status == "suspended"


def test_the_business_name_is_asked_for_a_merchant_only(cast, browse):
    page = browse(cast.admin)
    page.goto("/panel/users/new")

    expect(page.get_by_label("Business name")).to_be_visible()
    page.get_by_label("Role").select_option("api_user")
    expect(page.get_by_label("Business name")).to_be_hidden()


def test_a_call_of_the_reference_unfolds_by_keyboard(cast, browse):
    page = browse(cast.api_user, width=390, height=844)
    page.goto("/panel/reference")

    page.locator("#post-payments > summary").focus()
    page.keyboard.press("Enter")

    opened = page.locator("#post-payments")
    expect(opened.get_by_role("cell", name="Rupees, more than 0")).to_be_visible()
    expect(opened).to_contain_text('"order_id": "TXN-2026-001"')
    expect(opened.get_by_role("button", name="Send test call")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_merchant_finds_a_call_changes_it_and_sends_it(cast, browse):
    page = browse(cast.merchant_user)
    page.goto("/panel/reference/portal#post-payments")
    opened = page.locator("#post-payments")
    expect(opened).to_have_attribute("open", "")

    opened.get_by_label("Python").check()
    program = opened.locator(".programs .code:visible code")
    expect(program).to_contain_text("urllib.request")
    body = opened.get_by_label("Body")
    body.fill('{"amount": 7.5, "order_id": "TRIED-1"}')
    expect(program).to_contain_text('"amount": 7.5')
    opened.get_by_role("button", name="Send test call").click()

    answer = opened.locator(".answer")
    expect(answer).to_contain_text("201 Created")
    expect(answer).to_contain_text("A test payment of ₹7.50 waits for its payer.")
    expect(answer.locator("pre").first).to_contain_text('"order_id": "TRIED-1"')
    answer.get_by_role("link", name="Open the payment").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("7.50")


def test_the_search_of_the_reference_leaves_what_matches(cast, browse):
    page = browse(cast.merchant_user)
    page.goto("/panel/reference/checkout")

    page.get_by_label("Find an endpoint").fill("refund payment_id")
    shown = page.locator("[data-call]:visible")
    expect(shown).to_have_count(5)
    expect(page.get_by_role("heading", name="Public orders")).to_be_hidden()
    page.get_by_label("Find an endpoint").fill("zebra")
    expect(page.get_by_text("No endpoint has that")).to_be_visible()
    page.get_by_label("Find an endpoint").fill("")
    expect(shown).to_have_count(26)


def test_the_reference_is_read_and_tried_without_script(cast, browse):
    page = browse(cast.merchant_user, java_script_enabled=False)
    page.goto("/panel/reference/portal")

    page.locator("#get-balance > summary").click()
    page.locator("#get-balance").get_by_role("link", name="Try it").click()
    page.get_by_label("Node.js").check()
    expect(page.locator(".programs .code:visible code")).to_contain_text("fetch(")
    page.get_by_role("button", name="Send test call").click()

    expect(page.locator(".answer")).to_contain_text("200 OK")


@pytest.mark.parametrize("width", [390, 1440])
def test_no_page_is_wider_than_its_window(cast, browse, endpoint, width):
    row = endpoint("http://127.0.0.1:1999/" + "very-long-" * 20)
    page = browse(cast.merchant_user, width=width)

    for path in (
        "keys", "users", f"users/{cast.api_user.public_id}", "users/new", "webhooks", f"webhooks/{row.pk}",
        "webhooks/new", "webhooks/deliveries", "reference", "reference/signed", "reference/checkout",
        "reference/dashboard", "reference/checkout/create_payment",
    ):
        page.goto(f"/panel/{path}")
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, path


def test_nothing_that_is_stored_runs_as_script(cast, browse, endpoint):
    page = browse(cast.merchant_user)
    row = endpoint("http://127.0.0.1:1999/x")

    for text in EVIL:
        User.objects.filter(pk=cast.api_user.pk).update(name=text)
        Merchant.objects.filter(pk=cast.merchant.pk).update(name=text)
        type(row).objects.filter(pk=row.pk).update(url=f"http://127.0.0.1:1999/{text}", disabled_reason=text, enabled=False)
        for path in ("users", f"users/{cast.api_user.public_id}", "webhooks", f"webhooks/{row.pk}", "webhooks/deliveries"):
            page.goto(f"/panel/{path}")
            assert page.evaluate("window.ran") is None, (path, text)
        assert re.search("window.ran|7\\*7|evil", page.content())
