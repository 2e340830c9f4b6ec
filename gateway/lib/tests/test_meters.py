"""Counting: in files that no full disk can take away below a process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from django.conf import settings

COUNT = """
import django
django.setup()
from gateway.lib import meters
meters.count_request("portal", "GET", 200, 0.01)
"""
# Python has no way to be refused space but a full disk: the same error, from the same call.
FULL = """
import errno, os
def full(descriptor, offset, length):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
os.posix_fallocate = full
"""


def counted(folder: Path, before: str = "") -> tuple[int, str]:
    environment = os.environ | {"METRICS_DIR": str(folder), "DJANGO_SETTINGS_MODULE": "gateway.settings"}
    code = [sys.executable, "-c", before + COUNT]
    ended = subprocess.run(code, env=environment, cwd=settings.BASE_DIR, capture_output=True, text=True, timeout=60)
    return ended.returncode, ended.stdout + ended.stderr


def test_a_file_has_its_space_before_it_is_mapped(tmp_path):
    code, said = counted(tmp_path)

    files = {file.name.partition("_")[0]: file.stat() for file in tmp_path.iterdir()}
    assert (code, said) == (0, "")
    assert {name: stat.st_size for name, stat in files.items()} == {"counter": 1 << 20, "histogram": 1 << 20}
    assert all(stat.st_blocks * 512 >= 1 << 20 for stat in files.values())


def test_a_full_disk_costs_the_count_and_not_the_process(tmp_path):
    code, said = counted(tmp_path, FULL)

    assert code == 0
    assert "not_counted" in said
    assert "OSError" in said
    assert [file.stat().st_size for file in tmp_path.iterdir()] == [0]
