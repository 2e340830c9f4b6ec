"""Every page there is, and who may open it: the addresses of the panel for each role, and the payers' pages.

An address that names a record is opened with the one that `tests/filling` made for it. An address that it made none
for is named by `missing`: a new page is in no walk before somebody has filled it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.urls import reverse

from gateway.panel import urls
from tests.filling import Filled, Place

# What answers a GET, and is no page.
NO_PAGES = {
    **dict.fromkeys(("batch-file", "export-file", "trial-balance-xlsx", "account-statement-pdf",
                    "account-statement-xlsx"), "a file"),
    "reference": "leads on to the portal's", "security-remove": "refused while there is no authenticator",
    "security-set-up": "shown by its own test: it makes a secret",
}
# Without a sign-in, in the order somebody meets them.
FRONT = {"front": "/", "sign-in": "/panel/sign-in", "lost-password": "/panel/password/lost", "missing": "/panel/nothing"}


@dataclass(frozen=True, slots=True)
class Page:
    name: str
    role: str
    mode: str
    path: str


def panel_pages(filled: Filled) -> Iterator[Page]:
    """Each page of the panel for each role that may open it."""
    for pattern in _readable():
        if pattern.name in missing(filled):
            continue
        for place in filled.places.get(pattern.name, [Place()]):
            for role in pattern.callback.panel_roles:
                path = reverse(f"panel:{pattern.name}", args=place.of(role))
                yield Page(pattern.name, role, place.mode, f"{path}?{place.query}" if place.query else path)


def missing(filled: Filled) -> set[str]:
    """Addresses with a record in them that nothing was filled in for."""
    return {pattern.name for pattern in _readable() if pattern.pattern.converters and pattern.name not in filled.places}


def _readable():
    for pattern in urls.urlpatterns:
        view = pattern.callback
        if hasattr(view, "panel_roles") and "GET" in view.panel_methods and pattern.name not in NO_PAGES:
            yield pattern
