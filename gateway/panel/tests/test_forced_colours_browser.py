"""Windows' contrast themes take grounds and shadows away: where one is, is still told, in a real Chromium."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def looks(page, selector, *names):
    """What the elements look like, each as a tuple of the named properties."""
    found = page.locator(selector).evaluate_all(
        "(all, names) => all.map(one => names.map(name => getComputedStyle(one)[name]))", list(names)
    )
    return {tuple(look) for look in found}


def test_where_one_is_in_the_menu_and_among_the_tabs_is_told(cast, browse, make_payout):
    make_payout(cast.merchant, by=cast.merchant_user)
    page = browse(cast.admin, forced_colors="active")
    page.goto("/panel/queue")
    expect(page.locator(".tab[aria-current]")).to_have_count(1)

    for one, look in ((".rail-link", "backgroundColor"), (".tab", "borderBottomColor")):
        here, others = looks(page, f"{one}[aria-current]", look), looks(page, f"{one}:not([aria-current])", look)
        assert (len(here), len(others)) == (1, 1)
        assert here != others
    here = page.locator(".mode-switch [aria-current]").evaluate("one => getComputedStyle(one).backgroundColor")
    assert (here,) not in looks(page, ".mode-switch :is(a, button):not([aria-current])", "backgroundColor")
