"""Processes that begin together: one that is still starting would take the others' processors, and count alone in the end."""

from __future__ import annotations

import subprocess
import sys

# Of postings: on how many wallets.
WALLETS = {"post, spread": 1_000, "post, one wallet": 1}


def rate(command: list[str], clients: int, environment: dict[str, str] | None = None) -> float:
    """The sum of what `clients` of this command print, each of which calls `wait_for_the_others` when it is ready."""
    crowd = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
        for _ in range(clients)
    ]
    for process in crowd:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n", process.args
    for process in crowd:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    return sum(float(process.communicate()[0]) for process in crowd)


def wait_for_the_others() -> None:
    print("ready", flush=True)
    sys.stdin.readline()
