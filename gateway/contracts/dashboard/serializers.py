"""What this contract's bodies may say. Everything else that a body says is ignored, and never stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drf_spectacular.drainage import set_override
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from crypto.services.sessions import MAX_METADATA
from gateway.contracts import fields
from gateway.contracts.dashboard.errors import InvalidParameter
from gateway.contracts.dashboard.words import CURRENCIES, NETWORKS
from gateway.contracts.problems import MissingFields
from gateway.lib.errors import InvalidFields
from gateway.lib.money import InvalidAmount, parse_amount
from gateway.lib.strict_json import JsonNumber

_MESSAGES = {"required": "is required", "null": "must not be null"}


class Body(fields.Body):
    """A refusal of one value that must be one of a few names them apart."""

    @classmethod
    def read(cls, body: Mapping[str, Any]) -> dict[str, Any]:
        try:
            return super().read(body)
        except InvalidFields as error:
            bad = error.details["fields"]
            name = next(iter(bad))
            choices = getattr(cls().fields.get(name), "choices", None)
            if len(bad) > 1 or not choices:
                raise
            raise InvalidParameter(name, bad[name], choices) from error


class Tokens(serializers.Field[int, Any, Any, Any]):
    """An amount in tokens as minor units (10⁻⁸), from a JSON number or plain text: `100`, `"99.5"`."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.error_messages |= _MESSAGES
        text = {"type": "string", "pattern": r"^([1-9][0-9]{0,14}|0)(\.[0-9]{1,8})?$"}
        number = {"type": "number", "exclusiveMinimum": True, "minimum": 0}
        set_override(self, "field", {"anyOf": [number, text], "example": 100})

    def to_internal_value(self, data: Any) -> int:
        try:
            return parse_amount(data, "USDT").minor
        except InvalidAmount as error:
            raise ValidationError(str(error)) from error


class Seconds(serializers.Field[int, Any, Any, Any]):
    """A whole number in a range, as a JSON integer."""

    def __init__(self, *, least: int, most: int, **options: Any) -> None:
        super().__init__(**options)
        self._least, self._most = least, most
        self.error_messages |= _MESSAGES
        set_override(self, "field", {"type": "integer", "minimum": least, "maximum": most})

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int) or not self._least <= data <= self._most:
            raise ValidationError(f"must be a whole number from {self._least} to {self._most}")
        return data


class Metadata(serializers.Field[dict[str, Any], Any, Any, Any]):
    """A merchant's own object, kept and given back as it is. How large it may be is the service's to say."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        set_override(self, "field", {
            "type": "object", "additionalProperties": {}, "description": f"At most {MAX_METADATA} bytes as JSON.",
        })

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict):
            raise ValidationError("must be an object")
        kept: dict[str, Any] = _plain(data)
        return kept


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return _number(value) if isinstance(value, JsonNumber) else value


def _number(text: JsonNumber) -> float:
    value = float(text) if len(text) <= 20 else float("inf")
    if value in (float("inf"), float("-inf")):
        raise ValidationError("numbers must have at most 20 characters and be finite")
    return value


class NewSession(Body):
    amount = Tokens()
    currency = fields.Choice(CURRENCIES)
    network = fields.Choice(NETWORKS)
    reference = fields.Text(max_length=100)
    customer_email = fields.Email(required=False)
    customer_name = fields.Text(max_length=120, required=False)
    description = fields.Text(max_length=500, required=False)
    callback_url = fields.WebAddress(required=False)
    metadata = Metadata(required=False)
    expires_in = Seconds(least=60, most=86_400, required=False, help_text="Seconds; 900 if it is not sent.")


class NewWithdrawal(Body):
    """`crypto` needs `crypto_network` and `crypto_address`; `fiat` goes to the settlement account."""

    amount = Tokens()
    method = fields.Choice(("crypto", "fiat"))
    currency = fields.Choice(CURRENCIES, default="USDT")
    crypto_network = fields.Choice(NETWORKS, required=False)
    crypto_address = fields.Text(max_length=100, required=False)
    note = fields.Text(max_length=200, required=False)

    @classmethod
    def read(cls, body: Mapping[str, Any]) -> dict[str, Any]:
        sent = super().read(body)
        missing = [name for name in ("crypto_network", "crypto_address") if not sent.get(name)]
        if sent["method"] == "crypto" and missing:
            raise MissingFields(missing)
        if sent["method"] == "fiat" and sent.get("crypto_address"):
            raise InvalidParameter("crypto_address", "must not be sent with method fiat")
        return sent


class RetryConfig(fields.Body):
    max_retries = Seconds(least=0, most=10)
    retry_interval = Seconds(least=10, most=86_400)


class NestedRetryConfig(RetryConfig):
    """The nested object, which must be one."""

    def run_validation(self, data: Any = serializers.empty) -> Any:
        if data is not serializers.empty and not isinstance(data, dict):
            raise ValidationError("must be an object with max_retries and retry_interval")
        try:
            return super().run_validation(data)
        except ValidationError as error:  # told of the whole: so it says which of the two is meant
            name, text = next(iter(fields.texts_of(error.detail).items()))
            raise ValidationError(f"{name} {text}") from error


class WebhookConfig(Body):
    """What is not sent stays as it is. `events`: those of payments and sessions, if the list is empty."""

    webhook_url = fields.WebAddress(required=False, allow_blank=False)
    enabled = fields.Flag(required=False)
    events = fields.Names(required=False)
    retry_config = NestedRetryConfig(required=False)
