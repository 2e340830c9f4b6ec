"""The crypto payment page in a real chromium: scanned, paid on the simulated chain, and followed to its end."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from crypto import testing, watcher
from crypto.chains.simulated import control
from gateway.pay.camera_testing import read_picture

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def by_hand(settings):
    settings.SIMULATED_BLOCK_SECONDS = 0


@pytest.fixture
def session(cast):
    return testing.open_session(cast.merchant, "100", network="BSC", description="Two pots of tea")


def blocks(count):
    control.mine("BSC", count)
    watcher.watch_network("BSC", "test")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_camera_reads_the_code(session, browse, scheme):
    page = browse(width=390, color_scheme=scheme, device_scale_factor=3)
    page.goto(f"/pay/{session.pk}")

    picture = page.locator("svg.qr").screenshot()

    text = read_picture(picture)
    assert text == page.get_by_role("link", name="Open in a wallet").get_attribute("href")
    assert f"address={session.address.address}&uint256=100000000000000000000" in text


def test_a_payer_pays_and_the_page_follows_to_the_end(session, browse):
    page = browse(width=390, height=844)
    page.goto(f"/pay/{session.pk}")

    page.get_by_role("button", name="Pay exactly").click()
    page.wait_for_url(re.compile(str(session.pk)))
    expect(page.get_by_role("heading", name="Send 100.00 USDT")).to_be_visible()
    blocks(3)
    expect(page.get_by_role("heading", name="Payment seen")).to_be_visible()
    expect(page.get_by_text("3 of 12 confirmations")).to_be_visible()
    blocks(4)
    expect(page.get_by_text("7 of 12 confirmations")).to_be_visible()
    blocks(5)

    expect(page.get_by_role("heading", name="Payment received")).to_be_focused()
    expect(page).to_have_title(re.compile("^Payment received"))
    expect(page.locator("#session[hx-get]")).to_have_count(0)
    expect(page.get_by_role("button", name="Pay exactly")).to_have_count(0)


def test_without_script_the_forms_work(session, browse):
    page = browse(java_script_enabled=False)
    page.goto(f"/pay/{session.pk}")
    page.get_by_role("button", name="Pay less").click()
    page.get_by_role("heading", name="Send 100.00 USDT").wait_for()
    blocks(12)
    page.reload()
    page.get_by_role("heading", name="40.00 USDT is still missing").wait_for()

    page.get_by_text("Paid already, and it does not show?").click()
    page.get_by_label("Transaction hash").fill("0x" + "ab" * 32)
    page.get_by_role("button", name="Look it up").click()

    page.get_by_text("It is being looked up.").wait_for()


def test_a_hash_half_typed_outlives_the_blocks_and_the_part_that_arrives(session, browse):
    page = browse(width=390, height=844)
    page.goto(f"/pay/{session.pk}")
    page.get_by_text("Paid already, and it does not show?").click()
    field = page.get_by_label("Transaction hash")
    field.press_sequentially("0xabc")

    testing.pay(session, "60")
    blocks(3)
    expect(page.get_by_text("3 of 12")).to_be_visible()
    blocks(9)

    expect(page.get_by_role("heading", name="40.00 USDT is still missing")).to_be_visible()
    expect(field).to_be_focused()
    field.press_sequentially("def")
    expect(field).to_have_value("0xabcdef")


@pytest.mark.parametrize("width", [320, 390, 768, 1440])
def test_nothing_is_wider_than_the_screen(session, browse, width):
    testing.pay(session, "60")
    blocks(1)
    page = browse(width=width)
    page.goto(f"/pay/{session.pk}")
    page.get_by_role("heading", name="40.00 USDT is still missing").wait_for()

    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_forced_colours_leave_the_bar_and_the_spinner(session, browse):
    page = browse(width=390, height=844, forced_colors="active", reduced_motion="reduce")
    page.goto(f"/pay/{session.pk}")
    page.get_by_role("button", name="Pay exactly").click()
    page.wait_for_url(re.compile(str(session.pk)))
    blocks(3)
    expect(page.get_by_text("3 of 12 confirmations")).to_be_visible()

    bar = page.get_by_role("progressbar")
    seen = {value: bar.evaluate(f"bar => {{ bar.value = {value} }}") or bar.screenshot() for value in (0, 6, 12)}
    assert len(set(seen.values())) == 3
    sides = "one => { const style = getComputedStyle(one); return [style.borderTopColor, style.borderRightColor]; }"
    top, right = page.locator(".pay-spinner").evaluate(sides)
    assert top != right


def test_what_is_pressed_is_large_enough_on_a_small_phone(session, browse):
    page = browse(width=320, height=568)
    page.goto(f"/pay/{session.pk}")

    for one in (page.get_by_role("link", name="Open in a wallet"), page.locator(".coin-claim > summary")):
        assert one.bounding_box()["height"] >= 24
