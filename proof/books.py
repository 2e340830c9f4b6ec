"""The books: random money stories beside a model of a few plain numbers, on both databases at once."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

from proof.experiments import experiment
from proof.suite import passes

STEPS = 100


@experiment("books", "money-machine", f"random stories of {STEPS} steps beside a model, half of them on each database", count=2_000)
def money_machine(count: int) -> str:
    seed = int(os.environ["PROOF_SEED"])
    sizes = {"MONEY_MACHINE_RUNS": str(max(count // 2, 1)), "MONEY_MACHINE_STEPS": str(STEPS)}

    def run(number: int) -> int:
        sqlite = {"DATABASE_URL": "", "REDIS_URL": ""} if number else {}
        chosen = f"--hypothesis-seed={seed + number}"
        return passes("tests/test_money_machine.py", chosen, workers=0, **sizes, **sqlite)

    with ThreadPoolExecutor(2) as both:
        list(both.map(run, range(2)))
    return "wallet and model equal after every step, books exact after every story"
