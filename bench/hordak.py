"""django-hordak's transfers, beside our postings: the same two lines on PostgreSQL, by its own way of booking them.

It is no dependency of ours and lives in an environment of its own, whose Python is named by BENCH_HORDAK:

    python -m venv /tmp/hordak && /tmp/hordak/bin/pip install -r requirements-bench.txt
    BENCH_HORDAK=/tmp/hordak/bin/python python -m bench hordak

That Python runs this module: `fill ACCOUNTS`, or `post SECONDS ACCOUNTS`, which prints transfers a second.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from importlib import import_module
from typing import Any

from bench import crowd

PYTHON = os.environ.get("BENCH_HORDAK", "")
_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "mptt", "hordak"]


def fill() -> None:
    """Its tables, in the benchmark's database, and its accounts."""
    _run("fill", str(max(crowd.WALLETS.values()))).check_returncode()


def rate(case: str, clients: int, seconds: int) -> float:
    """Transfers a second of `clients` processes."""
    command = [PYTHON, "-m", "bench.hordak", "post", str(seconds), str(crowd.WALLETS[case])]
    return crowd.rate(command, clients, _environment())


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([PYTHON, "-m", "bench.hordak", *arguments], env=_environment(), text=True)


def _environment() -> dict[str, str]:
    return {"HORDAK_DATABASE_URL": os.environ.get("BENCH_DATABASE_URL", ""), "PATH": os.environ["PATH"]}


def _start() -> Any:
    """Django with hordak's tables in a schema of their own, so that they meet none of ours."""
    from django.conf import settings

    parsed = import_module("dj_database_url").parse(os.environ["HORDAK_DATABASE_URL"])
    parsed["OPTIONS"] = {"options": "-c search_path=hordak"}
    settings.configure(
        INSTALLED_APPS=_APPS, DATABASES={"default": parsed}, USE_TZ=True, CURRENCIES=["INR"], DEFAULT_CURRENCY="INR",
        HORDAK_CURRENCIES=["INR"], HORDAK_DECIMAL_PLACES=2, DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    )
    import django

    django.setup()
    return import_module("hordak.models")


def _fill(models: Any, accounts: int) -> None:
    from django.core.management import call_command
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA IF NOT EXISTS hordak")
    call_command("migrate", verbosity=0)
    for name in ["house", *(f"wallet {number}" for number in range(accounts))]:
        models.Account.objects.create(name=name, type="AS", currencies=["INR"])


def _post(models: Any, seconds: float, accounts: int) -> float:
    house = models.Account.objects.get(name="house")
    wallets = list(models.Account.objects.filter(name__startswith="wallet").order_by("pk")[:accounts])
    rupee, count = import_module("moneyed").Money("1.00", "INR"), 0
    crowd.wait_for_the_others()
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        random.choice(wallets).transfer_to(house, rupee)
        count += 1
    return count / (time.monotonic() - began)


if __name__ == "__main__":
    if sys.argv[1] == "fill":
        _fill(_start(), int(sys.argv[2]))
    else:
        print(_post(_start(), float(sys.argv[2]), int(sys.argv[3])))
