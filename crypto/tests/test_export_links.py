"""The links of exports, and the end of their files."""

# ruff: noqa: F811 - fixtures come by import

from __future__ import annotations

import os

import pytest
from django.utils import timezone

from crypto.exports import links, services
from crypto.exports.selecting import rows_of
from crypto.models import Export
from crypto.tests.export_house import ask, folder, sessions  # noqa: F401

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("folder")]


def test_a_link_opens_its_own_file_alone(sessions, ask):
    sessions(2)
    export, other = ask(), ask(format="json")
    token = links.token_of(export)

    assert links.export_of_link(export.file_name, token) == export
    assert links.export_of_link(other.file_name, token) is None
    assert links.export_of_link(export.file_name.replace("csv", "pdf"), token) is None
    assert links.export_of_link(export.file_name, token[:-1] + ("A" if token[-1] != "A" else "B")) is None
    assert links.export_of_link(export.file_name, "") is None


def test_after_a_day_link_and_file_are_gone(sessions, ask, folder, monkeypatch):
    sessions(2)
    export = ask()
    token = links.token_of(export)
    Export.objects.filter(pk=export.pk).update(expires_at=timezone.now())

    assert links.export_of_link(export.file_name, token) is None
    assert (services.purge(), list(folder.iterdir())) == (1, [])
    export.refresh_from_db()
    assert (export.status, services.purge()) == ("expired", 0)


def test_drafts_that_nobody_writes_any_more_are_thrown_away(ask, folder):
    fresh, old = services.folder() / "exp_a.1.part", services.folder() / "exp_b.2.part"
    fresh.touch()
    old.touch()
    os.utime(old, (0, 0))

    assert services.purge() == 1
    assert [path.name for path in folder.iterdir()] == ["exp_a.1.part"]


def test_exports_are_of_their_merchant_and_mode(cast, sessions, ask, viewer_of):
    sessions(1)
    export = ask()

    assert list(links.visible_exports(viewer_of(cast.merchant_user))) == [export]
    for viewer in (viewer_of(cast.merchant_user, "live"), viewer_of(cast.other_user), viewer_of(cast.api_user)):
        assert not links.visible_exports(viewer).exists()
    assert rows_of(export).count() == 1
