"""`docs/dashboard.md`, run as it is printed, line by line, in one shell against a running server; the payer pays meanwhile."""

import json
import re
import shutil
from pathlib import Path

import pytest

from crypto import testing
from crypto.models import Export, Session
from crypto.tests.conftest import _blocks_by_hand  # noqa: F401
from gateway.contracts.dashboard.testing import Dashboard
from gateway.contracts.tests.test_checkout_quickstart import Shell
from ledger.testing import assert_ledger_balances

GUIDE = Path(__file__).resolve().parents[3] / "docs" / "dashboard.md"
BLOCKS = re.findall(r"^```(sh|json)\n(.*?)^```$", GUIDE.read_text(), re.M | re.S)


def shown_in(printed, expected):
    """`expected` with only the members that the guide shows, from the answer's data or its error."""
    body = json.loads(printed)
    body = body.get("data", body)
    return {name: body[name] for name in expected}


def pay_as_the_page_does():
    """What the button at `payment_url` and a watcher do, instead of waiting for them."""
    session = Session.objects.get()
    testing.pay(session)
    testing.confirm(session)


@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("bash")), reason="needs curl and bash")
@pytest.mark.django_db(transaction=True)
def test_the_guide_works_as_printed(cast, live_server, tmp_path, settings):
    settings.EXPORT_DIR = str(tmp_path / "exports")
    testing.add_addresses("BSC")
    variables = {"BASE": f"{live_server.url}/api/v1", "KEY": Dashboard(cast.merchant).key}
    shell, printed, compared = Shell(tmp_path, variables), "", 0

    for kind, text in BLOCKS[1:]:
        if kind == "json":
            expected = json.loads(text)
            assert shown_in(printed, expected) == expected
            compared += 1
            continue
        for line in text.strip().splitlines():
            if line.startswith("sleep"):
                pay_as_the_page_does()
            else:
                printed = shell.run(line) or printed
    shell.process.stdin.close()
    shell.process.wait(5)

    assert "…" in BLOCKS[0][1]
    assert compared == 8
    assert (Export.objects.get().status, Session.objects.get().status) == ("ready", "paid")
    assert_ledger_balances()
