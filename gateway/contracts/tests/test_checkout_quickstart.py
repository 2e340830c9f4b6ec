"""`docs/checkout.md`, run as it is printed, line by line, in one shell against a running server with a worker beside it."""

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from django.db import connections

from accounts.models import Merchant
from gateway.contracts.checkout.testing import Checkout
from ledger.testing import assert_ledger_balances
from payments.work import drive_payments, drive_refunds

GUIDE = Path(__file__).resolve().parents[3] / "docs" / "checkout.md"
BLOCKS = re.findall(r"^```(sh|json|python)\n(.*?)^```$", GUIDE.read_text(), re.M | re.S)


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


class Shell:
    """One bash that lives for the whole guide, so that variables do too."""

    def __init__(self, folder, variables):
        self.process = subprocess.Popen(
            ["bash"], cwd=folder, env=os.environ | variables, text=True, bufsize=1,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )

    def run(self, line):
        """What the line printed; it must end well."""
        self.process.stdin.write(f"{line}\nprintf '\\n<end %s>\\n' $?\n")
        printed = []
        for text in self.process.stdout:
            if text.startswith("<end "):
                assert text == "<end 0>\n", (line, printed)
                return "".join(printed).strip()
            printed.append(text)
        raise AssertionError(f"the shell ended at {line}")


def shown_in(printed, expected):
    """`expected` with only the members that the guide shows."""
    body = json.loads(printed)
    return {name: body[name] for name in expected}


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
    shell.process.stdin.close()
    shell.process.wait(timeout=10)

    assert "…" in BLOCKS[0][1]
    assert (lines, compared) == (29, 9)
    assert_ledger_balances()
