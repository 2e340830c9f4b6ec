"""What this contract's bodies may say. Everything else that a body says is ignored, and never stored."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from gateway.contracts import fields
from gateway.contracts.fields import texts_of
from gateway.lib.errors import InvalidFields
from gateway.lib.strict_json import JsonNumber
from payouts.models import Payout

_ORDER_ID = (r"[A-Za-z0-9._-]{1,64}", "must have 1 to 64 of A-Z, a-z, 0-9, '.', '_' and '-'")
_PHONE = (r"\+?[0-9][0-9 -]{5,18}", "must be a phone number of 6 to 19 digits")
_ACCOUNT = (r"[0-9]{9,18}", "must have 9 to 18 digits")
_IFSC = (r"[A-Z]{4}0[A-Z0-9]{6}", "must be an IFSC such as SBIN0060589")


class SignedBody(fields.Body):
    """Says everything that is wrong at once: what is missing beside what is bad."""

    @staticmethod
    def refusal(errors: Any) -> InvalidFields:
        return InvalidFields(**texts_of(errors))


@extend_schema_field({
    "oneOf": [
        {"type": "string", "pattern": f"^{_PHONE[0]}$"},
        {"type": "integer", "minimum": 100_000, "maximum": 10**19 - 1},
    ],
    "example": "7878787878",
})
class MobileNumber(serializers.Field[Any, Any, Any, Any]):
    """Text or a JSON integer; what was sent is what is kept and answered."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._text = fields.Pattern(*_PHONE)
        self.error_messages |= self._text.error_messages

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, (bool, JsonNumber)):
            raise ValidationError("must be text or a whole number")
        self._text.run_validation(str(data) if isinstance(data, int) else data)
        return data


class NewPayinLink(SignedBody):
    user_id = fields.Text(max_length=64)
    order_id = fields.Pattern(*_ORDER_ID)
    amount = fields.Rupees()
    method = fields.Choice(["UPI"])
    redirect_url = fields.WebAddress()


class PayinQuestion(SignedBody):
    order_id = fields.Text(max_length=64)


class NewPayout(SignedBody):
    beneficiary_name = fields.Text(max_length=120)
    beneficiary_email = fields.Email()
    beneficiary_mobile_no = MobileNumber()
    beneficiary_address = fields.Text(max_length=200)
    payment_method = fields.Choice(Payout.Method.values)
    beneficiary_acc_no = fields.Pattern(*_ACCOUNT)
    bank_name = fields.Text(max_length=120)
    ifsc = fields.Pattern(*_IFSC)
    amount = fields.Rupees()
    order_id = fields.Pattern(*_ORDER_ID)
    user_id = fields.Text(max_length=64)
    remarks = fields.Text(max_length=200, required=False)
