"""A web process ends when it is told to, at any moment of its life."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from gateway import run
from tests.story import free_port, wait_for


@pytest.fixture
def master(tmp_path):
    """`master(module)`: the web service of the Procfile, whose worker comes to stand still where it loads `module`."""
    started = []

    def master(module):
        mark = tmp_path / "stands"
        (tmp_path / f"{module}.py").write_text(f"import time\nopen({str(mark)!r}, 'w').close()\ntime.sleep(60)\n")
        environment = os.environ | {"PYTHONPATH": str(tmp_path), "DJANGO_SETTINGS_MODULE": "slow_settings"}
        line = next(line for line in (Path(run.ROOT) / "Procfile").read_text().splitlines() if line.startswith("web:"))
        (web,) = run.services(line)
        command = [*web.command, "--port", str(free_port())]
        started.append(subprocess.Popen(command, cwd=run.ROOT, env=environment, start_new_session=True))
        wait_for(mark.exists, seconds=30)
        return started[0]

    yield master
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)


@pytest.mark.parametrize("module", ["a2wsgi", "slow_settings"], ids=["its-first-import", "django"])
def test_a_stop_while_a_worker_is_still_loading_does_not_wait_for_it(master, module):
    process = master(module)

    process.send_signal(signal.SIGTERM)

    assert process.wait(10) == 0  # its patience with a worker is twice that
