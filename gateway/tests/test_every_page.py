"""Every page, as each role that may open it, in a real Chromium: axe finds nothing serious, light or dark, and nothing
is wider than a small phone.
"""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from axe_playwright_python.base import AXE_SCRIPT

from tests import filling, pages

pytestmark = [pytest.mark.browser, pytest.mark.long, pytest.mark.django_db(transaction=True)]
RUN = """async (only) => {
    const moving = document.getAnimations().filter(one => one instanceof CSSTransition);
    await Promise.all(moving.map(one => one.finished));
    const found = await axe.run(document, {runOnly: only, resultTypes: ['violations']});
    return found.violations.filter(one => ['serious', 'critical'].includes(one.impact))
        .map(one => one.id + ': ' + one.nodes.slice(0, 3).map(node => node.html.slice(0, 160) + ' ' +
            (node.any[0] || node.all[0] || node.none[0]).message).join(' | '));
}"""
ALL = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
CONTRAST = {"type": "rule", "values": ["color-contrast"]}
SMALL = 360


@pytest.fixture
def filled(cast, settings, monkeypatch):
    from crypto.keys import wallet

    for name, value in filling.SETTINGS.items():
        setattr(settings, name, value)
    settings.PROCESS = "signer"
    monkeypatch.setenv("CRYPTO_MNEMONIC", filling.WORDS)
    wallet.forget()
    yield filling.fill(cast)
    wallet.forget()


def shape_of(html):
    """Its elements with their classes, roles and states, each with the one after it. A page is looked at when it has
    something that no page before it had; the frame around it is that of the overview, which every role has its own of.
    """
    main = html[html.index("<main"):html.index("</main>")]
    left = r' (?!class|role|aria-|type|tabindex|open)[a-z-]+(="[^"]*")?|(?<=aria-label=")[^"]*'
    tags = [re.sub(left, "", tag) for tag in re.findall(r"<[a-z][^>]*>", main)]
    return frozenset(pairwise(tags))


def faults_of(page, path, *, dark=True):
    """What is wrong with a page, light, dark and small."""
    page.set_viewport_size({"width": 1280, "height": 900})
    answer = page.goto(path)
    if answer is None or answer.status not in (200, 404):
        return [f"{path}: {answer and answer.status}"]
    found = page.evaluate(RUN, ALL)
    if dark:
        page.emulate_media(color_scheme="dark")
        found += [f"dark: {fault}" for fault in page.evaluate(RUN, CONTRAST)]
        page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": SMALL, "height": 780})
    wide = page.evaluate("document.documentElement.scrollWidth")
    return [f"{path}: {fault}" for fault in found + ([f"{wide} px wide"] if wide > SMALL else [])]


def test_no_page_of_the_panel_is_left_out_and_axe_finds_nothing_serious(cast, browse, filled):
    assert pages.missing(filled) == set()
    users = {"super_admin": cast.super_admin, "admin": cast.admin, "merchant": cast.merchant_user, "api_user": cast.api_user}
    seen, coloured, faults = set(), set(), []

    for (role, mode), wanted in grouped(pages.panel_pages(filled)).items():
        page = browse(users[role], mode=mode)
        page.context.add_init_script(AXE_SCRIPT)
        for one in wanted:
            answer = page.request.get(one.path, max_redirects=0)
            if answer.status != 200:
                faults.append(f"{one.name} as {role}: {answer.status}")
            elif one.name == "overview" or (shape_of(answer.text()) - seen):
                shape = shape_of(answer.text())
                elements = {element for pair in shape for element in pair}
                found = faults_of(page, one.path, dark=bool(elements - coloured))
                faults += [f"{one.name} as {role}: {fault}" for fault in found]
                seen |= shape
                coloured |= elements

    assert faults == [], "\n".join(faults)


def grouped(all_pages):
    groups = {}
    for one in all_pages:
        groups.setdefault((one.role, one.mode), []).append(one)
    return groups


def test_axe_finds_nothing_serious_on_what_payers_and_strangers_see(browse, filled):
    page = browse(tolerates=("status of 404",))
    page.context.add_init_script(AXE_SCRIPT)
    hosted = pages.FRONT | filled.hosted

    faults = [f"{name}: {fault}" for name, path in hosted.items() for fault in faults_of(page, path)]

    assert faults == [], "\n".join(faults)
