"""What a payer types: a UPI address (or the UTR of a payment made), or a card."""

from __future__ import annotations

import unicodedata
from typing import Any

from django import forms

from gateway.lib.errors import GatewayError

_LOOK = {"class": "input", "spellcheck": "false"}
# The domain's names for what the card form has in one field, and what to call them there.
_FIELDS = {"month": ("expiry", "Expiry month"), "year": ("expiry", "Expiry year")}


class DigitsField(forms.CharField):
    """Digits of any script, as a keyboard or an app in Hindi writes them, are read as 0 to 9."""

    def to_python(self, value: Any) -> str:
        text = super().to_python(value) or ""
        return "".join(str(unicodedata.decimal(sign, sign)) for sign in text)


class VpaForm(forms.Form):
    """Asks the payer's own app for the money, so that the UPI ID is needed."""

    use_required_attribute = False

    vpa = forms.CharField(
        label="Your UPI ID", max_length=120, error_messages={"required": "Enter your UPI ID, as name@bank."},
        help_text="As your UPI app shows it, such as name@bank.",
        widget=forms.TextInput(
            attrs=_LOOK | {
                "autocomplete": "off", "autocapitalize": "none", "inputmode": "email", "placeholder": "name@bank",
            }
        ),
    )


class UtrForm(forms.Form):
    """From who has sent the money."""

    use_required_attribute = False

    utr = DigitsField(
        label="UTR", required=False, max_length=40, help_text="The 12-digit reference your UPI app shows after paying.",
        widget=forms.TextInput(attrs=_LOOK | {"autocomplete": "off", "autocapitalize": "characters"}),
    )


class UpiForm(forms.Form):
    """Both are optional on the page: who paid by the QR code confirms with nothing, or with the UTR."""

    use_required_attribute = False

    vpa = forms.CharField(
        label="Your UPI ID", required=False, max_length=120,
        widget=forms.TextInput(
            attrs=_LOOK | {
                "autocomplete": "off", "autocapitalize": "none", "inputmode": "email", "placeholder": "name@bank",
            }
        ),
    )
    utr = DigitsField(
        label="UTR", required=False, max_length=40, help_text="The 12-digit reference your UPI app shows after paying.",
        widget=forms.TextInput(attrs=_LOOK | {"autocomplete": "off", "autocapitalize": "characters"}),
    )


class CardForm(forms.Form):
    """Never bound back to the page after an error: a card number is not shown or sent twice."""

    use_required_attribute = False

    number = DigitsField(
        label="Card number", max_length=40,
        widget=forms.TextInput(
            attrs=_LOOK | {
                "autocomplete": "cc-number", "inputmode": "numeric", "data-card": "number",
                "placeholder": "1234 1234 1234 1234",
            }
        ),
    )
    expiry = DigitsField(
        label="Expiry", max_length=9,
        widget=forms.TextInput(
            attrs=_LOOK | {
                "autocomplete": "cc-exp", "inputmode": "numeric", "data-card": "expiry", "placeholder": "MM/YY",
            }
        ),
    )
    cvv = DigitsField(
        label="CVV", max_length=4,
        widget=forms.PasswordInput(
            attrs=_LOOK | {
                "autocomplete": "cc-csc", "inputmode": "numeric", "data-card": "cvv", "placeholder": "3 digits",
            }
        ),
    )
    name = forms.CharField(
        label="Name on card", max_length=120, required=False,
        widget=forms.TextInput(attrs=_LOOK | {"autocomplete": "cc-name", "autocapitalize": "words"}),
    )

    def month_and_year(self) -> tuple[str, str]:
        month, _, year = self.cleaned_data["expiry"].replace(" ", "").partition("/")
        return month, year

    def blank(self) -> CardForm:
        """The same errors on empty fields."""
        empty = CardForm()
        empty._errors = self.errors  # type: ignore[attr-defined]
        return empty


def show(form: forms.Form, error: GatewayError) -> None:
    """Puts a refusal beside the field it is about, or above the form."""
    for field, text in (error.details.get("fields") or {"": error.message}).items():
        if field in _FIELDS or field in form.fields:
            name, label = _FIELDS.get(field) or (field, form.fields[field].label)
            form.add_error(name, f"{label} {text}.")
        else:
            form.add_error(None, text)
