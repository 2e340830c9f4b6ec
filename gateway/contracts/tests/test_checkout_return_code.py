"""The functions that `docs/checkout.md` prints for a merchant's return page, run as they are printed."""

import hashlib
import hmac
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

GUIDE = Path(__file__).resolve().parents[3] / "docs" / "checkout.md"


@pytest.mark.parametrize("language", ["python", "js"])
def test_the_guides_check_of_the_way_back_works(language):
    """The printed function, with what the page would bring, and with what a payer could make up."""
    blocks = re.findall(rf"^```{language}\n(.*?)^```$", GUIDE.read_text(), re.M | re.S)
    (printed,) = [text for text in blocks if "paid" in text.lower()]
    signature = hmac.new(b"rs_test_x", b"order_1|pay_1", hashlib.sha256).hexdigest()
    good = {"order_id": "order_1", "payment_id": "pay_1", "status": "paid", "signature": signature}
    queries = [good, *(good | change for change in (
        {"signature": "0" * 64}, {"signature": ""}, {"signature": "x"}, {"order_id": "order_2"}, {"payment_id": "pay_2"},
        {"status": "failed"}, {"signature": "\u00e9" * 64},
    ))]
    # What the page brings from payers who did not pay, and what an address without any of it brings.
    queries += [{"status": status, "order_id": "order_1"} for status in ("cancelled", "expired", "paid")] + [{}]

    if language == "python":
        program = [sys.executable, "-c", printed + f"\nfor query in {queries!r}: print(str(came_back_paid('rs_test_x', query)).lower())"]
    else:
        node = shutil.which("node") or pytest.skip("needs node")
        asked = f"\nfor (const query of {json.dumps(queries)}) console.log(cameBackPaid('rs_test_x', query));"
        program = [node, "-e", printed + asked]
    said = subprocess.run(program, check=True, timeout=60, capture_output=True, text=True).stdout.split()

    assert said == ["true"] + ["false"] * 11
