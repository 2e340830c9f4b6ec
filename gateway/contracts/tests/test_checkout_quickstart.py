"""`docs/checkout.md`, run as it is printed, line by line, in one shell against a running server with a worker beside it."""

import json
import os
import shutil
import subprocess
import sys
import threading

import pytest
from django.db import connections

from accounts.models import Merchant
from gateway.contracts.checkout.testing import Checkout
from gateway.contracts.guide_testing import Shell, blocks, shown_in
from ledger.testing import assert_ledger_balances
from payments.work import drive_payments, drive_refunds

BLOCKS = blocks("checkout.md")


@pytest.fixture
def worker(settings):
    """What `make run` starts beside the server: drives what is due, again and again."""
    settings.SANDBOX_PAYMENT_DELAY_SECONDS = 0.2
    stop = threading.Event()

    def run():
        try:
            while not stop.wait(0.2):
                drive_payments()
                drive_refunds()
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    yield
    stop.set()
    thread.join()


@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("bash")), reason="needs curl and bash")
@pytest.mark.django_db(transaction=True)
def test_the_guide_works_as_printed(cast, fund, live_server, worker, tmp_path, settings):
    Merchant.objects.update(public_checkout=True)
    fund(cast.merchant, 100_000)
    pair = Checkout(cast.merchant).pair
    variables = {"BASE": f"{live_server.url}/api/v1", "KEY": pair.identifier, "SECRET": pair.secret}
    shell, printed, compared, lines = Shell(tmp_path, variables), "", 0, 0

    for kind, text in BLOCKS[1:]:
        if kind == "sh":
            for line in text.strip().splitlines():
                printed = shell.run(line) or printed
                lines += 1
                if line.startswith("curl"):
                    assert "error" not in json.loads(printed), printed
        elif kind == "json":
            expected = json.loads(text)
            assert shown_in(printed, expected) == expected
            compared += 1
        else:
            subprocess.run([sys.executable, "-c", text], env=os.environ | variables, check=True, timeout=60)
    shell.close()

    assert "…" in BLOCKS[0][1]
    assert (lines, compared) == (30, 10)
    assert_ledger_balances()
