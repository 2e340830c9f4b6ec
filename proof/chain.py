"""The chain: nodes that fail, lag, lie; reorganisations; signers that die. On the simulated chain and a real EVM in memory."""

from __future__ import annotations

import os

from proof.experiments import experiment
from proof.suite import passes

SECTION = "chain"


@experiment(SECTION, "chain-blocks", "10,000 blocks with 5 % of calls failing and reorganisations, each time with another seed", count=10)
def blocks(count: int) -> str:
    seed = int(os.environ["PROOF_SEED"])
    for number in range(count):
        passes("crypto/tests/test_watching_nodes.py", "-k", "ten_thousand", workers=0, CHAIN_SEED=str(seed + number))
    return f"{count * 100:,} transfers over {count * 10_000:,} blocks, none missed, none twice"


@experiment(SECTION, "chain-stories", "reorganisations, odd payments, odd nodes, gas, nonces: the whole of crypto's tests on PostgreSQL", count=1)
def stories(count: int) -> str:
    found = sum(passes("crypto/tests", "-m", "not race") for _ in range(count))
    return f"{found:,} passed"


@experiment(SECTION, "chain-crashes", "watcher and signer ended at every step: one payment, one transaction", count=3)
def crashes(count: int) -> str:
    return f"{passes('crypto', '-m', 'race', '-k', 'surviv or committed', PROOF_ROUNDS=str(count))} passed"
