"""Input that only this contract has: whole paise, Unix seconds, and card fields that may be text or integers."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from gateway.lib.strict_json import JsonNumber

MIN_PAISE, MAX_PAISE = 100, 10**17 - 1
LAST_MOMENT = 4_102_444_800  # the year 2100; what is later was meant as milliseconds


@extend_schema_field({"type": "integer", "format": "int64", "minimum": MIN_PAISE, "maximum": MAX_PAISE})
class Paise(serializers.Field[int, Any, Any, Any]):
    """An amount in paise: a JSON integer, nothing that only looks like one."""

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int):
            raise ValidationError("must be a whole number of paise, as a JSON integer")
        if not MIN_PAISE <= data <= MAX_PAISE:
            raise ValidationError(f"must be from {MIN_PAISE} to {MAX_PAISE} paise")
        return data


@extend_schema_field({"type": "integer", "format": "int64", "minimum": 1, "maximum": LAST_MOMENT})
class FutureMoment(serializers.Field[datetime, Any, Any, Any]):
    """A moment to come, in Unix seconds."""

    def to_internal_value(self, data: Any) -> datetime:
        if isinstance(data, bool) or not isinstance(data, int):
            raise ValidationError("must be Unix seconds, as a JSON integer")
        if not time.time() < data <= LAST_MOMENT:
            raise ValidationError("must be a moment to come, in Unix seconds")
        return datetime.fromtimestamp(data, UTC)


@extend_schema_field({"oneOf": [{"type": "string", "maxLength": 40}, {"type": "integer"}]})
class TextOrInteger(serializers.Field[str, Any, Any, Any]):
    """A card's number, month, year or CVV, as text. What it says is judged where cards are; it is never repeated."""

    def to_internal_value(self, data: Any) -> str:
        if isinstance(data, (bool, JsonNumber)) or not isinstance(data, (int, str)):
            raise ValidationError("must be text or an integer")
        if isinstance(data, str) and len(data) > 40:
            raise ValidationError("must have at most 40 characters")
        return str(data)
