"""The small supervisor: restarts what dies, stops everything, leaves no child behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gateway import run

SLEEPER = "import time; print('up', flush=True); time.sleep(60)"


def test_procfile_lines_take_defaults_and_settings(monkeypatch):
    monkeypatch.setenv("PORT", "9123")
    monkeypatch.delenv("HOST", raising=False)

    (web,) = run.services("web: granian app --host ${HOST:-127.0.0.1} --port ${PORT:-8000}\n\n")

    assert web.name == "web"
    assert web.command[0].endswith("granian")
    assert web.command[1:] == ["app", "--host", "127.0.0.1", "--port", "9123"]


def test_the_real_procfile_names_its_services():
    text = (Path(run.ROOT) / "Procfile").read_text()

    names = ["web", "worker", "clerk", "courier", "watcher", "signer", "scheduler"]
    assert [service.name for service in run.services(text)] == names


def test_a_service_that_is_not_there_is_named_with_those_that_are():
    ended = subprocess.run([sys.executable, "-m", "gateway.run", "wrong"], capture_output=True, text=True, cwd=run.ROOT)

    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == (
        "No service 'wrong'. There are web, worker, clerk, courier, watcher, signer, scheduler.\n"
    )


def test_only_the_signer_is_told_where_the_keys_are(monkeypatch):
    monkeypatch.setenv("CRYPTO_MNEMONIC", "some words")
    monkeypatch.setenv("CRYPTO_MNEMONIC_FILE", "/some/file")

    told = {name: run.environment_of(name) for name in ("web", "worker", "clerk", "courier", "watcher", "signer", "scheduler")}

    assert [name for name, environment in told.items() if "CRYPTO_MNEMONIC" in environment] == ["signer"]
    assert [name for name, environment in told.items() if "CRYPTO_MNEMONIC_FILE" in environment] == ["signer"]
    assert {name: environment["GATEWAY_PROCESS"] for name, environment in told.items()} == {name: name for name in told}


def test_a_killed_process_is_started_again(monkeypatch):
    monkeypatch.setattr(run, "RESTART_SECONDS", 0.05)
    service = run.Service("sleeper", [sys.executable, "-c", SLEEPER])
    service.keep_running()
    first = service.process.pid

    os.kill(first, signal.SIGKILL)
    service.process.wait(5)
    deadline = time.monotonic() + 5
    while (service.process is None or service.process.pid == first) and time.monotonic() < deadline:
        service.keep_running()
        time.sleep(0.01)

    assert service.process.pid != first
    assert service.process.poll() is None
    service.ask_to_stop()
    service.stop(time.monotonic() + 5)
    assert service.process.poll() is not None


@pytest.mark.parametrize(
    ("first_line", "output"), [(b"up\n", "/dev/full"), (b"\xff\xfe\n", os.devnull)], ids=["disk-full", "no-text"]
)
def test_a_service_goes_on_when_what_it_says_cannot_be_shown(tmp_path, first_line, output):
    """It says more than a pipe holds: it would stand still for ever if nobody read on."""
    mark, script = tmp_path / "mark", tmp_path / "supervisor.py"
    talker = (
        f"import sys, time\nsys.stdout.buffer.write({first_line!r} + b'x' * 99 * 4096 + b'\\n' * 4096)\n"
        f"sys.stdout.flush()\nopen({str(mark)!r}, 'w').close()\ntime.sleep(60)"
    )
    script.write_text(
        "from gateway import run\n"
        f"run.services = lambda text: [run.Service('a', [{sys.executable!r}, '-c', {talker!r}])]\n"
        "run.main()\n"
    )
    environment = _in_a_folder_of_its_own(tmp_path) | {"PYTHONPATH": str(run.ROOT)}
    with open(output, "w") as out:
        supervisor = subprocess.Popen(
            [sys.executable, str(script)], cwd=run.ROOT, env=environment, stdout=out, stderr=subprocess.DEVNULL
        )
    deadline = time.monotonic() + 20
    while not mark.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    still_runs = supervisor.poll() is None
    supervisor.send_signal(signal.SIGTERM)

    assert supervisor.wait(20) in (0, 120)  # 120: Python had something left that it could not write in the end
    assert (mark.exists(), still_runs) == (True, True)


def test_sigterm_ends_the_supervisor_and_its_children(tmp_path):
    """In a data folder of its own: a supervisor that starts forgets what processes before it counted there."""
    left = tmp_path / "metrics" / "counter_host-1.db"
    left.parent.mkdir()
    left.touch()
    script = tmp_path / "supervisor.py"
    script.write_text(
        "from pathlib import Path\nfrom gateway import run\n"
        f"run.services = lambda text: [run.Service('a', [{sys.executable!r}, '-c', {SLEEPER!r}])]\n"
        "run.main()\n"
    )
    supervisor = subprocess.Popen(
        [sys.executable, str(script)], cwd=run.ROOT, env=_in_a_folder_of_its_own(tmp_path) | {"PYTHONPATH": str(run.ROOT)},
        stdout=subprocess.PIPE, text=True,
    )
    assert "up" in supervisor.stdout.readline()
    assert not left.exists()
    child = int(subprocess.check_output(["pgrep", "-P", str(supervisor.pid)], text=True))

    supervisor.send_signal(signal.SIGTERM)

    assert supervisor.wait(10) == 0
    assert not Path(f"/proc/{child}").exists()


def _in_a_folder_of_its_own(folder):
    return {name: value for name, value in os.environ.items() if name != "METRICS_DIR"} | {"DATA_DIR": str(folder)}


def test_what_stands_in_the_env_file_counts_for_the_processes_too(monkeypatch, tmp_path):
    """Its numbers are those of the settings; what the environment itself says goes first."""
    for name in ("PORT", "WEB_PROCESSES"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)  # set before, so that both are taken out again afterwards
    monkeypatch.setenv("HOST", "192.0.2.1")
    (tmp_path / ".env").write_text("PORT=9123\nWEB_PROCESSES=4\nHOST=0.0.0.0\n")
    (tmp_path / "Procfile").write_text((run.ROOT / "Procfile").read_text())
    monkeypatch.setattr(run, "ROOT", tmp_path)
    monkeypatch.setattr(run.sys, "argv", ["run", "web"])
    became = []
    monkeypatch.setattr(run.os, "execvpe", lambda program, command, environment: became.append(command))
    monkeypatch.setattr(run, "forget_counts", lambda: pytest.fail("it became the web"))
    monkeypatch.setattr(run, "become", lambda name, real=run.become: (real(name), sys.exit(0)))

    with pytest.raises(SystemExit):
        run.main()

    (command,) = became
    said = {name: command[command.index(name) + 1] for name in ("--port", "--workers", "--host")}
    assert said == {"--port": "9123", "--workers": "4", "--host": "192.0.2.1"}
