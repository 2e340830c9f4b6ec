"""compose.yaml without a container engine: the image's files in a folder of their own, each service's own command with
its own environment and health check, on the PostgreSQL and Redis of this run."""

from __future__ import annotations

import fnmatch
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import yaml

from tests import released
from tests.story import ROOT, free_port, wait_for

COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
DOCKERFILE = re.sub(r"\\\n", " ", (ROOT / "Dockerfile").read_text())
OURS = [name for name, service in COMPOSE["services"].items() if "build" in service]
ENV_FILE = {
    "PUBLIC_URL": "", "EMAIL_URL": "dummymail://", "WEBHOOK_ALLOW_LOOPBACK": "true", "WORKER_PROCESSES": "1",
    "WEB_PROCESSES": "1", "SWEEP_SECONDS": "0.5", "PORTAL_RATE_MERCHANT": "100000",
}


def copy_context(target: Path) -> None:
    """What .dockerignore lets into the image."""
    rules = (ROOT / ".dockerignore").read_text().split()
    wanted = [rule[1:] for rule in rules if rule.startswith("!")]
    unwanted = [rule.removeprefix("**/") for rule in rules if rule.startswith("**/")]
    files = subprocess.check_output(["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, text=True)
    for name in files.splitlines():
        parts = Path(name).parts
        if parts[0] in wanted and not any(fnmatch.fnmatch(part, rule) for part in parts for rule in unwanted):
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target / name)


def image_environment() -> dict[str, str]:
    (line,) = re.findall(r"^ENV (.*)$", DOCKERFILE, re.M)
    return dict(pair.split("=", 1) for pair in line.split())


def build_step(word: str) -> str:
    """The shell of the RUN line that has this word in it."""
    (line,) = [text for text in re.findall(r"^RUN (.*)$", DOCKERFILE, re.M) if word in text]
    return line


class Composition:
    """One `docker compose up` of our own services; `scale` as with `--scale`."""

    def __init__(self, folder: Path, *, database: str, redis: str, settings: dict[str, str] | None = None) -> None:
        self.folder, self.app, self.processes = folder, folder / "app", {}
        self.port = free_port()
        self.webs: dict[int, str] = {}  # number → address, also of one that has stopped
        self.paths = {
            "/run/secrets": str(folder / "secrets"), "/run/signer": str(folder / "signer"), "/app": str(self.app),
            "/data": str(folder / "data"), "/venv": sys.prefix,
            "postgres://gateway@db:5432/gateway": database, "redis://redis:6379/0": redis,
        }
        self.env_file = ENV_FILE | {"PUBLIC_URL": f"http://127.0.0.1:{self.port}"} | (settings or {})

    def build(self) -> None:
        """The image's own steps, but for the packages: they are this environment's."""
        copy_context(self.app)
        (self.folder / "data").mkdir(mode=0o700)
        step = build_step("collectstatic").split("&&")[0]
        self.run(["sh", "-ec", step.replace("/tmp/build", str(self.folder / "build"))], self.environment("web", 0))

    def environment(self, service: str, number: int) -> dict[str, str]:
        """The image's ENV, then .env, then the service's own: as the engine puts them together."""
        own = {name: re.sub(r"\$\{(\w+):-([^}]*)\}", lambda match: self.env_file.get(match[1], match[2]), str(value))
               for name, value in COMPOSE["services"][service]["environment"].items()}
        whole = image_environment() | self.env_file | own
        whole = {name: self._here(value) for name, value in whole.items()}
        whole["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        whole["LIVENESS_FILE"] = str(self.folder / f"alive-{service}-{number}")
        whole["TMPDIR"] = str(self.folder)
        whole["PYTHONPATH"] = released.alone(self.folder)
        whole["HOST"] = "127.0.0.1"
        if service == "web":
            address = self.webs.setdefault(number, f"http://127.0.0.1:{free_port() if number else self.port}")
            whole["PORT"] = address.rpartition(":")[2]
        return whole

    def _here(self, value: str) -> str:
        for there, here in self.paths.items():
            value = value.replace(there, here)
        return value

    def run(self, command: list[str], environment: dict[str, str]) -> str:
        done = subprocess.run(command, cwd=self.app, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def manage(self, *arguments: str) -> str:
        return self.run(["python", "manage.py", *arguments], self.environment("web", 0))

    def migrate(self) -> None:
        self.run(COMPOSE["services"]["migrate"]["command"], self.environment("migrate", 0))

    def up(self, **scale: int) -> None:
        for name in OURS:
            for number in range(scale.get(name, 1) if name != "migrate" else 0):
                self.start(name, number)

    def start(self, name: str, number: int) -> None:
        environment = self.environment(name, number)
        log = (self.folder / f"{name}-{number}.log").open("a")
        process = subprocess.Popen(
            COMPOSE["services"][name]["command"], cwd=self.app, env=environment, stdout=log, stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self.processes[name, number] = (process, environment)

    def is_healthy(self, name: str, number: int) -> bool:
        """By the service's own check."""
        process, environment = self.processes[name, number]
        _, *check = COMPOSE["services"][name]["healthcheck"]["test"]
        assert process.poll() is None, (self.folder / f"{name}-{number}.log").read_text()
        return subprocess.run(check, cwd=self.app, env=environment, check=False).returncode == 0

    def wait_until_healthy(self) -> None:
        for name, number in list(self.processes):
            wait_for(lambda name=name, number=number: self.is_healthy(name, number), seconds=120, every=0.5)

    def stop(self, name: str, number: int) -> int:
        """As the engine does: one SIGTERM, half a minute, then SIGKILL, which is a failure here."""
        self.processes[name, number][0].terminate()
        return self._wait(name, number)

    def _wait(self, name: str, number: int) -> int:
        process, _ = self.processes.pop((name, number))
        try:
            return process.wait(30)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)

    def stop_all(self) -> dict[tuple[str, int], int]:
        for process, _ in self.processes.values():
            process.terminate()
        return {key: self._wait(*key) for key in list(self.processes)}

    def remove(self) -> None:
        """Nothing is left but files."""

    def logs(self) -> str:
        return "".join(file.read_text() for file in sorted(self.folder.glob("*.log")))
