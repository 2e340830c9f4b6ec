"""Every call of a contract, read from its frozen OpenAPI document (`docs/openapi`), so that the page cannot drift.

What a document has no place for (the original's order and words, the meaning of a field, values to show) comes from
`words`; a test holds both against each other, and nothing in `words` goes unused.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import yaml
from django.conf import settings

from gateway.panel.reference import schemas
from gateway.panel.reference.schemas import Document, Schema
from gateway.panel.reference.words import Words, words_of

PREFIX = "/api/v1"
JSON = "application/json"
# How the originals list what a query may have.
_ORDER = (
    "page", "limit", "count", "skip", "period", "format", "type", "status", "method", "network", "currency",
    "has_balance", "sweep_status", "start_date", "end_date", "min_amount", "max_amount", "group_by", "filters",
    "search", "sort_by", "sort_order",
)
# Who may send a call: a key of one's own, anybody (with or without a publishable key), nobody's key at all, or a link.
KEY, PUBLIC, OPEN, LINK = "key", "public", "open", "link"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One thing to send. `place` is `path`, `query`, `header` or `body`; `sample` what the form starts with."""

    name: str
    place: str
    type: str
    required: bool
    meaning: str
    allowed: str
    default: str
    sample: str = ""
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Body:
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Operation:
    """`path` is the document's (`/api/v1/payments/{transaction_id}`), `shown` the original's way of writing it."""

    name: str
    method: str
    path: str
    shown: str
    summary: str
    text: str
    who: str
    access: str
    parameters: tuple[Parameter, ...]
    bodies: tuple[Body, ...]
    status: int
    answer: str
    refusals: tuple[tuple[str, str], ...]

    @property
    def anchor(self) -> str:
        """`get-payments`, `get-payments-id`."""
        parts = (self.method.lower(), *self.shown.strip("/").replace(":", "").split("/"))
        return "-".join(part.strip("{}").replace("_", "-") for part in parts)

    @property
    def own(self) -> tuple[Parameter, ...]:
        """What the form asks for one by one; a body is asked for whole."""
        return tuple(one for one in self.parameters if one.place != "body")

    @property
    def has_body(self) -> bool:
        return bool(self.bodies)

    @property
    def changes(self) -> bool:
        return self.method != "GET"

    @property
    def idempotent(self) -> bool:
        return any(one.name == "Idempotency-Key" for one in self.parameters)

    @property
    def haystack(self) -> str:
        """What the page's search looks into."""
        names = " ".join(one.name for one in self.parameters)
        return f"{self.method} {self.shown} {self.summary} {names}".lower()


@dataclass(frozen=True, slots=True)
class Section:
    title: str
    operations: tuple[Operation, ...] = field(default_factory=tuple)

    @property
    def anchor(self) -> str:
        return "section-" + "-".join(self.title.lower().replace("&", "and").split())


@cache
def document(contract: str) -> Document:
    folder = settings.BASE_DIR / "docs" / "openapi"
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    loaded: Document = yaml.load((folder / f"{contract}.yaml").read_text(), Loader=loader)  # noqa: S506 - a safe one
    return loaded


@cache
def operations(contract: str) -> dict[str, Operation]:
    """By name, in the document's order."""
    return {made.name: made for made in _read(contract)}


@cache
def sections(contract: str) -> tuple[Section, ...]:
    """In the original's order, what it did not have after its own."""
    found = operations(contract)
    return tuple(
        Section(title, tuple(found[name] for name in names)) for title, names in words_of(contract).sections.items()
    )


def _read(contract: str) -> Iterator[Operation]:
    loaded, words = document(contract), words_of(contract)
    for path, methods in loaded["paths"].items():
        for method, described in methods.items():
            yield _operation(loaded, words, path, method.upper(), described)


def _operation(loaded: Document, words: Words, path: str, method: str, described: Schema) -> Operation:
    name = described["operationId"]
    status, answer = _answer(loaded, words, name, described)
    summary = words.summaries.get(name, described["summary"])
    text = words.notes.get(name, " ".join(described.get("description", "").split()))
    return Operation(
        name=name, method=method, path=path, shown=words.shown_path(path.removeprefix(PREFIX)), summary=summary,
        text="" if text.rstrip(".") == described["summary"] else text, who=words.who.get(name, ""),
        access=_access(described), parameters=tuple(_parameters(loaded, words, name, described)),
        bodies=_bodies(words, name, described), status=status, answer=answer,
        refusals=tuple(
            (code, said["description"]) for code, said in described["responses"].items() if not code.startswith("2")
        ),
    )


def _access(described: Schema) -> str:
    ways = [set(way) for way in described.get("security", [])]
    if not ways:
        return OPEN
    if set() in ways:
        return PUBLIC
    return LINK if {"Link"} in ways else KEY


def _parameters(loaded: Document, words: Words, name: str, described: Schema) -> Iterator[Parameter]:
    for said in sorted(described.get("parameters", ()), key=_place_in_table):
        required = said["in"] == "path" or bool(said.get("required"))
        yield _parameter(
            words, name, said["name"], said["in"], said["schema"], required, said.get("description", ""),
            words.query.get(name, {}).get(said["name"], ""),
        )
    if _access(described) == LINK:
        yield Parameter("token", "query", "string", True, words.meaning(name, "token"), "", "")
    wanted = described.get("requestBody", {}).get("content", {}).get(JSON, {}).get("schema")
    yield from _body_parameters(loaded, words, name, wanted, "") if wanted else ()


def _place_in_table(said: Schema) -> tuple[int, int]:
    """The document has them by the alphabet."""
    rank = _ORDER.index(said["name"]) if said["name"] in _ORDER else -1
    return ("path", "header", "query").index(said["in"]), rank


def _body_parameters(
    loaded: Document, words: Words, name: str, wanted: Schema, before: str
) -> Iterator[Parameter]:
    """The fields of a body; those of an object in it as `card.number`."""
    found = schemas.resolved(loaded, wanted)
    required = found.get("required", ())
    listed = sorted(found["properties"].items(), key=lambda item: item[0] not in required)
    for field_name, said in listed:
        inner = schemas.resolved(loaded, said)
        yield _parameter(
            words, name, before + field_name, "body", inner, field_name in required, said.get("description", "")
        )
        if "properties" in inner:
            yield from _body_parameters(loaded, words, name, inner, f"{before}{field_name}.")


def _parameter(
    words: Words, operation: str, name: str, place: str, said: Schema, required: bool, meaning: str, sample: str = ""
) -> Parameter:
    if place == "path":
        sample = str(words.value(operation, "", name))
    default = said.get("default")
    default = words.default(operation, name) if default is None else json.dumps(default).strip('"')
    return Parameter(
        name=name, place=place, type=schemas.type_of(said), required=required,
        meaning=words.meaning(operation, name) or meaning or said.get("description", ""),
        allowed=schemas.allowed(said), default=default, sample=sample,
        choices=tuple(str(one) for one in said.get("enum", ()) if one is not None),
    )


def _bodies(words: Words, name: str, described: Schema) -> tuple[Body, ...]:
    if name in words.bodies:
        return (Body("", pretty(words.bodies[name])),)
    content = described.get("requestBody", {}).get("content", {}).get(JSON, {})
    examples = list(content.get("examples", {}).values())
    titles = [words.titles.get(example["summary"], example["summary"].capitalize()) for example in examples]
    return tuple(Body(title, pretty(example["value"])) for title, example in zip(titles, examples, strict=True))


def _answer(loaded: Document, words: Words, name: str, described: Schema) -> tuple[int, str]:
    status, said = next((code, said) for code, said in described["responses"].items() if code.startswith("2"))
    content = said.get("content", {})
    if JSON not in content or content[JSON]["schema"].get("format") == "binary":
        return int(status), words.answers.get(name, "")
    return int(status), pretty(schemas.sample(loaded, content[JSON]["schema"], words, name))


def pretty(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
