"""People: the hierarchy below the signed-in user, and who may be made, changed, suspended and activated in it.

The rules live in `accounts.services`; what is shown here only follows them, so that nobody meets a button that would
be refused. A user outside the team is a 404.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import django_filters
from django import forms
from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from accounts import audit, services
from accounts.actors import get_or_404, team_users
from accounts.invitations import password_link
from accounts.models import OPERATORS as OPERATOR_ROLES
from accounts.models import RANK, AccountStatus, Role, User
from accounts.second_factor import has_second_factor
from gateway.lib.errors import NotFound
from gateway.panel import trail
from gateway.panel.access import FORM, MERCHANTS, OPERATORS, POST, PanelRequest, page
from gateway.panel.confirming import Step, confirm
from gateway.panel.filters import PanelFilters, SearchFilter
from gateway.panel.forms import EditForm, PanelForm, carry_out
from gateway.panel.lists import paginate
from gateway.panel.once import show_once
from gateway.panel.rendering import crumbs, done, page_or_part
from webhooks import people

MANAGERS = (*OPERATORS, *MERCHANTS)
_AREA = ("Users", "panel:users")
# Up to so many the team is drawn as a tree; beyond that it is a list in pages.
_TREE = 200


# The list ---------------------------------------------------------------------------------------------------
class UserFilters(PanelFilters):
    q = SearchFilter(method="search")
    status = django_filters.ChoiceFilter(choices=AccountStatus.choices, empty_label="Any status")
    role = django_filters.ChoiceFilter(choices=Role.choices, empty_label="Any role")

    def search(self, rows: QuerySet[User], name: str, value: str) -> QuerySet[User]:
        text = value.strip()
        found = Q(email__icontains=text) | Q(name__icontains=text) | Q(public_id=text)
        return rows.filter(found | Q(merchant__name__icontains=text))


@dataclass(frozen=True, slots=True)
class Leaf:
    user: User
    depth: int


@page(MANAGERS)
def users(request: PanelRequest) -> HttpResponse:
    team = _team(request).order_by("-created_at", "-id")
    filters = UserFilters.narrow(request, team)
    size = _TREE if not filters.is_used else 25
    rows = paginate(request, filters.rows, size)
    context = {
        "crumbs": crumbs("Users"),
        "filters": filters,
        "page": rows,
        "leaves": _tree(rows.rows) if not filters.is_used else [Leaf(user, 0) for user in rows.rows],
        "may_create": bool(_makeable(request.viewer.user)),
    }
    return page_or_part(request, "panel/users/list.html", "panel/users/_results.html", context)


def _team(request: PanelRequest) -> QuerySet[User]:
    return team_users(request.viewer.user).select_related("merchant", "parent")


def _tree(rows: list[User]) -> list[Leaf]:
    """Each user followed by those below it; whose parent is not among `rows` starts a branch."""
    here = {user.pk for user in rows}
    below: dict[int | None, list[User]] = {}
    for user in sorted(rows, key=lambda user: (-RANK[Role(user.role)], user.name.lower(), user.pk)):
        below.setdefault(user.parent_id if user.parent_id in here else None, []).append(user)
    leaves: list[Leaf] = []

    def add(parent: int | None, depth: int) -> None:
        for user in below.get(parent, []):
            leaves.append(Leaf(user, depth))
            add(user.pk, depth + 1)

    add(None, 0)
    return leaves


# One user ---------------------------------------------------------------------------------------------------
@page(MANAGERS)
def user(request: PanelRequest, public_id: str) -> HttpResponse:
    row = _visible(request, public_id)
    context = {
        "crumbs": crumbs(_AREA, row.name),
        "person": row,
        "keys": row.portal_keys.order_by("-mode"),
        "children": _team(request).filter(parent=row).exclude(pk=row.pk).order_by("name", "pk")[:100],
        "trail": trail.about(row),
        "done_by": trail.by(row),
        "may_manage": _may_manage(request.viewer.user, row),
        "is_self": row.pk == request.viewer.user.pk,
        "is_invited": not row.has_usable_password(),
        "may_remove_factor": request.viewer.user.role == Role.SUPER_ADMIN and has_second_factor(row),
        "is_locked": row.locked_until is not None and row.locked_until > timezone.now(),
    }
    return render(request, "panel/users/detail.html", context)


def _visible(request: PanelRequest, public_id: str) -> User:
    return get_or_404(_team(request), public_id=public_id)


def _managed(request: PanelRequest, public_id: str) -> User:
    """One that the signed-in user may change; any other is a 404, though it may be seen."""
    row = _visible(request, public_id)
    if not _may_manage(request.viewer.user, row):
        raise NotFound()
    return row


def _may_manage(me: User, row: User) -> bool:
    return me.role == Role.SUPER_ADMIN or me.outranks(row.role)


# Making one -------------------------------------------------------------------------------------------------
class NewUserForm(PanelForm):
    """`parent_id` is asked of operators; a merchant's new user is its own."""

    name = forms.CharField(max_length=120, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    email = forms.EmailField(
        label="E-mail address", max_length=254, help_text="An invitation to set a password goes there.",
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )
    role = forms.ChoiceField()
    business_name = forms.CharField(
        label="Business name", max_length=120, required=False,
        help_text="What payers see. Empty: the name above.",
    )
    parent_id = forms.ModelChoiceField(
        User.objects.none(), label="Belongs to", required=False, to_field_name="public_id", empty_label="Me",
        help_text="A merchant belongs to an operator, an API user to its merchant.",
    )

    def __init__(self, *args: Any, me: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        roles = self.fields["role"]
        assert isinstance(roles, forms.ChoiceField)
        roles.choices = _makeable(me)
        if me.is_operator:
            _offer_parents(self, me)
        else:
            del self.fields["parent_id"], self.fields["business_name"]


def _makeable(me: User) -> list[tuple[str, str]]:
    """The roles that `me` may give, the usual one first."""
    order = (Role.MERCHANT, Role.API_USER, Role.ADMIN, Role.SUPER_ADMIN)
    return [(role.value, str(role.label)) for role in order if me.role == Role.SUPER_ADMIN or me.outranks(role)]


class _ParentChoice(forms.ModelChoiceField):  # type: ignore[type-arg]
    def label_from_instance(self, obj: Any) -> str:
        business = f", {obj.merchant.name}" if obj.merchant else ""
        return f"{obj.name} ({obj.get_role_display()}{business})"


def _offer_parents(form: forms.Form, me: User, row: User | None = None) -> None:
    """Everybody in reach who can have somebody below."""
    old = form.fields["parent_id"]
    assert isinstance(old, forms.ModelChoiceField)
    above = team_users(me).select_related("merchant").exclude(role=Role.API_USER).order_by("name", "pk")
    if row is not None:
        above = above.exclude(pk=row.pk)
    choice = _ParentChoice(
        above, label=old.label, required=old.required, to_field_name="public_id", help_text=old.help_text,
        empty_label=old.empty_label,
    )
    choice.widget.attrs["class"] = "select"
    form.fields["parent_id"] = choice


@sensitive_variables("made")
@page(MANAGERS, FORM, proof=True)
def new(request: PanelRequest) -> HttpResponse:
    """The answer to the POST shows both keys, this once."""
    form = NewUserForm(request.POST or None, me=request.viewer.user)
    if request.method == "POST" and form.is_valid():
        made = carry_out(form, lambda: _create(request, form.cleaned_data))
        if made:
            return _welcome(request, *made)
    context = {"crumbs": crumbs(_AREA, "New user"), "form": form}
    return render(request, "panel/users/new.html", context, status=422 if form.is_bound else 200)


def _create(request: PanelRequest, data: dict[str, Any]) -> tuple[User, dict[str, str]]:
    return people.create_user(
        actor=request.actor, email=data["email"], name=data["name"], role=data["role"],
        parent=data.get("parent_id"), business_name=data.get("business_name", ""),
    )


@sensitive_variables("keys")
def _welcome(request: PanelRequest, made: User, keys: dict[str, str]) -> HttpResponse:
    return show_once(
        request, title=f"{made.name} is added", crumbs=crumbs(_AREA, made.name),
        text=f"An invitation to set a password goes to {made.email}. These are the API keys of this user.",
        secrets=[("Test key", keys["test"]), ("Live key", keys["live"])],
        link=password_link(made), back=reverse("panel:user", args=[made.public_id]),
    )


@page(MANAGERS, POST, proof=True)
def invitation(request: PanelRequest, public_id: str) -> HttpResponse:
    """A new link for somebody who has not set a password yet; for anybody else it would be a way in."""
    row = _managed(request, public_id)
    if row.has_usable_password():
        raise NotFound()
    audit.record(request.actor, "user.invitation_link_made", row.public_id, merchant=row.merchant_id)
    return show_once(
        request, title=f"Invitation of {row.name}", crumbs=crumbs(_AREA, row.name), secrets=[], link=password_link(row),
        text="Give this link to nobody else: whoever opens it sets the password.", back=_address(row),
    )


# Changing one -----------------------------------------------------------------------------------------------
class UserForm(EditForm):
    """What is left out cannot be changed by this viewer, or has no alternative."""

    name = forms.CharField(max_length=120)
    role = forms.ChoiceField(required=False)
    parent_id = forms.ModelChoiceField(
        User.objects.none(), label="Belongs to", required=False, to_field_name="public_id", empty_label=None,
    )

    def __init__(self, *args: Any, me: User, row: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        roles = self.fields["role"]
        assert isinstance(roles, forms.ChoiceField)
        same_kind = [role for role in Role if (role in OPERATOR_ROLES) == (row.role in OPERATOR_ROLES)]
        roles.choices = [(role.value, str(role.label)) for role in same_kind]
        if me.role != Role.SUPER_ADMIN:
            del self.fields["role"]
        if me.is_operator and row.parent_id is not None and row.pk != me.pk:
            _offer_parents(self, me, row)
        else:
            del self.fields["parent_id"]


@page(MANAGERS, FORM, proof=True)
def edit(request: PanelRequest, public_id: str) -> HttpResponse:
    row, me = _managed(request, public_id), request.viewer.user
    shown = {"name": row.name, "role": row.role, "parent_id": row.parent and row.parent.public_id}
    form = UserForm(request.POST or None, initial=shown, me=me, row=row)
    back = reverse("panel:user", args=[row.public_id])
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        changes = {"name": data["name"], "role": data.get("role") or None, "parent": data.get("parent_id")}
        if carry_out(form, lambda: services.update_user(actor=request.actor, user=row, **changes)):
            return done(request, back, "Saved.")
        row.refresh_from_db()
    context = {"crumbs": crumbs(_AREA, "Edit user"), "form": form, "person": row}
    return render(request, "panel/users/edit.html", context, status=422 if form.is_bound else 200)


@page(MANAGERS, FORM, proof=True)
def suspend(request: PanelRequest, public_id: str) -> HttpResponse:
    row = _managed(request, public_id)
    step = Step(
        title=f"Suspend {row.name}?", action="Suspend", danger=True, facts=_facts(row), back=_address(row),
        text=_CONSEQUENCE.get(row.role, "Keys and sessions stop working at once, until somebody activates them again."),
    )
    return confirm(
        request, step, lambda _: people.suspend_user(actor=request.actor, user=row),
        message=f"{row.name} is suspended.",
    )


_CONSEQUENCE: dict[str, str] = {
    Role.MERCHANT: "Keys and sessions stop working at once. The last active user of a business takes the business and "
    "its API users along. Money and records stay as they are.",
}


@page(MANAGERS, FORM, proof=True)
def activate(request: PanelRequest, public_id: str) -> HttpResponse:
    row = _managed(request, public_id)
    step = Step(
        title=f"Activate {row.name}?", action="Activate", facts=_facts(row), back=_address(row),
        text="The same keys and password work again. A business that was suspended with its last user comes back too.",
    )
    return confirm(
        request, step, lambda _: services.activate_user(actor=request.actor, user=row),
        message=f"{row.name} is active again.",
    )


def _address(row: User) -> str:
    return reverse("panel:user", args=[row.public_id])


def _facts(row: User) -> list[tuple[str, object]]:
    business = [("Business", row.merchant.name)] if row.merchant else []
    return [("E-mail", row.email), ("Role", row.get_role_display()), *business]
