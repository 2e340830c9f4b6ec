"""compose.yaml as real containers, where this machine has an engine for them."""

from __future__ import annotations

import os

from proof.experiments import experiment
from proof.suite import passes

SECTION = "containers"


@experiment(SECTION, "containers", "the image built, and every service of compose.yaml run from it as it says", count=1, by_hand=True)
def containers(count: int) -> str:
    engine = os.environ.get("CONTAINER_ENGINE")
    assert engine, "needs CONTAINER_ENGINE, the command of docker or podman"
    found = passes("tests/test_compose.py", workers=0)
    return (
        f"{found} passed: a payment through each contract, two webs that spend money once, a scheduler that takes over, "
        "a web that stops under load; no root, a read-only root, memory and processors limited"
    )
