"""The rules of the house that no other tool checks, so that they do not decay."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
DOMAIN = ("accounts", "ledger", "webhooks", "payments", "payouts", "crypto")
ALL = [ROOT / name for name in subprocess.check_output(
    ["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, text=True
).splitlines() if (ROOT / name).is_file()]
PYTHON = [path for path in ALL if path.suffix == ".py" and "migrations" not in path.parts]
CODE = [path for path in PYTHON if "tests" not in path.parts and path.name != "conftest.py"]
IN_DOMAIN = [path for path in CODE if path.relative_to(ROOT).parts[0] in DOMAIN]


def names(paths):
    return [str(path.relative_to(ROOT)) for path in paths]


def imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def test_no_file_is_longer_than_400_lines():
    long = [path for path in ALL if path.suffix in (".py", ".html", ".css", ".js") and "migrations" not in path.parts
            and "docs" not in path.parts and len(path.read_text().splitlines()) > 400]

    assert names(long) == []


def test_no_drawer_for_odds_and_ends():
    assert names(path for path in PYTHON if path.stem in ("utils", "util", "helpers", "common", "misc")) == []


def test_the_domain_knows_no_http():
    """No request, no response, no view; reading a link's path by its name is as far as it goes."""
    forbidden = ("django.http", "django.shortcuts", "django.views", "django.middleware", "django.contrib.messages")
    guilty = [path for path in IN_DOMAIN if any(name.startswith(forbidden) for name in imports(path))]

    assert names(guilty) == []


def test_nothing_but_advance_assigns_a_status():
    pattern = re.compile(r"\.status\s*=[^=]|update\([^)]*\bstatus=")
    guilty = [path for path in IN_DOMAIN if pattern.search(path.read_text())]
    # A delivery's status is a summary of its attempts, written where the attempt is recorded.
    # What counts compares in SQL.
    assert [name for name in names(guilty) if not name.startswith(("webhooks/", "crypto/counting.py"))] == []


@pytest.mark.parametrize("path", [path for path in CODE if path.name == "tasks.py"], ids=lambda path: path.parent.name)
def test_celery_tasks_are_entry_points_of_at_most_ten_lines(path):
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef):
            assert node.end_lineno - node.lineno < 10, node.name


def test_every_module_says_what_it_guarantees():
    """All code but the empty markers of packages and Django's little app files opens with a docstring."""
    silent = [path for path in CODE if path.read_text().strip() and path.name != "apps.py"
              and ast.get_docstring(ast.parse(path.read_text())) is None]

    assert names(silent) == []


def test_nothing_is_left_to_do_later_and_no_machine_is_named():
    pattern = re.compile(r"\bTODO\b|\bFIXME\b|\bXXX\b|/root/|/home/[a-z]|/work/")
    guilty = [path for path in ALL if path.suffix in (".py", ".html", ".css", ".js", ".md", ".toml", ".yaml", "")
              and path != Path(__file__) and path.name != "Dockerfile" and pattern.search(path.read_text(errors="ignore"))]

    assert names(guilty) == []


def test_every_scheduled_task_exists():
    from gateway.celery import app
    from gateway.schedule import beat_schedule

    app.loader.import_default_modules()

    assert [name for name in beat_schedule(2) if name not in app.tasks] == []


def test_what_may_take_hours_shares_its_process_with_nothing_that_is_waited_for():
    from gateway.celery import app

    app.loader.import_default_modules()
    queues = re.findall(r"^(\w+): .*--queues (\S+)", (ROOT / "Procfile").read_text(), re.M)
    taken_by = {queue: process for process, named in queues for queue in named.split(",")}
    by = {
        name: taken_by[app.amqp.router.route({}, name)["queue"].name]
        for name in app.tasks if not name.startswith("celery.")
    }
    long = {name for name in by if (app.tasks[name].time_limit or 0) > app.conf.task_time_limit}

    assert long == {"crypto.export", "crypto.reconcile", "ledger.verify"}
    assert {name for name, process in by.items() if process == "clerk"} == long | {"crypto.export_purge"}
