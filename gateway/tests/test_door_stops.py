"""A web process ends when it is told to, at any moment of its life."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from gateway import run
from tests.story import free_port, wait_for


def test_a_stop_while_django_is_still_loading_does_not_wait_for_it(tmp_path):
    mark = tmp_path / "loading"
    (tmp_path / "slow_settings.py").write_text(f"import time\nopen({str(mark)!r}, 'w').close()\ntime.sleep(60)\n")
    environment = os.environ | {"PYTHONPATH": str(tmp_path), "DJANGO_SETTINGS_MODULE": "slow_settings"}
    line = next(line for line in (Path(run.ROOT) / "Procfile").read_text().splitlines() if line.startswith("web:"))
    (web,) = run.services(line)
    command = [Path(sys.executable).with_name("granian"), *web.command[1:], "--port", str(free_port())]
    master = subprocess.Popen(command, cwd=run.ROOT, env=environment, start_new_session=True)
    try:
        wait_for(mark.exists, seconds=20)
        master.send_signal(signal.SIGTERM)

        assert master.wait(10) == 0  # its patience with a worker is twice that
    finally:
        if master.poll() is None:
            os.killpg(master.pid, signal.SIGKILL)
