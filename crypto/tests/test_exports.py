"""Exports: what they hold, in four formats; whole or not at all; restarted after a kill; gone after a day."""

# ruff: noqa: F811 - fixtures come by import

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import sys
import tracemalloc
from datetime import timedelta

import openpyxl
import pytest
from django.utils import timezone

from crypto import testing
from crypto.exports import links, services
from crypto.models import ChainTransaction, Export, Session
from crypto.tests.export_house import EVIL, ONE, START, ask, folder, pdf_pages, sessions  # noqa: F401
from gateway.lib.errors import InvalidFields
from gateway.lib.work import claim_due

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("folder")]


def content(export):
    return services.path_of(export).read_bytes()


def work():
    return services.drive_exports()


def test_a_small_one_is_ready_at_once(sessions, ask, folder):
    sessions(3)

    export = ask()

    assert (export.status, export.record_count, export.rows_done) == ("ready", 3, 3)
    assert export.file_size == len(content(export))
    assert timedelta(hours=23) < export.expires_at - timezone.now() <= timedelta(hours=24)
    assert [path.name for path in folder.iterdir()] == [export.file_name]
    assert (folder / export.file_name).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("format", ["csv", "xlsx", "json"])
def test_every_row_once_and_in_order_over_several_batches(sessions, ask, format, monkeypatch):
    """With two rows at each instant, so that a batch ends between rows of one."""
    monkeypatch.setattr("crypto.exports.selecting.BATCH", 7)
    sessions(50)
    export = ask(format=format)

    rows = read(export)
    assert export.record_count == 50
    assert sorted(row["reference"] for row in rows) == [f"R{number:07}" for number in range(1, 51)]
    by_time = [(row.created_at, row.pk) for row in Session.objects.order_by("created_at", "pk")]
    assert [row["session_id"] for row in rows] == [str(pk) for _, pk in by_time]


def read(export):
    """The rows as dicts by the names of the API."""
    from crypto.exports.selecting import sheet_of

    names = sheet_of(export.type).names
    if export.format == "json":
        return json.loads(content(export))["records"]
    if export.format == "csv":
        lines = list(csv.reader(io.StringIO(content(export).decode())))
    else:
        lines = list(openpyxl.load_workbook(io.BytesIO(content(export))).active.iter_rows(values_only=True))
    return [dict(zip(names, line, strict=True)) for line in lines[1:]]


def test_cells_are_typed_and_run_nothing(sessions, ask):
    sessions(3)

    sheet = openpyxl.load_workbook(io.BytesIO(content(ask(format="xlsx")))).active
    cells = {sheet.cell(1, at).value: sheet.cell(2, at) for at in range(1, sheet.max_column + 1)}
    assert sheet.freeze_panes == "A2"
    assert (cells["Amount"].value, cells["Amount"].data_type) == (1, "n")
    assert cells["Created (UTC)"].value == START.replace(tzinfo=None)
    assert cells["Customer e-mail"].value == f"'{EVIL}"
    assert EVIL.encode() not in content(ask(format="csv")).replace(f"'{EVIL}".encode(), b"")
    assert read(ask(format="json"))[0]["customer_email"] == EVIL


def test_json_is_one_object_with_the_forms_of_the_api(sessions, ask):
    sessions(3)

    told = json.loads(content(ask(format="json")))

    assert (told["type"], told["record_count"], len(told["records"])) == ("sessions", 3, 3)
    paid = next(row for row in told["records"] if row["status"] == "paid")
    assert (paid["amount"], paid["fee"], paid["net_amount"]) == ("3.00000000", "0.03000000", "2.97000000")
    assert paid["created_at"] == "2026-03-01T00:01:00Z"
    assert json.loads(content(ask(format="json", starts_at=START + timedelta(days=20))))["records"] == []


def test_a_pdf_has_a_header_totals_per_currency_and_page_numbers(sessions, ask):
    sessions(120)
    export = ask(format="pdf")

    pages = pdf_pages(content(export))
    assert len(pages) > 2
    assert "Sessions of Chai Point" in pages[0]
    assert "From 2026-03-01 00:00:00" in pages[0]
    assert "Test mode: no real money." in pages[0]
    assert all("Reference" in page and f"Page {number}" in page for number, page in enumerate(pages, 1))
    assert sum(page.count("R0000") for page in pages) == 120
    odd, even = (sum(n for n in range(1, 121) if n % 2 == rest) for rest in (1, 0))
    assert "Total: 120 rows" in pages[-1]
    assert f"Amount: {odd:,}.00000000 USDT" in pages[-1]
    assert f"Amount: {even:,}.00000000 USDC" in pages[-1]


def test_a_pdf_adds_up_no_movement_with_another_and_none_that_did_not_happen(cast, ask):
    kinds = [("incoming", "confirmed", 70), ("incoming", "confirmed", 50), ("incoming", "orphaned", 9),
             ("sweep", "confirmed", 120), ("outgoing", "confirmed", 30), ("outgoing", "failed", 8)]
    for number, (kind, status, tokens) in enumerate(kinds):
        ChainTransaction.objects.create(
            type=kind, status=status, merchant=cast.merchant, mode="test", network_id="BSC", currency="USDT",
            transaction_hash=f"0x{number}", amount_minor=tokens * ONE, raw_units=str(tokens), sender="a", recipient="b",
        )

    export = ask(type="transactions", format="pdf", ends_at=timezone.now() + timedelta(hours=1))

    last = pdf_pages(content(export))[-1]
    assert re.findall(r"Amount[^:]*: [0-9.,]+ [A-Z]+", last) == [
        "Amount, incoming, confirmed: 120.00000000 USDT", "Amount, outgoing, confirmed: 30.00000000 USDT",
        "Amount, sweep, confirmed: 120.00000000 USDT",
    ]
    assert "Total: 6 rows" in last


@pytest.mark.parametrize(("criteria", "count"), [
    ({}, 12), ({"status": "paid"}, 4), ({"currency": "USDC"}, 6), ({"network": "ETH"}, 0), ({"search": "r0000011"}, 1),
    ({"status": "expired", "currency": "USDT"}, 4),
])
def test_filters(sessions, ask, criteria, count):
    sessions(12)

    assert ask(criteria=criteria).record_count == count


def test_the_period_has_both_its_ends(sessions, ask):
    sessions(12)  # minutes 0 to 6

    assert ask(starts_at=START + timedelta(minutes=2), ends_at=START + timedelta(minutes=3)).record_count == 4
    with pytest.raises(InvalidFields):
        ask(starts_at=START, ends_at=START - timedelta(seconds=1))
    assert Export.objects.count() == 1


def test_nobody_elses_rows(cast, sessions, ask):
    sessions(5)
    Session.objects.filter(reference="R0000001").update(merchant=cast.other)
    Session.objects.filter(reference="R0000002").update(mode="live")

    assert sorted(row["reference"] for row in read(ask())) == ["R0000003", "R0000004", "R0000005"]


def test_transactions_and_addresses(cast, ask):
    session = testing.open_session(cast.merchant)
    testing.pay(session, "120")
    testing.confirm(session)
    now = {"starts_at": timezone.now() - timedelta(hours=1), "ends_at": timezone.now() + timedelta(hours=1)}

    (moved,) = read(ask(type="transactions", format="json", **now))
    (address,) = read(ask(type="addresses", format="json", **now))

    assert (moved["amount"], moved["reference"], moved["status"]) == ("120.00000000", session.reference, "confirmed")
    assert ask(type="transactions", criteria={"min_amount": 121 * ONE}, **now).record_count == 0
    assert ask(type="transactions", criteria={"type": "incoming", "max_amount": 120 * ONE}, **now).record_count == 1
    assert (address["address"], address["current_balance"], address["times_reused"]) == (
        session.address.address, "120.00000000", 1
    )
    assert address["is_active"] is True  # as the list of addresses answers it
    (row,) = csv.DictReader(io.StringIO(content(ask(type="addresses", **now)).decode()))
    assert row["Active"] == "yes"
    Export.objects.all().delete()
    assert ask(type="addresses", criteria={"status": "inactive"}, **now).record_count == 0
    for kind in ("transactions", "addresses"):
        for format in ("csv", "xlsx", "pdf"):
            assert ask(type=kind, format=format, **now).record_count == 1
            Export.objects.all().delete()


def test_no_worker_takes_a_small_one_from_whoever_asked(sessions, ask, monkeypatch):
    sessions(3)
    at_once, taken = services._make_at_once, []

    def meanwhile(export):
        taken.extend(claim_due(Export.objects.all()))
        at_once(export)

    monkeypatch.setattr(services, "_make_at_once", meanwhile)

    assert (ask().status, taken) == ("ready", [])


# Larger ones ------------------------------------------------------------------------------------------------


def test_a_larger_one_is_a_workers(sessions, ask, monkeypatch):
    monkeypatch.setattr(services, "SMALL", 10)
    sessions(10)

    export = ask()
    assert (export.status, export.rows_done, services.path_of(export).exists()) == ("pending", 0, False)
    assert work() == 1
    export.refresh_from_db()
    assert (export.status, export.record_count, len(read(export))) == ("ready", 10, 10)
    assert work() == 0


def test_two_are_not_written_at_once(sessions, ask, monkeypatch):
    monkeypatch.setattr(services, "SMALL", 1)
    sessions(2)
    first, _ = ask(), ask()
    Export.objects.filter(pk=first.pk).update(
        status="processing", lease="x", leased_until=timezone.now() + timedelta(seconds=30)
    )

    assert work() == 0


def test_a_merchant_has_only_so_many_under_way(sessions, ask, monkeypatch):
    monkeypatch.setattr(services, "SMALL", 1)
    sessions(2)
    for _ in range(services.MOST_OPEN):
        ask()

    with pytest.raises(services.TooManyExports):
        ask()
    assert Export.objects.count() == services.MOST_OPEN


def test_a_pdf_of_too_many_rows_is_refused(sessions, ask, monkeypatch):
    monkeypatch.setattr(services, "SMALL", 2)
    monkeypatch.setattr("crypto.exports.pdf.MOST_ROWS", 5)
    sessions(6)

    with pytest.raises(InvalidFields):
        ask(format="pdf")
    assert not Export.objects.exists()
    assert ask(format="csv").status == "pending"


def test_a_failure_is_tried_again_and_given_up_in_the_end(sessions, ask, monkeypatch, due_again, folder):
    monkeypatch.setattr(services, "SMALL", 1)
    sessions(2)
    export = ask()

    def broken(*_):
        raise OSError("disk full")

    monkeypatch.setattr("crypto.exports.writing.write", broken)
    for _ in range(services.MOST_TRIES):
        work()
        due_again(export)

    assert (export.status, export.tries, list(folder.iterdir())) == ("failed", services.MOST_TRIES, [])


def test_who_lost_the_lease_finishes_nothing(sessions, ask, monkeypatch, folder):
    monkeypatch.setattr(services, "SMALL", 1)
    sessions(2)
    export = ask()
    (mine,) = claim_due(Export.objects.filter(pk=export.pk))
    Export.objects.filter(pk=export.pk).update(lease="another")

    with pytest.raises(services.LeaseLost):
        services.make(mine)

    export.refresh_from_db()
    assert (export.status, export.lease, list(folder.iterdir())) == ("processing", "another", [])


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("point", ["export.batch", "export.written", "export.renamed"])
def test_a_killed_worker_leaves_no_half_file_and_the_next_one_begins_again(cast, sessions, ask, monkeypatch, point, folder):
    monkeypatch.setattr(services, "SMALL", 1)
    sessions(40)
    export = ask()
    killed = subprocess.run(
        [sys.executable, "-c", KILLED], env=os.environ | child_settings(folder) | {"CRASH_AT": point}, timeout=120,
        capture_output=True, text=True,
    )
    assert killed.returncode == 137, killed.stderr
    export.refresh_from_db()
    assert (export.status, export.is_ready) == ("processing", False)
    assert links.export_of_link(export.file_name, links.token_of(export)) is None

    Export.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
    work()

    export.refresh_from_db()
    assert (export.status, export.record_count, len(read(export))) == ("ready", 40, 40)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("format", ["csv", "xlsx"])
def test_after_kill_9_in_the_middle_the_file_is_whole_and_has_each_row_once(cast, sessions, ask, monkeypatch, format, folder):
    """The worker tells when it has written a batch, and waits there for its end."""
    monkeypatch.setattr(services, "SMALL", 1)
    monkeypatch.setattr("crypto.exports.selecting.BATCH", 10)
    sessions(40)
    export = ask(format=format)
    worker = subprocess.Popen(
        [sys.executable, "-c", HALF_WAY], env=os.environ | child_settings(folder), stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, text=True,
    )
    with worker:
        assert worker.stdout.readline() == "written\n"
        worker.kill()
    left = [file.name for file in folder.iterdir()]
    export.refresh_from_db()
    assert (worker.returncode, export.status, services.path_of(export).exists()) == (-9, "processing", False)
    assert [name.endswith(".part") for name in left] == [True]
    assert work() == 0  # the dead one's lease is still good

    Export.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
    assert work() == 1

    export.refresh_from_db()
    written = [row["session_id"] for row in read(export)]
    assert (export.status, export.record_count, export.tries) == ("ready", 40, 2)
    assert sorted(written) == sorted(str(pk) for pk in Session.objects.values_list("pk", flat=True))


HALF_WAY = """
import sys
import django; django.setup()
from crypto.exports import selecting, services
selecting.BATCH = 10
def tell(point):
    if point == "export.batch":
        print("written", flush=True)
        sys.stdin.read()
services.crash_point = tell
services.drive_exports()
"""
KILLED = """
import django; django.setup()
from django.conf import settings
from crypto.exports import services
services.drive_exports()
"""


def child_settings(folder):
    from django.conf import settings

    database = settings.DATABASES["default"]
    if settings.ON_POSTGRES:
        url = f"postgres://{database['USER']}:{database['PASSWORD']}@{database['HOST']}:{database['PORT']}/{database['NAME']}"
    else:
        url = f"sqlite:///{database['NAME']}"
    return {
        "DJANGO_SETTINGS_MODULE": "gateway.settings", "DATABASE_URL": url, "EXPORT_DIR": str(folder),
        "DATA_DIR": str(settings.DATA_DIR),
    }


def test_memory_does_not_grow_with_the_rows(sessions, ask, monkeypatch):
    """Four times as many rows, and no more memory than a batch of them takes."""
    monkeypatch.setattr("crypto.exports.selecting.BATCH", 100)

    def peak(rows, format):
        export = ask(format=format, ends_at=START + timedelta(minutes=rows // 2))
        tracemalloc.start()
        services._write(export, services.folder() / "draft")
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    monkeypatch.setattr(services, "_make_at_once", lambda export: None)
    monkeypatch.setattr(services, "wake", lambda *_: None)
    monkeypatch.setattr(services, "MOST_OPEN", 100)
    sessions(1_000)
    for format in ("csv", "xlsx", "json"):
        peak(100, format)
        assert peak(1_000, format) < 1.3 * peak(300, format) + 100_000
