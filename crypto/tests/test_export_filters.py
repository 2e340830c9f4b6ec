"""What an export was narrowed to is told wherever it is shown: a printed total must say of what it is one."""

# ruff: noqa: F811 - fixtures come by import

from __future__ import annotations

import pytest

from crypto.exports import services
from crypto.tests.export_house import ONE, ask, folder, pdf_pages, sessions  # noqa: F401

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("folder")]


@pytest.mark.parametrize(("kind", "criteria", "told"), [
    ("sessions", {}, ""), ("sessions", {"status": "paid", "network": "BSC"}, "network BSC, status paid"),
    ("transactions", {"min_amount": 50 * ONE, "max_amount": 1}, "max amount 0.00000001, min amount 50.00000000"),
    ("addresses", {"has_balance": "true"}, "has balance true"),
])
def test_a_pdf_says_what_it_was_narrowed_to(sessions, ask, kind, criteria, told):
    sessions(3)

    export = ask(type=kind, format="pdf", criteria=criteria)

    assert export.narrowed_to == told
    first = pdf_pages(services.path_of(export).read_bytes())[0]
    assert ("Only:" in first, f"Only: {told}." in first) == (bool(told), bool(told))
