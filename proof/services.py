"""A PostgreSQL and a Redis of the proof's own, on free ports, so that killing them disturbs nobody.

Both keep what they acknowledged (fsync on commit; an append-only file) and can be killed and started again.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

USER = "postgres"
PATIENCE = 300.0  # seconds; what a busy machine is given where nothing is measured


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def until(ask: Callable[[], object], *, seconds: float = PATIENCE, every: float = 0.05) -> float:
    """How long it took until `ask` was true; an assertion after `seconds`."""
    started = time.monotonic()
    while not ask():
        assert time.monotonic() - started < seconds, f"not within {seconds:g} s: {ask}"
        time.sleep(every)
    return time.monotonic() - started


class PostgreSQL:
    """A cluster in a folder, run by the user `postgres` when we are root (PostgreSQL refuses root)."""

    def __init__(self, folder: Path, *, follows: PostgreSQL | None = None) -> None:
        """`follows` makes it a standby, a copy of that one as it is now."""
        self.folder, self.port = folder, free_port()
        folder.mkdir(mode=0o700)
        if os.geteuid() == 0:
            shutil.chown(folder, USER, USER)
        if follows is None:
            self._do("initdb", "-D", str(folder), "-U", USER, "--auth=trust", "--encoding=UTF8", "--no-instructions")
        else:
            self._do("pg_basebackup", "-D", str(folder), "-d", follows.url("postgres"), "-R", "-c", "fast")
        self.set(
            f"port = {self.port}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = ''\n"
            "max_connections = 200\nshared_buffers = 128MB\n"
        )
        self.start()

    def set(self, lines: str) -> None:
        """The last word on a setting is the one that counts."""
        with (self.folder / "postgresql.conf").open("a") as conf:
            conf.write(lines)

    def url(self, database: str) -> str:
        return f"postgres://{USER}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Again and again: what was killed keeps its shared memory for a moment."""
        until(lambda: self._try("pg_ctl", "-D", str(self.folder), "-w", "-l", f"{self.folder}/log", "start"))

    def stop(self) -> None:
        self._try("pg_ctl", "-D", str(self.folder), "-m", "fast", "stop")

    def reload(self) -> None:
        self._do("pg_ctl", "-D", str(self.folder), "reload")

    def promote(self) -> None:
        self._do("pg_ctl", "-D", str(self.folder), "-w", "promote")

    def runs(self) -> bool:
        return self._try("pg_ctl", "-D", str(self.folder), "status")

    def kill(self) -> None:
        """`kill -9` of the postmaster and every process of it."""
        leader = int((self.folder / "postmaster.pid").read_text().split()[0])
        for pid in [leader, *children_of(leader)]:
            kill(pid)
        until(lambda: not alive(leader), seconds=10)

    @contextmanager
    def cut_off(self) -> Iterator[None]:
        """Its network swallows every packet, both ways, and says nothing: as a machine that has lost its power does."""
        assert os.geteuid() == 0 and shutil.which("iptables"), "needs root and iptables, to swallow packets"
        rules = [["INPUT", "-p", "tcp", port, str(self.port), "-j", "DROP"] for port in ("--dport", "--sport")]
        try:
            for rule in rules:
                subprocess.run(["iptables", "-I", *rule], check=True)
            yield
        finally:
            for rule in rules:
                subprocess.run(["iptables", "-D", *rule], check=False)

    def create(self, database: str) -> str:
        self._do("psql", "-q", "-c", f"CREATE DATABASE {database}", self.url("postgres"))
        return self.url(database)

    def drop(self, database: str) -> None:
        self._do("psql", "-q", "-c", f"DROP DATABASE IF EXISTS {database} WITH (FORCE)", self.url("postgres"))

    def ask(self, query: str) -> str:
        return self._do("psql", "-qAt", "-c", query, self.url("postgres")).strip()

    def _do(self, *command: str) -> str:
        done = self._run(*command)
        assert done.returncode == 0, done.stdout
        return done.stdout

    def _try(self, *command: str) -> bool:
        return self._run(*command).returncode == 0

    def _run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        run_as = ["runuser", "-u", USER, "--"] if os.geteuid() == 0 else []
        # A file and no pipe: the server inherits it, and would keep a pipe open.
        with tempfile.TemporaryFile("w+") as output:
            done = subprocess.run(
                [*run_as, _program(program), *arguments], stdout=output, stderr=output, cwd="/", check=False
            )
            output.seek(0)
            return subprocess.CompletedProcess(done.args, done.returncode, output.read())


class Redis:
    """With an append-only file: what it acknowledged a second ago is there after a kill."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.process: subprocess.Popen[bytes] | None = None
        folder.mkdir()
        self.start()

    def url(self, number: int = 0) -> str:
        return f"redis://127.0.0.1:{self.port}/{number}"

    def start(self) -> None:
        self.process = subprocess.Popen(
            [
                "redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder), "--appendonly",
                "yes", "--save", "", "--daemonize", "no", "--logfile", str(self.folder / "log"), "--databases", "32",
            ],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )
        until(self.answers, seconds=20)

    def answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as door:
                door.sendall(b"PING\r\n")
                return door.recv(16).startswith(b"+PONG")
        except OSError:
            return False

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait(10)

    def freeze(self) -> None:
        """It keeps its connections and answers nothing, as a machine that hangs."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def clear(self, number: int) -> None:
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as door:
            door.sendall(f"SELECT {number}\r\nFLUSHDB\r\n".encode())
            door.recv(64)


class Services:
    """Both, in one folder that goes with them."""

    def __init__(self) -> None:
        for program in ("initdb", "pg_ctl", "psql", "redis-server"):
            _program(program)
        self.folder = Path(tempfile.mkdtemp(prefix="gateway-proof-"))
        self.folder.chmod(0o755)  # the database's user must get in
        self.postgres = PostgreSQL(self.folder / "postgres")
        self.redis = Redis(self.folder / "redis")

    def close(self) -> None:
        self.postgres.stop()
        self.redis.thaw()
        self.redis.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


_making = threading.Lock()


def services() -> Services:
    """Those of this run, made when they are first asked for, whichever thread asks first."""
    with _making:
        return _services()


@cache
def _services() -> Services:
    return Services()


def close_services() -> None:
    if _services.cache_info().currsize:
        services().close()


@cache
def _program(name: str) -> str:
    """Debian keeps a cluster's programs out of the way, in a folder for each version."""
    beside = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)
    found = shutil.which(name) or (str(beside[0]) if beside else None)
    if found is None:
        raise SystemExit(f"{name} is needed (Debian: postgresql, redis-server).")
    return found


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def children_of(pid: int) -> list[int]:
    try:
        tasks = Path(f"/proc/{pid}/task").glob("*/children")
        own = [int(word) for task in tasks for word in task.read_text().split()]
    except OSError:
        return []
    return own + [below for child in own for below in children_of(child)]


def kill(pid: int, number: int = signal.SIGKILL) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass
