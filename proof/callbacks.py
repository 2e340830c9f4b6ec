"""Callbacks into us: many, in any order, several times, some at the same instant."""

from __future__ import annotations

import os

from proof.experiments import experiment
from proof.suite import passes


@experiment("callbacks", "callbacks", "callbacks, each 1–5 times, shuffled, from 16 threads at once: effects = distinct ids", count=1_000)
def callbacks(count: int) -> str:
    passes("payments/tests/test_callbacks_many.py", workers=0, CALLBACKS=str(count), CALLBACKS_SEED=os.environ["PROOF_SEED"])
    return f"{count:,} effects, each once; books exact"


@experiment("callbacks", "callback-orders", "every order of five events of one payment; success against failure at one instant", count=10)
def orders(count: int) -> str:
    found = passes("payments/tests/test_callbacks.py", "payments/tests/test_races.py", "-k", "order or callback or failure", PROOF_ROUNDS=str(count))
    return f"{found} passed: one end"
