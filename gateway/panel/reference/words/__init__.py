"""What the reference says of a contract beside its OpenAPI document: the original's words, order and example values."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from typing import Any, ClassVar

CONTRACTS = ("portal", "signed", "checkout", "dashboard")
Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Tier:
    """Who may send how many requests in a span; `limit` reads the setting that says it."""

    title: str
    name: str
    limit: Callable[[], int]
    span: str


@dataclass(frozen=True, slots=True)
class Role:
    title: str
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Words:
    """`values`, `meanings`, `defaults`: by field (`status`), by record and field (`Payout.status`), by call and field
    (`create_payout.status`), or by all three (`create_payout/Payout.status`); the closest counts. `summaries`, `notes`,
    `who`, `bodies`, `query`, `answers`: by call.
    """

    LEFT_OUT: ClassVar[object] = object()

    title: str
    intro: str
    original: str  # the original's own title, where it has one
    format: str
    auth: str
    protocol: str
    headers: str
    base_note: str
    auth_note: str
    important: tuple[str, ...]
    sections: Mapping[str, tuple[str, ...]]
    tiers: tuple[Tier, ...]
    errors: tuple[tuple[int, str, str], ...]
    error_sample: Values
    event_note: str
    key_name: str
    key_note: str
    guide: str
    roles: tuple[Role, ...] = ()
    practices: tuple[str, ...] = ()
    summaries: Mapping[str, str] = field(default_factory=dict)
    notes: Mapping[str, str] = field(default_factory=dict)
    who: Mapping[str, str] = field(default_factory=dict)
    bodies: Mapping[str, Values] = field(default_factory=dict)
    query: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    answers: Mapping[str, str] = field(default_factory=dict)
    titles: Mapping[str, str] = field(default_factory=dict)
    meanings: Mapping[str, str] = field(default_factory=dict)
    defaults: Mapping[str, str] = field(default_factory=dict)
    values: Values = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    colon: bool = False

    def value(self, operation: str, owner: str, name: str, default: Any = "") -> Any:
        for key in (f"{operation}/{owner}.{name}", f"{operation}.{name}", f"{owner}.{name}", name):
            if key in self.values:
                return self.values[key]
        return default

    def meaning(self, operation: str, name: str) -> str:
        return self.meanings.get(f"{operation}.{name}") or self.meanings.get(name, "")

    def default(self, operation: str, name: str) -> str:
        return self.defaults.get(f"{operation}.{name}", "")

    def shown_path(self, path: str) -> str:
        """The path as the original writes it: `/payments/:id`, `/orders/{order_id}`."""
        mark = ":{}" if self.colon else "{{{}}}"
        return re.sub(r"\{(\w+)\}", lambda found: mark.format(self.names.get(found[1], found[1])), path)


@cache
def words_of(contract: str) -> Words:
    found: Words = import_module(f"gateway.panel.reference.words.{contract}").WORDS
    return found
