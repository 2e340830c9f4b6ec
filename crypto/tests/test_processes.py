"""Only the signer's process ever holds a key: the real processes, started as `gateway.run` starts them."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from crypto.tests.conftest import WORDS
from gateway import run

SECRET = "abandon"
PATIENCE = 90.0
# What a process has loaded once it can do all of its work.
LOADED = """
import os, sys
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gateway.settings")
import django
django.setup()
{load}
heavy = ("web3", "eth_account", "eth_keys", "solders")
found = [name for name in sys.modules if name.startswith("crypto.keys.") or name.split(".")[0] in heavy]
print("KEYS", "CRYPTO_MNEMONIC" in os.environ, sorted(found)[:5])
"""
WEB = "import gateway.asgi; from django.urls import get_resolver; get_resolver().url_patterns"
TASKS = "from gateway.celery import app; app.loader.import_default_modules()"


@pytest.fixture
def surroundings(monkeypatch, tmp_path):
    """As an operator's shell: the words are in it. No database: nothing here needs one."""
    monkeypatch.setenv("CRYPTO_MNEMONIC", WORDS)
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setenv("PORT", str(free.getsockname()[1]))
    for name in ("DATABASE_URL", "REDIS_URL", "CELERY_BROKER_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(("process", "load"), [
    ("web", WEB), ("worker", TASKS), ("clerk", TASKS), ("courier", TASKS), ("watcher", TASKS), ("scheduler", TASKS), ("signer", TASKS),
])
def test_no_process_loads_a_key_or_a_chain_library_by_starting(surroundings, process, load):
    done = subprocess.run(
        [sys.executable, "-c", LOADED.format(load=load)], cwd=run.ROOT, env=run.environment_of(process),
        capture_output=True, text=True, timeout=PATIENCE, check=True,
    )

    assert done.stdout.splitlines()[-1] == f"KEYS {process == 'signer'} []"


def test_one_env_file_for_all_still_gives_keys_to_the_signer_alone(surroundings, tmp_path):
    """`.env` is read by every process; what is not the signer forgets the words at once."""
    for process in ("web", "signer"):
        environment = run.environment_of(process) | {"CRYPTO_MNEMONIC": WORDS, "CRYPTO_MNEMONIC_FILE": "/some/file"}
        done = subprocess.run(
            [sys.executable, "-c", LOADED.format(load="pass")], cwd=run.ROOT, env=environment,
            capture_output=True, text=True, timeout=PATIENCE, check=True,
        )
        assert f"KEYS {process == 'signer'} " in done.stdout


def test_the_running_processes_know_no_words(surroundings):
    """The lines of the real Procfile, alive and with children: their environment as the kernel shows it."""
    services = {service.name: service for service in run.services((run.ROOT / "Procfile").read_text())}
    try:
        for service in services.values():
            service.start()
        wait_until_settled(services.values())

        told = {name: SECRET in environments(service.process.pid) for name, service in services.items()}
        processes = {name: f"GATEWAY_PROCESS={name}\0" in environments(service.process.pid) for name, service in services.items()}
        alive = {name: service.process.poll() for name, service in services.items()}
    finally:
        for service in services.values():
            service.ask_to_stop()
        for service in services.values():
            service.stop(time.monotonic() + 10)

    assert alive == dict.fromkeys(services)
    assert told == {name: name == "signer" for name in services}
    assert all(processes.values())


def wait_until_settled(services):
    """Until each has loaded Django: its memory no longer looks like that of an interpreter that just began."""
    deadline = time.monotonic() + PATIENCE
    for service in services:
        while memory_kb(service.process.pid) < 45_000 and time.monotonic() < deadline and service.process.poll() is None:
            time.sleep(0.1)


def memory_kb(leader):
    """Of the largest process of the group."""
    lines = "\n".join(of_group(leader, "status")).splitlines()
    return max((int(line.split()[1]) for line in lines if line.startswith("VmRSS:")), default=0)


def environments(leader):
    return "\0".join(of_group(leader, "environ")) + "\0"


def of_group(leader, name):
    """That file of /proc, of the process and of all of its group."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                if os.getpgid(int(folder.name)) == leader:
                    found.append((folder / name).read_bytes().decode(errors="replace"))
            except OSError:
                continue
    return found
