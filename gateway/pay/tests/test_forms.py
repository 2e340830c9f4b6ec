"""What the payer's forms read out of what was typed, without the page's script."""

from __future__ import annotations

import pytest

from gateway.pay.forms import CardForm, UpiForm, UtrForm


def test_a_card_is_read_in_any_script():
    form = CardForm({"number": "४९२९ 9391", "expiry": "०४/३९", "cvv": "٩٠٧"})

    assert form.is_valid()
    assert (form.cleaned_data["number"], form.cleaned_data["cvv"]) == ("4929 9391", "907")
    assert form.month_and_year() == ("04", "39")


@pytest.mark.parametrize("form_class", [UtrForm, UpiForm])
def test_a_utr_is_read_in_any_script(form_class):
    form = form_class({"utr": "४२१३AB०९८७६५"})

    assert form.is_valid()
    assert form.cleaned_data["utr"] == "4213AB098765"
