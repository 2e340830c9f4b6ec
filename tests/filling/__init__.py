"""A little of everything, made through the services' own words: for the walks of every page, for pictures, and for
looking around.

`fill(people)` makes the records and returns where to find them: for each address of the panel that names a record, the
record to open it with; and the payers' pages. The settings that it needs stand in `SETTINGS`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

# BIP-39's own first vector of 12 words; nobody owns anything under it.
WORDS = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"
SETTINGS = {
    "LIVE_PAYMENT_PROVIDER": "manual_upi", "LIVE_PAYOUT_PROVIDER": "bank_file", "SIMULATED_BLOCK_SECONDS": 0,
    "SANDBOX_PAYMENT_DELAY_SECONDS": 0, "SANDBOX_BANK_DELAY_SECONDS": 0, "WEBHOOK_ALLOW_LOOPBACK": True,
    "WEBHOOK_TIMEOUT_SECONDS": 2,
}


@dataclass(frozen=True, slots=True)
class Place:
    """What an address is opened with; `by` has what another role opens it with, who may not see the first."""

    arguments: tuple[Any, ...] = ()
    mode: str = "test"
    query: str = ""
    by: dict[str, tuple[Any, ...]] = field(default_factory=dict)

    def of(self, role: str) -> tuple[Any, ...]:
        return self.by.get(role, self.arguments)


@dataclass
class Filled:
    """`places` by the panel's names of addresses, several of one if it shows things that differ; `hosted` are the
    payers' pages, each with what it shows."""

    places: dict[str, list[Place]] = field(default_factory=dict)
    hosted: dict[str, str] = field(default_factory=dict)

    def put(self, *names: str, at: object = (), mode: str = "test", query: str = "", **by: object) -> None:
        arguments = at if isinstance(at, tuple) else (at,)
        others = {role: value if isinstance(value, tuple) else (value,) for role, value in by.items()}
        for name in names:
            self.places.setdefault(name, []).append(Place(arguments, mode, query, others))


def fill(people: Any) -> Filled:
    """`people` has super_admin, admin, merchant_user, api_user, and merchant, as the tests' cast."""
    from tests.filling import coins, corrections, rupees, statements, team

    filled = Filled()
    for part in (team, rupees, corrections, statements, coins):
        part.fill(people, filled)
    return filled
