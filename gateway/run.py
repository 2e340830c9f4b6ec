"""`python -m gateway.run`: starts every line of the Procfile, keeps them running, and stops them all on Ctrl-C.

For one machine. A process that dies is started again after a moment, so that a killed worker costs seconds, not the
gateway. In containers each line is a service of its own, `python -m gateway.run worker`, and the platform does this
work.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from string import Template
from types import FrameType

from gateway.lib.environment import KEY_NAMES, Environment, data_dir

ROOT = Path(__file__).resolve().parent.parent
STOP_SECONDS = 25.0
RESTART_SECONDS = 1.0
COLOURS = {
    "web": "36", "worker": "33", "clerk": "94", "courier": "34", "watcher": "96", "signer": "91",
    "scheduler": "35", "run": "32",
}


class Service:
    """One line of the Procfile, as a process group of its own."""

    def __init__(self, name: str, command: list[str]) -> None:
        self.name, self.command = name, command
        self.process: subprocess.Popen[str] | None = None
        self.start_at = 0.0

    def start(self) -> None:
        self.process = subprocess.Popen(
            self.command, cwd=ROOT, env=environment_of(self.name), text=True, errors="replace", start_new_session=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )
        threading.Thread(target=self._copy_output, args=(self.process,), daemon=True).start()

    def _copy_output(self, process: subprocess.Popen[str]) -> None:
        """To the end, whatever comes: a pipe that nobody reads fills up, and then the service stands still."""
        assert process.stdout is not None
        for line in process.stdout:
            say(self.name, line.rstrip())

    def keep_running(self) -> None:
        if self.process is not None and self.process.poll() is not None:
            say(self.name, f"ended with {self.process.returncode}; starting again")
            self.kill()  # children it may have left
            self.process, self.start_at = None, time.monotonic() + RESTART_SECONDS
        if self.process is None and time.monotonic() >= self.start_at:
            self.start()

    def ask_to_stop(self) -> None:
        """Only the leader is told: it lets its own children finish what they are at."""
        if self.process is not None:
            self.process.terminate()

    def kill(self) -> None:
        if self.process is not None:
            try:
                os.killpg(self.process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def stop(self, deadline: float) -> None:
        if self.process is None:
            return
        try:
            self.process.wait(max(deadline - time.monotonic(), 0.1))
        except subprocess.TimeoutExpired:
            pass
        self.kill()


def environment_of(name: str) -> dict[str, str]:
    """Each service is told what it is; where the keys are is told to the signer alone."""
    inherited = dict(os.environ)
    if name != "signer":
        for secret in KEY_NAMES:
            inherited.pop(secret, None)
    return inherited | {"PYTHONUNBUFFERED": "1", "GATEWAY_PROCESS": name}


def say(name: str, text: str) -> None:
    label = f"{name:<9} │"
    if sys.stdout.isatty():
        label = f"\033[{COLOURS.get(name, '0')}m{label}\033[0m"
    try:
        print(label, text, flush=True)
    except (OSError, ValueError):
        pass  # a full disk below our own output, or nobody there to read it: no service ends for a line that is lost


def services(procfile: str) -> list[Service]:
    """Reads `name: command` lines; `${NAME:-default}` is filled from the environment, programs from our venv."""
    return [_service(*line.split(":", 1)) for line in procfile.splitlines() if ":" in line]


def _service(name: str, command: str) -> Service:
    program, *arguments = shlex.split(_Defaults(command).substitute(os.environ))
    beside = Path(sys.executable).with_name(program)
    return Service(name, [str(beside) if beside.exists() else program, *arguments])


class _Defaults(Template):
    """`string.Template` with the shell's `${NAME:-default}`."""

    braceidpattern = r"[A-Z_]+(?::-[^}]*)?"

    def substitute(self, values: os._Environ[str]) -> str:  # type: ignore[override]
        names = (match["braced"] for match in self.pattern.finditer(self.template))
        filled = {}
        for name in filter(None, names):
            key, _, default = name.partition(":-")
            filled[name] = values.get(key) or default
        return super().substitute(filled)


def forget_counts() -> None:
    """The files of processes that are no more would be added up for ever."""
    for file in Path(os.environ.get("METRICS_DIR") or data_dir(ROOT) / "metrics").glob("*.db"):
        file.unlink(missing_ok=True)


def become(name: str) -> None:
    """Never returns: this process is now the named service, and gets the platform's signals itself."""
    found = {service.name: service for service in services((ROOT / "Procfile").read_text())}
    service = found.get(name)
    if service is None:
        sys.exit(f"No service {name!r}. There are {', '.join(found)}.")
    os.execvpe(service.command[0], service.command, environment_of(name))


def main() -> None:
    Environment().read_env(ROOT / ".env")  # as the settings do: ports and numbers of processes stand there as well
    if len(sys.argv) > 1:
        become(sys.argv[1])
    forget_counts()
    running = services((ROOT / "Procfile").read_text())
    stopping = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        stopping.set()

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    while not stopping.wait(0.2):
        for service in running:
            service.keep_running()
    say("run", "stopping")
    for service in running:
        service.ask_to_stop()
    deadline = time.monotonic() + STOP_SECONDS
    for service in running:
        service.stop(deadline)


if __name__ == "__main__":
    main()
