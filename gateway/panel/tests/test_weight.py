"""What a first visit costs: the sign-in page and the overview behind it with all they ask for, as served in production
(static files compressed, pages not), and nothing in the cache."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from django.urls import reverse

MOST = 150_000
_ASKED = re.compile(r"""(?:src|href)="(/static/[^"#?]+)|url\(["']?(?:\.\./)?([a-z]+/[^)"'#]+)""")


@pytest.fixture(autouse=True)
def plain_names(settings):
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = settings.STORAGES | {"staticfiles": plain}


def asked_for(text):
    return {one.removeprefix("/static/") or two for one, two in _ASKED.findall(text)}


def served(name):
    found = finders.find(name)
    assert found, name
    return Path(found).read_bytes()


def everything(html):
    """The names of all static files that a page asks for, those of its style sheets among them."""
    names = asked_for(html)
    return names | {more for name in names if name.endswith(".css") for more in asked_for(served(name).decode())}


def test_the_first_pages_weigh_less_than_150_kb(cast, signed_in):
    pages = [Client().get(reverse("panel:sign-in")), signed_in(cast.admin).get(reverse("panel:overview"))]

    files = set().union(*(everything(page.content.decode()) for page in pages))
    weight = sum(len(page.content) for page in pages) + sum(len(gzip.compress(served(name))) for name in files)

    assert len(files) > 10
    assert weight < MOST, f"{weight} bytes: {sorted(files)}"
