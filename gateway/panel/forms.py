"""What the panel's forms have in common: the looks of their controls, lines that are lines, money fields, and the
domain's refusals shown beside the field they are about."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from typing import Any, TypeVar

from django import forms
from django.core.validators import RegexValidator

from gateway.lib.errors import GatewayError, InvalidFields, NotFound
from gateway.lib.money import InvalidAmount, Money, parse_amount

T = TypeVar("T")
_CLASSES: tuple[tuple[type[forms.Widget], str], ...] = (
    (forms.CheckboxSelectMultiple, ""),
    (forms.RadioSelect, ""),
    (forms.CheckboxInput, ""),
    (forms.HiddenInput, ""),
    (forms.Select, "select"),
    (forms.Textarea, "textarea"),
    (forms.Widget, "input"),
)
# As the APIs have it: what is one line on the page is one line in a bank's file and in a mail. Passwords, and what is
# looked at as it came, are not stripped and not refused.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_one_line = RegexValidator(_CONTROL, "This is one line: it may not hold control characters.", inverse_match=True)


class MoneyField(forms.CharField):
    """A positive amount of `currency` in major units; cleans to `Money` by the one strict grammar."""

    def __init__(self, *, currency: str = "INR", **kwargs: Any) -> None:
        self.currency = currency
        kwargs.setdefault("max_length", 30)
        kwargs.setdefault("widget", forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}))
        super().__init__(**kwargs)

    def clean(self, value: Any) -> Money | None:
        text = super().clean(value)
        if not text:
            return None
        try:
            return parse_amount(text, self.currency)
        except InvalidAmount as error:
            raise forms.ValidationError(_sentence(str(error))) from error


class PanelForm(forms.Form):
    """Controls with the design system's classes; errors come from the server, in one place and one look."""

    use_required_attribute = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            look = next(name for kind, name in _CLASSES if isinstance(field.widget, kind))
            if look:
                field.widget.attrs.setdefault("class", look)
            if type(field) is forms.CharField and field.strip and not isinstance(field.widget, forms.Textarea):
                field.validators.append(_one_line)


class EditForm(PanelForm):
    """Of a record that stands already. What somebody else changed since the form was opened is not written back over:
    it is refused, unless all that was sent is as it stands now (Save pressed twice). Templates give out `shown`.
    """

    shown = forms.CharField(max_length=64, required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, initial: dict[str, Any], **kwargs: Any) -> None:
        super().__init__(*args, initial=initial | {"shown": _mark(initial)}, **kwargs)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        is_old = data.pop("shown", "") not in ("", self.initial["shown"])
        if is_old and set(self.changed_data) - {"shown"}:
            raise forms.ValidationError(
                "Somebody changed this since you opened it, so nothing was saved. Open it again to see what stands now."
            )
        return data


def _mark(values: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True, default=str).encode()).hexdigest()


def carry_out(form: forms.Form, act: Callable[[], T]) -> T | None:
    """What `act` returns; or None, with its refusal written into `form` beside the field it names.

    A record that is not there (`NotFound`) is not the form's matter and passes through.
    """
    try:
        return act()
    except NotFound:
        raise
    except GatewayError as error:
        show(form, error)
        return None


def show(form: forms.Form, error: GatewayError) -> None:
    """Writes a refusal into a bound form."""
    fields = error.details["fields"] if isinstance(error, InvalidFields) else {}
    for name, text in fields.items():
        if name in form.fields:
            form.add_error(name, _sentence(text))
        else:
            form.add_error(None, _sentence(f"{name.replace('_', ' ')} {text}"))
    if not fields:
        form.add_error(None, _sentence(error.message))


def _sentence(text: str) -> str:
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "!", "?")) else f"{text}."
