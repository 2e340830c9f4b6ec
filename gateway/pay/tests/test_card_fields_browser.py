"""What a payer types, pastes or has filled in, as the fields of a card read it, in a real Chromium."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from gateway.pay.tests.paying import choose, open_page, problem

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def fields(make_order, browse):
    page = browse()
    open_page(page, make_order())
    choose(page, "Card")
    return page, *(page.get_by_label(label) for label in ("Card number", "Expiry", "CVV"))


def paste(page, field, text):
    field.fill("")
    field.focus()
    page.keyboard.insert_text(text)


def test_an_expiry_is_read_however_it_is_written(fields):
    page, _, expiry, cvv = fields
    for text in ("04/2039", "04 2039", "042039", "4/39", "04/39", "0439", "4 / 2039", "04-39"):
        paste(page, expiry, text)
        expect(expiry).to_have_value("04/39")
        expect(problem(page, "Expiry")).to_have_count(0)
        cvv.focus()
        expect(problem(page, "Expiry")).to_have_count(0)

    for text, read in (("12/2039", "12/39"), ("122039", "12/39"), ("1/39", "01/39"), ("439", "04/39"), ("1/2039", "01/39")):
        expiry.fill("")
        for key in text:
            expiry.press(key)
            expect(problem(page, "Expiry")).to_have_count(0)
        expect(expiry).to_have_value(read)
        cvv.focus()
        expect(problem(page, "Expiry")).to_have_count(0)


def test_a_year_is_called_past_when_it_is_whole_or_left(fields):
    page, _, expiry, cvv = fields

    expiry.press_sequentially("12/20")
    expect(problem(page, "Expiry")).to_have_count(0)
    cvv.focus()
    expect(problem(page, "Expiry")).to_have_text("This card has expired.")
    expiry.press("End")
    expiry.press("3")
    expect(problem(page, "Expiry")).to_have_count(0)
    expect(expiry).to_have_value("12/203")
    expiry.press("9")
    expect(expiry).to_have_value("12/39")
    expect(problem(page, "Expiry")).to_have_count(0)

    paste(page, expiry, "04/2019")
    expect(expiry).to_have_value("04/19")
    expect(problem(page, "Expiry")).to_have_text("This card has expired.")


def test_what_is_changed_in_the_middle_keeps_its_place_until_it_is_left(fields):
    page, _, expiry, cvv = fields
    paste(page, expiry, "04/39")

    expiry.press("Home")
    for _ in range(3):
        expiry.press("ArrowRight")
    page.keyboard.insert_text("20")

    assert expiry.evaluate("field => [field.value, field.selectionStart]") == ["04/2039", 5]
    cvv.focus()
    expect(expiry).to_have_value("04/39")
    expect(problem(page, "Expiry")).to_have_count(0)


def test_digits_of_any_script_are_digits(fields):
    page, number, expiry, cvv = fields

    paste(page, number, "४९२९९३९१८७३५५५९८")
    paste(page, expiry, "१२/३९")
    paste(page, cvv, "९०७")

    expect(number).to_have_value("4929 9391 8735 5598")
    expect(expiry).to_have_value("12/39")
    expect(cvv).to_have_value("907")
    for written, read in (("٤٢", "42"), ("۴۲", "42"), ("৪২", "42"), ("４２", "42"), ("𝟒𝟐", "42")):
        paste(page, number, written)
        expect(number).to_have_value(read)
    paste(page, number, "4222")
    number.press("Home")
    page.keyboard.insert_text("४")
    assert number.evaluate("field => [field.value, field.selectionStart]") == ["44222", 1]
