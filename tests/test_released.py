"""requirements.txt: everything pinned, nothing missing, nothing too much. That the gateway runs on it alone is shown by
the stories of `test_story.py` and `test_compose.py`, whose processes find nothing else."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version

from tests import released


def test_what_is_pinned_is_what_is_needed():
    pinned = {released.plain(one.name) for one in released.pinned("requirements.txt")}

    assert pinned == released.needed()


def test_each_pin_names_the_version_that_is_tested():
    wrong = {
        one.name: str(one.specifier) for one in released.pinned("requirements.txt")
        if str(one.specifier) != f"=={version(one.name)}"
    }

    assert wrong == {}


def test_a_process_on_it_alone_finds_no_development_tool(tmp_path):
    asks = "import packaging, kombu.transport.redis, kombu.transport.pyamqp\ntry: import pytest\nexcept ImportError as no: print(no)"
    environment = {"PYTHONPATH": released.alone(tmp_path)}
    done = subprocess.run([sys.executable, "-c", asks], env=environment, capture_output=True, text=True, check=False)

    assert (done.stdout, done.stderr) == ("No module named 'pytest' (requirements.txt does not bring it)\n", "")
