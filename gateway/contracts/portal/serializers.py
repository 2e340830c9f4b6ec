"""What the portal's bodies may say. Everything else that a body says is ignored, and never stored."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema_serializer

from gateway.contracts import fields
from gateway.contracts.portal.words import ROLES
from gateway.lib.money import FIAT
from payments.models import Payment
from payouts.models import Payout
from webhooks.models import Endpoint

_ORDER_ID = (r"[A-Za-z0-9._-]{1,64}", "must have 1 to 64 of A-Z, a-z, 0-9, '.', '_' and '-'")
_PHONE = (r"\+?[0-9][0-9 -]{5,18}", "must be a phone number of 6 to 19 digits")
_ACCOUNT = (r"[0-9]{9,18}", "must have 9 to 18 digits")
_IFSC = (r"[A-Z]{4}0[A-Z0-9]{6}", "must be an IFSC such as HDFC0001234")


class NewPayment(fields.Body):
    amount = fields.Rupees()
    order_id = fields.Pattern(*_ORDER_ID)
    currency = fields.Choice(FIAT, default="INR")
    payer = fields.Text(max_length=120, required=False)
    email = fields.Email(required=False)
    phone = fields.Pattern(*_PHONE, required=False)
    method = fields.Choice(Payment.Method.values, default=Payment.Method.UPI.value)
    redirect_url = fields.WebAddress(required=False)
    notes = fields.Notes(required=False)


class NewPayout(fields.Body):
    amount = fields.Rupees()
    order_id = fields.Pattern(*_ORDER_ID)
    beneficiary_name = fields.Text(max_length=120)
    account_number = fields.Pattern(*_ACCOUNT)
    ifsc = fields.Pattern(*_IFSC)
    bank_name = fields.Text(max_length=120, required=False)
    method = fields.Choice(Payout.Method.values, default=Payout.Method.IMPS.value)
    remarks = fields.Text(max_length=200, required=False)


class NamedMerchant(fields.Body):
    """What operators add to a body: for which merchant they act."""

    merchant_id = fields.Text(max_length=24)


class OperatorPayment(NewPayment, NamedMerchant):
    """A payment that an operator creates for a merchant."""


class OperatorPayout(NewPayout, NamedMerchant):
    """A payout that a super_admin creates for a merchant."""


class _MaybeNamed(fields.Body):
    merchant_id = fields.Text(
        max_length=24, required=False, help_text="Whom to act for. Operators must say it; from others it is ignored."
    )


@extend_schema_serializer(component_name="NewPayment")
class AnyPayment(NewPayment, _MaybeNamed):
    """A payment as the document shows it, whoever calls."""


@extend_schema_serializer(component_name="NewPayout")
class AnyPayout(NewPayout, _MaybeNamed):
    """A payout as the document shows it, whoever calls."""


class Rejection(fields.Body):
    reason = fields.Text(max_length=200)


class NewUser(fields.Body):
    email = fields.Email()
    name = fields.Text(max_length=120)
    role = fields.Choice(list(ROLES))
    parent_id = fields.Text(max_length=24, required=False)
    business_name = fields.Text(max_length=120, required=False)


class UserChanges(fields.Body):
    name = fields.Text(max_length=120, required=False, allow_blank=False)
    role = fields.Choice(list(ROLES), required=False)
    parent_id = fields.Text(max_length=24, required=False)


class NewEndpoint(fields.Body):
    url = fields.WebAddress()
    contract = fields.Choice(Endpoint.Contract.values, default=Endpoint.Contract.PORTAL.value)
    events = fields.Names(required=False)
    enabled = fields.Flag(default=True)


class EndpointChanges(fields.Body):
    url = fields.WebAddress(required=False, allow_blank=False)
    events = fields.Names(required=False)
    enabled = fields.Flag(required=False)
