"""What the house's bank accounts were credited with: one transfer, known by its UTR, is one thing, whether a payment, a
merchant's top-up or a payout that came back.

The apps that know them do not know each other, so each says at its start how it finds its own.
"""

from __future__ import annotations

from collections.abc import Callable

from gateway.lib.turns import take_turn

_finders: dict[str, Callable[[str, str], bool]] = {}


def register(app: str, finder: Callable[[str, str], bool]) -> None:
    """`finder(mode, utr)` says whether `app` took the transfer with this UTR (in upper case) for something."""
    _finders[app] = finder


def hold_transfer(mode: str, utr: str) -> None:
    """Until the transaction ends nobody else uses this UTR: no constraint spans the tables."""
    take_turn("transfer", mode, utr.upper())


def is_used_elsewhere(app: str, mode: str, utr: str) -> bool:
    """Whether another app than `app` has used it. Whoever goes on to use it holds it."""
    return any(finds(mode, utr.upper()) for name, finds in _finders.items() if name != app)
