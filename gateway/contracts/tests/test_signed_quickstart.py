"""`docs/signed.md`, run as it is printed, line by line, in one shell against a running server with a worker beside it."""

import hashlib
import hmac
import json
import shutil
import threading
import time

import pytest
from django.db import connections

from accounts.models import Merchant
from gateway.contracts.guide_testing import Shell, blocks, shown_in
from gateway.contracts.signed.testing import Signed
from ledger.testing import assert_ledger_balances
from payouts.work import drive_payouts

TOOLS = ("bash", "curl", "openssl")


@pytest.fixture
def worker(settings):
    """What `make run` starts beside the server: drives what is due, again and again."""
    settings.SANDBOX_BANK_DELAY_SECONDS = 0.2
    stop = threading.Event()

    def run():
        try:
            while not stop.wait(0.2):
                drive_payouts()
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    yield
    stop.set()
    thread.join()


@pytest.mark.skipif(not all(map(shutil.which, TOOLS)), reason=f"needs {', '.join(TOOLS)}")
@pytest.mark.django_db(transaction=True)
def test_the_guide_works_as_printed(cast, fund, live_server, worker, tmp_path):
    Merchant.objects.update(payout_auto_approve_minor=10_000_00)
    fund(cast.merchant, 1_000_00)
    pair = Signed(cast.merchant).pair
    variables = {"BASE": live_server.url, "ACCESS_KEY": pair.identifier, "SECRET_KEY": pair.secret}
    shell, printed, compared = Shell(tmp_path, variables), "", 0

    guide = blocks("signed.md")
    for kind, text in guide[1:]:
        if kind == "sh":
            for line in text.strip().splitlines():
                printed = shell.run(line) or printed
        elif kind == "json":
            expected = json.loads(text)
            assert shown_in(printed, expected) == expected
            compared += 1
    shell.close()

    assert "…" in guide[0][1]
    assert compared == 6
    assert_ledger_balances()


def test_the_guides_own_verifier_believes_our_deliveries_and_no_others():
    (code,) = (text for kind, text in blocks("signed.md") if kind == "python")
    names = {}
    exec(code, names)
    timestamp, body = str(int(time.time() * 1000)), b'{"event":"payin.succeeded"}'
    good = hmac.new(b"whsec_x", b"POST\n/hooks\n" + body + f"\n{timestamp}\n".encode(), hashlib.sha256).hexdigest()

    assert names["is_genuine"]("whsec_x", "/hooks", body, timestamp, good)
    assert not names["is_genuine"]("whsec_y", "/hooks", body, timestamp, good)
    assert not names["is_genuine"]("whsec_x", "/hooks", body + b" ", timestamp, good)
    old = str(int(timestamp) - 600_000)
    stale = hmac.new(b"whsec_x", b"POST\n/hooks\n" + body + f"\n{old}\n".encode(), hashlib.sha256).hexdigest()
    assert not names["is_genuine"]("whsec_x", "/hooks", body, old, stale)
