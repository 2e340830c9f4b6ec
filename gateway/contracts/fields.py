"""Strict input: text is text, a flag is a flag, an amount passes one grammar; nothing is converted or trimmed.

`Body.read` tells fields that are missing from fields that are bad, ignores what it does not know, and takes a `null`
for an optional field as not sent. DRF's own fields accept far more than a payment API should.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError as DjangoValidationError
from django.core.validators import EmailValidator
from drf_spectacular.drainage import set_override
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from gateway.contracts.problems import MissingFields
from gateway.lib.errors import InvalidFields
from gateway.lib.money import InvalidAmount, Money, parse_amount
from gateway.lib.strict_json import JsonNumber

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_UNSAFE_IN_URL = re.compile(r"[\x00-\x20\x7f\\<>\"{}|^`]")
_MESSAGES = {"required": "is required", "null": "must not be null"}
# For documents: an amount as text, and what `Text` takes, where it must not be empty and where it may.
_AMOUNT = r"^([1-9][0-9]{0,14}(\.[0-9]{1,2})?|0\.(0[1-9]|[1-9][0-9]?))$"
_ONE_LINE = r"^[^\x00-\x1F\x7F-\x9F]*[^\s\x00-\x1F\x7F-\x9F][^\x00-\x1F\x7F-\x9F]*$"
_ANY_LINE = r"^[^\x00-\x1F\x7F-\x9F]*$"


class Body(serializers.Serializer[Any]):
    """A request body; subclasses declare its fields."""

    @classmethod
    def read(cls, body: Mapping[str, Any]) -> dict[str, Any]:
        """The declared fields that were sent, valid, and the defaults. Raises `MissingFields`, `InvalidFields`."""
        reader = _reader(cls)
        optional = {name for name, field in reader.fields.items() if not field.required}
        sent = {name: value for name, value in body.items() if value is not None or name not in optional}
        try:
            return dict(reader.to_internal_value(sent))
        except ValidationError as error:
            raise cls.refusal(error.detail) from error

    @staticmethod
    def refusal(errors: Any) -> MissingFields | InvalidFields:
        """Fields that are missing are told first, and alone."""
        missing = [name for name, found in errors.items() if _is_missing(found)]
        if missing:
            return MissingFields(missing)
        return InvalidFields(**texts_of(errors))


@cache
def _reader(kind: type[Body]) -> Body:
    """One instance serves every request: reading changes nothing in it."""
    return kind()


def texts_of(errors: Any) -> dict[str, str]:
    """What is wrong with each field, in one sentence's end."""
    return {name: _first_text(found) for name, found in errors.items()}


def _is_missing(found: Any) -> bool:
    return isinstance(found, list) and any(getattr(item, "code", "") == "required" for item in found)


def _first_text(found: Any) -> str:
    while isinstance(found, (list, dict)):
        found = next(iter(found.values() if isinstance(found, dict) else found), "is invalid")
    return str(found)


def _documented(field: serializers.Field[Any, Any, Any, Any], **says: Any) -> None:
    """Tells drf-spectacular what JSON this field takes."""
    set_override(field, "field", says)


class Text(serializers.CharField):
    """Text of one line, exactly as sent."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("trim_whitespace", False)
        options.setdefault("allow_blank", options.get("required") is False)
        options.setdefault("error_messages", {})
        options["error_messages"] = _text_messages() | options["error_messages"]
        super().__init__(**options)
        sizes = {} if self.max_length is None else {"maxLength": self.max_length}
        _documented(self, type="string", pattern=_ANY_LINE if self.allow_blank else _ONE_LINE, **sizes)

    def run_validation(self, data: Any = serializers.empty) -> Any:
        if isinstance(data, str) and not self.allow_blank and not data.strip():
            raise ValidationError(self.error_messages["blank"], code="blank")
        return super().run_validation(data)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str) or isinstance(data, JsonNumber):
            self.fail("invalid")
        text = str(data)
        if _CONTROL.search(text):
            raise ValidationError("must not hold control characters")
        return text


def _text_messages() -> dict[str, str]:
    return _MESSAGES | {
        "invalid": "must be text",
        "blank": "must not be empty",
        "max_length": "must have at most {max_length} characters",
        "min_length": "must have at least {min_length} characters",
    }


class Pattern(Text):
    """Text that one ASCII pattern matches whole; `says` is the rule in words."""

    def __init__(self, pattern: str, says: str, **options: Any) -> None:
        super().__init__(**options)
        self.pattern, self._says = re.compile(pattern, re.ASCII), says
        _documented(self, type="string", pattern=f"^({pattern})?$" if self.allow_blank else f"^{pattern}$")

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        if not self.pattern.fullmatch(text):
            raise ValidationError(self._says)
        return text


class Email(Text):
    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=254, **options)
        _documented(self, type="string", format="email", maxLength=254)

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        try:
            EmailValidator()(text)
        except DjangoValidationError as error:
            raise ValidationError("must be an e-mail address") from error
        return text


class WebAddress(Text):
    """An absolute http(s) address: it becomes a link on a page, so no other scheme will do."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=2000, **options)
        _documented(self, type="string", format="uri", maxLength=2000, example="https://shop.example/thanks")

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        try:
            parts = urlsplit(text)
            good = parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc
            good = good and (parts.port is None or parts.port > 0)
        except ValueError:
            good = False
        if not good or _UNSAFE_IN_URL.search(text):
            raise ValidationError("must be an absolute http or https address")
        return text


class Choice(serializers.ChoiceField):
    """One of a few words; the refusal names them."""

    def __init__(self, choices: Any, **options: Any) -> None:
        super().__init__(choices, **options)
        self.error_messages |= _MESSAGES
        _documented(self, type="string", enum=list(self.choices))

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str) or data not in self.choices:
            raise ValidationError(f"must be one of {', '.join(map(str, self.choices))}")
        return data


class Flag(serializers.BooleanField):
    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.error_messages |= _MESSAGES

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            raise ValidationError("must be true or false")
        return data


class Rupees(serializers.Field[Money, Any, Any, Any]):
    """An amount in rupees, as a JSON number or plain text: `500`, `499.50`."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.error_messages |= _MESSAGES
        text = {"type": "string", "pattern": _AMOUNT}
        number = {"type": "number", "minimum": 0.01, "maximum": 999_999_999_999_999, "multipleOf": 0.01}
        _documented(self, oneOf=[number, text], example=499.5)

    def to_internal_value(self, data: Any) -> Money:
        try:
            return parse_amount(data, "INR")
        except InvalidAmount as error:
            raise ValidationError(str(error)) from error


class Notes(serializers.Field[dict[str, Any], Any, Any, Any]):
    """At most 15 of a merchant's own pairs, kept and given back as they are."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        values = [{"type": "string", "maxLength": 512}, {"type": "number"}, {"type": "boolean"}]
        _documented(self, type="object", maxProperties=15, additionalProperties={"oneOf": values})

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict):
            raise ValidationError("must be an object")
        if len(data) > 15:
            raise ValidationError("must have at most 15 keys")
        return {self._key(name): self._value(value) for name, value in data.items()}

    def _key(self, name: str) -> str:
        if not 1 <= len(name) <= 64:
            raise ValidationError("keys must have 1 to 64 characters")
        return name

    def _value(self, value: Any) -> Any:
        if isinstance(value, JsonNumber):
            return _plain_float(value)
        if isinstance(value, str) and len(value) > 512:
            raise ValidationError("values must have at most 512 characters")
        if value is None or isinstance(value, (dict, list)):
            raise ValidationError("values must be text, numbers or booleans")
        return value


def _plain_float(text: JsonNumber) -> float:
    value = float(text) if len(text) <= 20 else float("inf")
    if value in (float("inf"), float("-inf")):
        raise ValidationError("numbers must have at most 20 characters and be finite")
    return value


class Names(serializers.Field[list[str], Any, Any, Any]):
    """A short list of short texts."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        _documented(self, type="array", maxItems=50, items={"type": "string", "minLength": 1, "maxLength": 40})

    def to_internal_value(self, data: Any) -> list[str]:
        if not isinstance(data, list) or len(data) > 50:
            raise ValidationError("must be a list of at most 50 names")
        if not all(isinstance(name, str) and not isinstance(name, JsonNumber) and 0 < len(name) <= 40 for name in data):
            raise ValidationError("must be a list of names")
        return data
