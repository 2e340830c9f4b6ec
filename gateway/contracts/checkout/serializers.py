"""What this contract's bodies may say. Everything else that a body says is ignored, and never stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from gateway.contracts import fields
from gateway.contracts.checkout.fields import FutureMoment, Paise, TextOrInteger
from gateway.contracts.problems import MissingFields
from gateway.lib.errors import InvalidFields
from gateway.lib.money import FIAT
from payments.models import Payment
from payments.providers.cards import CardDetails

_ID = 40


class NewPublicOrder(fields.Body):
    amount = Paise()
    currency = fields.Choice(FIAT, default="INR")
    receipt = fields.Text(max_length=40, required=False)
    notes = fields.Notes(required=False)
    merchant_id = fields.Text(max_length=24, required=False)


class NewOrder(fields.Body):
    amount = Paise()
    currency = fields.Choice(FIAT, default="INR")
    receipt = fields.Text(max_length=40, required=False)
    notes = fields.Notes(required=False)
    manual_capture = fields.Flag(default=True)
    redirect_url = fields.WebAddress(required=False, help_text="Where the hosted page leads back to.")
    expire_by = FutureMoment(required=False, help_text="Unix seconds; from then on the order takes no new payment.")


class Card(fields.Body):
    number = TextOrInteger()
    expiry_month = TextOrInteger()
    expiry_year = TextOrInteger()
    cvv = TextOrInteger()
    name = fields.Text(max_length=120, required=False)


class NestedCard(Card):
    """The nested body of a card, which must be an object."""

    def run_validation(self, data: Any = serializers.empty) -> Any:
        if data is serializers.empty:
            return super().run_validation(data)
        if not isinstance(data, dict):
            raise ValidationError("must be an object")
        return data


class MaybeAmount(fields.Body):
    """An amount that may be left out, but not be null: a slip of the caller's must not mean "all of it"."""

    amount = Paise(required=False)

    @classmethod
    def read(cls, body: Mapping[str, Any]) -> dict[str, Any]:
        if "amount" in body and body["amount"] is None:
            raise InvalidFields(amount="must not be null")
        return super().read(body)


class NewPayment(MaybeAmount):
    """Pays an order by UPI (`vpa`) or card (flat or nested). `amount` and `currency`, if sent, are the order's."""

    order_id = fields.Text(max_length=_ID)
    method = fields.Choice(Payment.Method.values)
    currency = fields.Choice(FIAT, required=False)
    vpa = fields.Text(max_length=120, required=False)
    card = NestedCard(required=False)
    card_number = TextOrInteger(required=False)
    expiry_month = TextOrInteger(required=False)
    expiry_year = TextOrInteger(required=False)
    cvv = TextOrInteger(required=False)
    name = fields.Text(max_length=120, required=False)


class Capture(MaybeAmount):
    """Nothing is needed; what is sent must be the payment's own."""

    currency = fields.Choice(FIAT, required=False)


class PaymentRefund(MaybeAmount):
    """`amount`: what is left, if it is not sent."""

    reason = fields.Text(max_length=200, required=False)


class NewRefund(PaymentRefund):
    payment_id = fields.Text(max_length=_ID)


class NewWebhook(fields.Body):
    """`url` may also be a query parameter or a header of that name."""

    url = fields.WebAddress(required=False, allow_blank=False)
    events = fields.Names(required=False)


# Of a card's own fields: their names in the flat body, and in the nested one.
_FLAT = {"number": "card_number", "month": "expiry_month", "year": "expiry_year", "cvv": "cvv", "name": "name"}
_NESTED = {
    "number": "card.number", "month": "card.expiry_month", "year": "card.expiry_year", "cvv": "card.cvv",
    "name": "card.name",
}


def card_of(sent: dict[str, Any]) -> CardDetails:
    """The card of either body. Raises `MissingFields` or `InvalidFields` in that body's own names."""
    if "card" in sent:
        return _details(_nested(sent["card"]))
    needed = [name for field, name in _FLAT.items() if field != "name"]
    missing = [name for name in needed if name not in sent]
    if missing:
        raise MissingFields(missing)
    return _details({field: sent.get(name, "") for field, name in _FLAT.items()})


def _nested(card: dict[str, Any]) -> dict[str, str]:
    try:
        read = Card.read(card)
    except MissingFields as error:
        raise MissingFields([f"card.{name}" for name in error.details["fields"]]) from error
    except InvalidFields as error:
        raise InvalidFields(**{f"card.{name}": text for name, text in error.details["fields"].items()}) from error
    return {field: read.get(name.removeprefix("card."), "") for field, name in _NESTED.items()}


def _details(values: dict[str, str]) -> CardDetails:
    return CardDetails(**values)


def in_words_of_body(error: InvalidFields, sent: dict[str, Any]) -> InvalidFields:
    """What is wrong with a card, under the names that the caller used."""
    names = _NESTED if "card" in sent else _FLAT
    return InvalidFields(**{names.get(name, name): text for name, text in error.details["fields"].items()})
