"""JSON from outside, read strictly: UTF-8, an object, no duplicate keys, no NaN, at most 32 levels, storable text.

Numbers keep the digits as they were sent: integers stay `int`, everything else becomes a `JsonNumber` (the
literal's text), so that no amount ever passes through a float. On the way out a `Decimal` is written digit for digit.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 32
_MAX_INTEGER_DIGITS = 40
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_STRING_OR_BRACKET = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[\[\]{}]', re.DOTALL)


class MalformedJson(ValueError):
    """The body is not acceptable JSON; the message says why."""


class JsonNumber(str):
    """The text of a JSON number with a fraction or an exponent, or too long for an integer."""

    __slots__ = ()


def loads_object(body: bytes) -> dict[str, Any]:
    """The JSON object in `body`; raises `MalformedJson`."""
    value = loads(body)
    if not isinstance(value, dict):
        raise MalformedJson("the body must be a JSON object")
    return value


def loads(body: bytes) -> Any:
    try:
        text = body.decode("utf-8")
        _check_depth(text)
        value = json.loads(
            text,
            parse_float=JsonNumber,
            parse_int=_parse_int,
            parse_constant=_refuse_constant,
            object_pairs_hook=_unique_keys,
        )
    except UnicodeDecodeError as error:
        raise MalformedJson("the body must be UTF-8") from error
    except json.JSONDecodeError as error:
        raise MalformedJson(f"the body is not valid JSON: {error.msg} at line {error.lineno}") from error
    _check(value)
    return value


def _check_depth(text: str) -> None:
    """Before anything is parsed: the parser goes down as deep as the text does, and where a library has raised the
    interpreter's own limit (chain libraries do) that ends the process.
    """
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return
    depth = 0
    for found in _STRING_OR_BRACKET.finditer(text):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(found[0], 0)
        if depth > MAX_DEPTH:
            raise MalformedJson(f"the body is nested more than {MAX_DEPTH} levels deep")


def _parse_int(text: str) -> int | JsonNumber:
    return int(text) if len(text) <= _MAX_INTEGER_DIGITS and text != "-0" else JsonNumber(text)


def _refuse_constant(name: str) -> None:
    raise MalformedJson(f"{name} is not a JSON value")


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise MalformedJson("the body names a field twice")
    return result


def _check(value: Any) -> None:
    if isinstance(value, str):
        check_text(value)
    elif isinstance(value, (dict, list)):
        for item in value.values() if isinstance(value, dict) else value:
            _check(item)
        if isinstance(value, dict):
            for key in value:
                check_text(key)


def check_text(text: str) -> None:
    """Refuses what no database column can hold: NUL and lone surrogates."""
    if _UNSTORABLE.search(text):
        raise MalformedJson("text may hold neither NUL nor lone surrogates")


def dumps(value: Any) -> bytes:
    """Compact UTF-8. Floats that are no JSON are refused; a `Decimal` becomes a number with exactly its digits."""
    encoded = _ENCODER.encode(value)
    if _MARK in encoded:
        encoded = _MARKED_NUMBER.sub(r"\1", encoded)
    return encoded.encode()


class _Encoder(json.JSONEncoder):
    def default(self, o: Any) -> Any:
        # The encoder cannot write a bare token, so it is marked by what no stored or accepted text can hold.
        return f"\0{o:f}\0" if isinstance(o, Decimal) else super().default(o)


_ENCODER = _Encoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
_MARK = "\\u0000"
_MARKED_NUMBER = re.compile(r'"\\u0000(-?[0-9]+(?:\.[0-9]+)?)\\u0000"')
