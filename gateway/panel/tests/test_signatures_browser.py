"""Keys and the signature debugger in a real chromium: a merchant makes a pair, signs wrongly, and is told why."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re

import pytest
from playwright.sync_api import expect

from accounts.models import Credential
from gateway.contracts.signed.testing import Signed

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
BODY = '{"user_id":"a42332-2fs-q341-d36d34","order_id":"adsd-ewerz-23sdsd-ad234","amount":100,"method":"UPI","redirect_url":"http://test.com"}'
PATH, NOW = "/api/v1/payin/generate/link", "1790431844701"


def test_a_merchant_makes_a_pair_and_revokes_it(cast, browse):
    page = browse(cast.merchant_user)
    page.goto("/panel/keys")

    page.locator("section", has=page.get_by_role("heading", name="Signed API")).get_by_role("link", name="New key").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("Shop server")
    dialog.get_by_label("Allowed addresses").fill("127.0.0.1\n203.0.113.0/24")
    dialog.get_by_role("button", name="Make the key").click()
    page.get_by_role("heading", name="Your new test key").wait_for()
    access_key, secret = page.locator(".secret code").all_inner_texts()

    signed = Signed(cast.other)
    signed.pair = type(signed.pair)(access_key, secret)
    assert signed("GET", "/balance").status_code == 200
    page.get_by_role("link", name="Done").click()
    expect(page.get_by_text(access_key)).to_be_visible()
    expect(page.get_by_text("127.0.0.1, 203.0.113.0/24")).to_be_visible()
    expect(page.get_by_text(secret)).to_have_count(0)
    page.get_by_role("link", name="Revoke Shop server").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    expect(page.get_by_text("Shop server is revoked")).to_be_visible()
    assert signed("GET", "/balance").json()["error"] == "invalid_access_key"


def test_a_bad_address_is_told_without_script(cast, browse):
    page = browse(cast.merchant_user, java_script_enabled=False)
    page.goto("/panel/keys/new/signed")

    page.get_by_label("Name").fill("Shop server")
    page.get_by_label("Allowed addresses").fill("everywhere")
    page.get_by_role("button", name="Make the key").click()

    expect(page.get_by_text("neither an address nor a network")).to_be_visible()
    assert not Credential.objects.exists()


@pytest.mark.parametrize(("width", "height", "scheme"), [(1440, 900, "light"), (390, 844, "dark")])
def test_a_merchant_finds_what_went_wrong(cast, browse, width, height, scheme):
    signed = Signed(cast.merchant, name="Shop server")
    page = browse(cast.merchant_user, width=width, height=height, color_scheme=scheme)
    page.goto("/panel/signatures")
    text = f"POST\n{PATH}\n{BODY}\n{NOW}"  # the last newline is forgotten
    wrong = base64.b64encode(hmac.digest(signed.pair.secret.encode(), text.encode(), hashlib.sha256)).decode()

    page.get_by_label("Method").select_option("POST")
    page.get_by_label("Path", exact=True).fill(PATH)
    page.get_by_label("Timestamp header").fill(NOW)
    page.get_by_label("Signature header").fill(wrong)
    page.get_by_label("Body as it is sent").fill(BODY)
    page.get_by_label("What your code signed").fill(text)
    page.get_by_role("button", name="Check the signature").click()

    expect(page.get_by_role("heading", name="The signature does not match")).to_be_visible()
    expect(page.get_by_text("The last newline, after the timestamp, is missing.")).to_be_visible()
    expect(page.get_by_text("The signature is base64; it must be lower-case hex.")).to_be_visible()
    expect(page.get_by_text("differs first in line 4, column 14")).to_be_visible()
    assert signed.pair.secret not in page.content()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.get_by_text("Node.js", exact=True).first.click()
    expect(page.get_by_text(re.compile("createHmac")).first).to_be_visible()
