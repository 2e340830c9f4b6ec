"""What an experiment is: a name, how many times, what it shows, and a function that runs it.

The function is given its count and answers with its result in words; an assertion that fails is its failure.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

Run = Callable[[int], str]
SECTIONS = ("books", "concurrency", "kill", "dependencies", "callbacks", "webhooks", "doors", "chain", "containers", "soak")


@dataclass(frozen=True)
class Experiment:
    section: str
    name: str
    shows: str
    count: int
    run: Run
    by_hand: bool = False  # never part of the whole run


_all: dict[str, Experiment] = {}


def experiment(section: str, name: str, shows: str, *, count: int, by_hand: bool = False) -> Callable[[Run], Run]:
    """Registers a function as the experiment `name`."""

    def register(run: Run) -> Run:
        assert name not in _all, name
        _all[name] = Experiment(section, name, shows, count, run, by_hand)
        return run

    return register


def chosen(words: list[str]) -> list[Experiment]:
    """Those named, or of a named section, in their order; all that are not by hand when nothing is named."""
    known = {word for one in _all.values() for word in (one.name, one.section)}
    if unknown := [word for word in words if word not in known]:
        raise SystemExit(f"No such experiment: {', '.join(unknown)}. There are: {', '.join(_all)}.")
    return [one for one in everything() if (not words and not one.by_hand) or one.name in words or one.section in words]


def everything() -> list[Experiment]:
    return sorted(_all.values(), key=lambda one: SECTIONS.index(one.section))
