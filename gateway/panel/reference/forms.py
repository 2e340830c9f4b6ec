"""The form of one call, and the request that it describes."""

from __future__ import annotations

from typing import Any

from django import forms

from accounts.actors import Viewer
from accounts.models import Credential
from accounts.queries import credentials_of
from gateway.lib.modes import Mode
from gateway.panel.forms import PanelForm
from gateway.panel.reference.code import Sent
from gateway.panel.reference.operations import KEY, PUBLIC, Operation, Parameter
from gateway.panel.reference.prefill import body_for, record_for
from gateway.panel.reference.requests import request_of

_LONGEST_VALUE, _LONGEST_BODY = 2_000, 20_000


def own_pairs(viewer: Viewer, contract: str) -> Any:
    """The merchant's own test credentials of `contract`; nobody else has any."""
    return credentials_of(Viewer(viewer.user, Mode.TEST.value)).filter(contract=contract)


class _PairField(forms.ModelChoiceField):  # type: ignore[type-arg]
    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.name} · {obj.hint}"


class CallForm(PanelForm):
    """One field for each path, query and header parameter (`path.payment_id`), and the body as text."""

    def __init__(self, contract: str, operation: Operation, viewer: Viewer, data: Any = None) -> None:
        self.contract, self.operation = contract, operation
        self.reader = Viewer(viewer.user, Mode.TEST.value)
        super().__init__(data, auto_id=f"{operation.anchor}-%s", label_suffix="")
        if contract != "portal" and operation.access in (KEY, PUBLIC):
            pairs = own_pairs(viewer, contract)
            self.fields["key"] = _PairField(
                pairs, label="Key", required=False, empty_label=None if operation.access == KEY else "Without a key",
                initial=pairs.first(),
            )
        for parameter in operation.own:
            self.fields[f"{parameter.place}.{parameter.name}"] = self._field_of(parameter)
        if operation.has_body:
            text = body_for(contract, operation, operation.bodies[0].text, self.reader)
            self.fields["body"] = _body_field(text)
        for field in self.fields.values():
            look = "select" if isinstance(field.widget, forms.Select) else "input"
            field.widget.attrs.setdefault("class", look)

    def _field_of(self, parameter: Parameter) -> forms.Field:
        known = record_for(self.contract, self.operation, parameter.name, self.reader)
        initial = (known or parameter.sample) if parameter.place == "path" else parameter.sample
        options: dict[str, Any] = {"label": parameter.name, "required": parameter.required, "initial": initial}
        choices = parameter.choices
        if choices:
            blank = [] if parameter.required else [("", f"not sent{_said(parameter.default)}")]
            return forms.ChoiceField(choices=[*blank, *((one, one) for one in choices)], **options)
        attrs = {"spellcheck": "false", "autocomplete": "off", "placeholder": parameter.default}
        return forms.CharField(
            max_length=_LONGEST_VALUE, widget=forms.TextInput(attrs=attrs),
            validators=[_for_a_header] if parameter.place == "header" else [], **options,
        )

    def clean_body(self) -> str:
        """A browser sends each newline of a text area as CR LF."""
        return str(self.cleaned_data["body"]).replace("\r\n", "\n").strip()

    @property
    def pair(self) -> Credential | None:
        found: Credential | None = self.cleaned_data.get("key")
        return found

    def sent(self, base: str) -> Sent:
        """The request that was filled in; before anything was, the one that the form starts with."""
        values = {name: field.initial for name, field in self.fields.items()}
        return request_of(self.contract, self.operation, self.cleaned_data if self.is_bound else values, base)

    def other_bodies(self) -> list[tuple[str, str]]:
        """What else the body may look like, as (title, text)."""
        return [
            (body.title, body_for(self.contract, self.operation, body.text, self.reader))
            for body in self.operation.bodies if len(self.operation.bodies) > 1
        ]

    @property
    def is_sendable(self) -> bool:
        """Whether the reader has what the call must be sent with."""
        if self.contract == "portal" or self.operation.access != KEY:
            return True
        return "key" in self.fields and self.fields["key"].queryset.exists()  # type: ignore[attr-defined]


def _body_field(text: str) -> forms.CharField:
    rows = min(18, text.count("\n") + 2)
    attrs = {"rows": rows, "spellcheck": "false", "autocomplete": "off", "class": "textarea mono"}
    return forms.CharField(
        label="Body", max_length=_LONGEST_BODY, strip=False, required=False, initial=text,
        widget=forms.Textarea(attrs=attrs),
    )


def _for_a_header(text: str) -> None:
    """Nothing that would end a header, or that HTTP cannot carry in one."""
    if not text.isascii() or not text.isprintable():
        raise forms.ValidationError("A header has printable ASCII characters only.")


def _said(default: str) -> str:
    return f" ({default})" if default else ""
