"""Money under concurrency: every race of the suite again and again on PostgreSQL, each time with a fresh database."""

from __future__ import annotations

from proof.experiments import experiment
from proof.suite import passes

SECTION = "concurrency"


def _again(count: int, *arguments: str, **settings: str) -> str:
    return f"{passes(*arguments, PROOF_ROUNDS=str(count), **settings):,} passed, books exact after each"


@experiment(SECTION, "races-ledger", "16 threads spend what is there; A→B and B→A, 16 × 500", count=10)
def ledger(count: int) -> str:
    return _again(count, "ledger/tests/test_posting.py", "-m", "race", POSTING_TURNS="500")


@experiment(SECTION, "races-money", "payouts, refunds, captures, approvals, one winner and the exact sum", count=10)
def money(count: int) -> str:
    return _again(count, "payments", "payouts", "-m", "race", "--deselect", "payments/tests/test_crashes.py", "--deselect", "payouts/tests/test_crashes.py")


@experiment(SECTION, "races-contracts", "idempotency keys, limits, keys that are regenerated, in all contracts", count=10)
def contracts(count: int) -> str:
    return _again(count, "accounts", "gateway/contracts", "gateway/lib", "-m", "race")


@experiment(SECTION, "races-crypto", "32 × 100 addresses, watchers, signers and nonces, mixed withdrawals", count=10)
def crypto(count: int) -> str:
    return _again(count, "crypto", "-m", "race", "-k", "not surviv")
