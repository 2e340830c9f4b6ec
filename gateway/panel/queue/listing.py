"""The queue's page: every kind of work in one list, oldest first; the kind and the merchant stand in the address."""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import urlencode

from django import forms
from django.http import HttpRequest, HttpResponse

from accounts.actors import Viewer
from accounts.models import Merchant
from gateway.panel.access import OPERATORS, PanelRequest, page
from gateway.panel.forms import PanelForm
from gateway.panel.lists import paginate
from gateway.panel.queue import reading
from gateway.panel.queue.kinds import BY_NAME, KINDS
from gateway.panel.rendering import crumbs, page_or_part

ANY = ""


@dataclass(frozen=True, slots=True)
class Tab:
    name: str
    label: str
    count: str
    here: bool


class MerchantForm(PanelForm):
    """Whose work is shown; only merchants for whom something waits are offered."""

    merchant = forms.ModelChoiceField(
        Merchant.objects.none(), required=False, empty_label="Every merchant", to_field_name="public_id"
    )

    def __init__(self, *args: object, viewer: Viewer, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        choice = self.fields["merchant"]
        assert isinstance(choice, forms.ModelChoiceField)
        choice.queryset = reading.merchants(viewer)


@page(OPERATORS)
def queue(request: PanelRequest) -> HttpResponse:
    viewer = request.viewer
    form = MerchantForm(request.GET, viewer=viewer)
    wanted = BY_NAME.get(request.GET.get("kind", ANY))
    merchant = form.cleaned_data["merchant"] if form.is_valid() else None
    kinds = () if form.errors else (wanted,) if wanted else KINDS
    found = paginate(request, reading.keys(viewer, kinds, merchant))
    rows = reading.rows_of(viewer, found.rows)
    deciding = [row.kind for row in rows if row.selectable]
    context = {
        "crumbs": crumbs("To do"), "form": form, "page": replace(found, rows=rows), "kind": wanted,
        "tabs": _tabs(request, wanted.name if wanted else ANY), "here": request.get_full_path(),
        "back": urlencode({"next": request.get_full_path()}), "is_narrowed": bool(wanted or merchant or form.errors),
        "may_decide": [name for name in ("approve", "clear") if any(kind.decide(name) for kind in deciding)],
    }
    return page_or_part(request, "panel/queue/list.html", "panel/queue/_results.html", context)


def _tabs(request: HttpRequest, here: str) -> list[Tab]:
    """All of it, then each kind of which something waits, and the present one."""
    found = reading.counts_of(request)
    tabs = [Tab(ANY, "Everything", reading.count_text(sum(found.values())), not here)]
    for kind in KINDS:
        if found[kind.name] or kind.name == here:
            tabs.append(Tab(kind.name, kind.label, reading.count_text(found[kind.name]), kind.name == here))
    return tabs

