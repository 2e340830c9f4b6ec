"""compose.yaml in real containers: the image built by its Dockerfile, and each service run from it with the user, the
read-only root, the limits, volumes and secrets that compose.yaml gives it, on the PostgreSQL and Redis of this run.

`CONTAINER_ENGINE` is the engine's command (`docker`, `podman`), `CONTAINER_BASE` the image to build from where another
than the Dockerfile's is at hand. Containers share the machine's network, so that they reach the stores of the run.
"""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

from tests.composed import COMPOSE, Composition
from tests.story import ROOT

ENGINE = shlex.split(os.environ.get("CONTAINER_ENGINE", ""))
USER = 10001


class Contained(Composition):
    """As `Composition`, whose processes are containers here."""

    def __init__(self, folder: Path, **more: str) -> None:
        super().__init__(folder, **more)
        # In a container the paths are real; only the stores are elsewhere.
        self.paths = {there: here for there, here in self.paths.items() if "://" in there}
        self.image = f"gateway-{folder.name}-{os.getpid()}".lower()

    def build(self) -> None:
        base = os.environ.get("CONTAINER_BASE")
        chosen = ["--build-arg", f"PYTHON={base}"] if base else []
        _engine("build", "--tag", self.image, *chosen, str(ROOT))
        self.app.mkdir()
        data = self.folder / "data"
        data.mkdir(mode=0o700)
        for mine in (data, self.folder / "signer"):  # a volume is its image's; the guide says `chown 10001 signer`
            os.chown(mine, USER, USER)

    def environment(self, service: str, number: int) -> dict[str, str]:
        """.env, then the service's own; the image brings its ENV."""
        whole = super().environment(service, number)
        own = {*self.env_file, *COMPOSE["services"][service]["environment"], "PORT", "HOST"}
        return {name: whole[name] for name in own}

    def run(self, command: list[str], environment: dict[str, str]) -> str:
        return self._once("migrate", command, environment)

    def manage(self, *arguments: str) -> str:
        """Keys are made where the signer will read them, and in no other container is their folder there."""
        service = "signer" if "crypto_keys" in arguments else "web"
        words = [word.replace(str(self.folder / "signer"), "/run/signer") for word in arguments]
        return self._once(service, ["python", "manage.py", *words], self.environment(service, 0))

    def _once(self, service: str, command: list[str], environment: dict[str, str]) -> str:
        """By hand, where what is mounted may be written to."""
        options = [option.replace("/run/signer:ro", "/run/signer") for option in self._options(service, environment)]
        return _engine("run", "--rm", *options, self.image, *command)

    def start(self, name: str, number: int) -> None:
        environment = self.environment(name, number)
        log = (self.folder / f"{name}-{number}.log").open("a")
        command = [
            *ENGINE, "run", "--rm", "--name", self._name(name, number), *self._options(name, environment), self.image,
            *COMPOSE["services"][name]["command"],
        ]
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
        self.processes[name, number] = (process, environment)

    def is_healthy(self, name: str, number: int) -> bool:
        _, *check = COMPOSE["services"][name]["healthcheck"]["test"]
        assert self.processes[name, number][0].poll() is None, (self.folder / f"{name}-{number}.log").read_text()
        done = subprocess.run([*ENGINE, "exec", self._name(name, number), *check], capture_output=True, check=False)
        return done.returncode == 0

    def remove(self) -> None:
        """The image; containers go when they end."""
        _engine("rmi", "--force", self.image)

    def _name(self, service: str, number: int) -> str:
        return f"{self.image}-{service}-{number}"

    def _options(self, name: str, environment: dict[str, str]) -> list[str]:
        """What compose.yaml says of the service, as the engine's own options."""
        service = COMPOSE["services"][name]
        options = ["--network", "host", "--memory", service["mem_limit"], "--cpus", str(service["cpus"])]
        options += [option for key, option in (("init", "--init"), ("read_only", "--read-only")) if service[key]]
        options += [f"--tmpfs={mount}" for mount in service["tmpfs"]]
        options += [f"--cap-drop={name}" for name in service["cap_drop"]]
        options += [f"--security-opt={option.split(':')[0]}" for option in service["security_opt"]]
        options += [f"--volume={self._volume(volume)}" for volume in service["volumes"]]
        options += [f"--volume={self.folder}/secrets/{secret}:/run/secrets/{secret}:ro" for secret in service["secrets"]]
        return options + [f"--env={key}={value}" for key, value in environment.items()]

    def _volume(self, volume: str) -> str:
        source, _, rest = volume.partition(":")
        return f"{self.folder / source}:{rest}"  # of `./signer` and of the volume `data`


def _engine(*arguments: str) -> str:
    done = subprocess.run([*ENGINE, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
