"""Contrast, from the colours that static/css/tokens.css names: 4.5 for text on buttons, 3 for the borders of controls
(WCAG 1.4.3 and 1.4.11), light and dark, hovered too. axe sees neither a hovered button nor a border."""

from __future__ import annotations

import re

import pytest
from django.contrib.staticfiles import finders

_PAIR = re.compile(r"--([a-z0-9-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);")


def colours():
    """{name: (light, dark)} of every token that has two colours."""
    with open(finders.find("css/tokens.css")) as sheet:
        return {name: (light, dark) for name, light, dark in _PAIR.findall(sheet.read())}


def luminance(colour):
    parts = [int(colour[at:at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("ground", ["accent", "accent-hover", "danger", "danger-hover"])
def test_the_text_of_a_button_can_be_read(ground):
    for colour in colours()[ground]:
        assert contrast("#ffffff", colour) >= 4.5, colour


@pytest.mark.parametrize("line", ["line-control", "line-hover"])
@pytest.mark.parametrize("ground", ["ground", "surface", "surface-raised", "surface-sunken"])
def test_the_border_of_a_control_can_be_seen(line, ground):
    for border, behind in zip(colours()[line], colours()[ground], strict=True):
        assert contrast(border, behind) >= 3, (border, behind)


def test_a_field_is_drawn_with_the_border_of_a_control():
    with open(finders.find("css/forms.css")) as sheet:
        text = sheet.read()
    drawn = re.search(r"\n\.input,\n\.select,\n\.textarea \{(.*?)\}", text, re.DOTALL)

    assert drawn
    assert "border: 1px solid var(--line-control);" in drawn[1]
