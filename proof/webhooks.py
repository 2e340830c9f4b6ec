"""Webhooks out: thousands of events, many senders, receivers of every bad kind."""

from __future__ import annotations

from proof.experiments import experiment
from proof.suite import passes

MANY = "webhooks/tests/test_many.py"


@experiment("webhooks", "webhooks-many", "events of 20 producers through 20 runs, each delivered exactly once", count=4_000)
def many(count: int) -> str:
    passes(MANY, "-k", "20_producers", workers=0, WEBHOOK_EVENTS=str(max(count, 20)), WEBHOOK_RUNS="20")
    return f"{count:,} delivered, each once"


@experiment("webhooks", "webhooks-races", "one bad endpoint beside nine good; killed, stopped and leaderless runs", count=3)
def races(count: int) -> str:
    return f"{passes(MANY, '-k', 'not 20_producers', PROOF_ROUNDS=str(count))} passed"


@experiment("webhooks", "receivers", "receivers that hang, drip, flood, redirect, lie; addresses that are not public", count=2)
def receivers(count: int) -> str:
    tests = ("gateway/lib/tests/test_http.py", "gateway/lib/tests/test_http_addresses.py", "webhooks/tests/test_sending.py")
    found = sum(passes(*tests) for _ in range(count))
    return f"{found:,} passed: each attempt within its deadline, 0 connections to what is not public"
