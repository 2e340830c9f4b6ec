"""`make test`: the whole suite on SQLite, and again on PostgreSQL and Redis where they can be reached.

The second run leaves out what another database cannot change: tests that touch none, and those in a browser.

`TEST_DATABASE_URL` and `TEST_REDIS_URL` name the services (default: the usual local ports). `REQUIRE_SERVICES=1`
fails without them, `REQUIRE_BROWSER=1` without a chromium, `REQUIRE_LANGUAGES=1` without those that the signed API's
samples are written in; otherwise what could not run is said in the last line.
Extra arguments go to pytest.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from urllib.parse import urlsplit

POSTGRES = os.environ.get("TEST_DATABASE_URL", "postgres://postgres@127.0.0.1:5432/gateway")
REDIS = os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379/8")
LANGUAGES = ("node", "php", "java")
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def main() -> int:
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    services = _reachable(POSTGRES, 5432) and _reachable(REDIS, 6379)
    absent = [name for name in LANGUAGES if not shutil.which(name)]
    if missing := _missing(bool(browser), services, absent):
        print(f"Required and not reachable: {missing}.")
        return 1
    # The 200 random stories of the money machine are told on this database or, half and half, on both.
    stories = os.environ.get("MONEY_MACHINE_RUNS", "100" if services else "200")
    shared = {"BROWSER_TESTS": "1" if browser else "0", "CHROMIUM": browser or "", "MONEY_MACHINE_RUNS": stories}
    codes = [_pytest(shared | {"DATABASE_URL": "", "REDIS_URL": "", "CELERY_BROKER_URL": ""})]
    if services:
        second = {"DATABASE_URL": POSTGRES, "REDIS_URL": REDIS, "CELERY_BROKER_URL": "", "SECOND_RUN": "1"}
        codes.append(_pytest(shared | second))
    print(_summary(bool(browser), services, absent, codes), flush=True)
    return max(codes)


def _reachable(url: str, port: int) -> bool:
    parts = urlsplit(url)
    try:
        socket.create_connection((parts.hostname or "127.0.0.1", parts.port or port), timeout=1).close()
    except OSError:
        return False
    return True


def _missing(browser: bool, services: bool, absent: list[str]) -> str:
    wanted = (
        ("REQUIRE_SERVICES", services, "PostgreSQL and Redis"), ("REQUIRE_BROWSER", browser, "chromium"),
        ("REQUIRE_LANGUAGES", not absent, " and ".join(absent)),
    )
    return ", ".join(words for name, there, words in wanted if os.environ.get(name) == "1" and not there)


def _pytest(settings: dict[str, str]) -> int:
    """One run, in a data folder of its own that goes when it ends."""
    environment = os.environ | settings
    environment = {name: value for name, value in environment.items() if value or name not in settings}
    print(f"── {settings['DATABASE_URL'].split(':')[0] or 'sqlite'} ──", flush=True)
    with tempfile.TemporaryDirectory(prefix="gateway-test-") as folder:
        # Our own order of files (conftest.py): xdist's begins with those of many tests, and ends with the long ones.
        several = ["-n", "3", "--dist", "loadfile", "--no-loadscope-reorder"]
        command = [sys.executable, "-m", "pytest", *several, *sys.argv[1:]]
        return subprocess.run(command, env=environment | {"DATA_DIR": folder}, check=False).returncode


def _summary(browser: bool, services: bool, absent: list[str], codes: list[int]) -> str:
    ran = "SQLite and PostgreSQL + Redis" if services else "SQLite alone (no PostgreSQL and Redis reachable)"
    eyes = "with a real browser" if browser else "WITHOUT the browser tests (no chromium found)"
    samples = f", WITHOUT the samples in {' and '.join(absent)} (not on this machine)" if absent else ""
    rules = "" if shutil.which("promtool") else ", WITHOUT promtool (Debian's prometheus) on the alert rules"
    return f"Ran on {ran}, {eyes}{samples}{rules}: {'passed' if not any(codes) else 'FAILED'}."


if __name__ == "__main__":
    sys.exit(main())
