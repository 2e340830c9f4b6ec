"""Runs tests of the suite on the proof's own PostgreSQL and Redis, with greater counts than `make test` gives them.

`PROOF_ROUNDS` (read by `conftest.py`) repeats every test marked `race`; other counts have environment variables of
their own, beside the tests that read them.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from proof.services import services

ROOT = Path(__file__).resolve().parent.parent


def passes(*arguments: str, workers: int = 2, **settings: str) -> int:
    """How many tests passed. Fails with pytest's own words, and when nothing ran or something was left out."""
    own = services()
    environment = {
        "DATABASE_URL": own.postgres.url("proof"), "REDIS_URL": own.redis.url(8), "CELERY_BROKER_URL": "",
        "BROWSER_TESTS": "0",
    } | settings
    kept = {name: value for name, value in os.environ.items() if name not in (*environment, "PORT")}
    with tempfile.TemporaryDirectory(prefix="gateway-proof-") as folder:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-n", str(workers), "--dist", "worksteal", *arguments], cwd=ROOT, text=True,
            capture_output=True, check=False,
            env=kept | {name: value for name, value in environment.items() if value} | {"DATA_DIR": folder},
        )
    last = done.stdout.strip().rpartition("\n")[2]
    found = re.search(r"(\d+) passed", last)
    assert done.returncode == 0 and found and "skipped" not in last, (done.stdout + done.stderr)[-6000:]
    return int(found[1])
